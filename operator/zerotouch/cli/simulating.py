"""What `simulate` announces, does and says."""

import json
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from zerotouch.api.spec import RegionSelection
from zerotouch.aws.calls import Interrupted, Pass
from zerotouch.aws.errors import AWSError
from zerotouch.aws.settings import AWSSettings
from zerotouch.cli.doctoring import Patient
from zerotouch.cli.exits import CommandError, Exit
from zerotouch.cli.fleet import work
from zerotouch.cli.quiet import quiet_logs
from zerotouch.cli.session import identity, reconciler, with_rights_of
from zerotouch.reconcile.reconciler import AccountInput, always_true
from zerotouch.reconcile.simulation import DETAIL_TYPE, SOURCE, Simulated, Timing, detail, rule_name, simulate
from zerotouch.resources.api_destination import EVENTS_PATH


@dataclass(frozen=True)
class Planned:
    """One simulation. `run` tells it from others."""

    account: AccountInput
    region: str
    sts_region: str
    run: str

    @property
    def url(self) -> str:
        return self.account.spec.gateway_url + EVENTS_PATH


def prepare(patient: Patient, account: str, region: str) -> Planned:
    """Raises CommandError."""
    found = next((a for a in patient.given.accounts if a.spec.account_id == account), None)
    if found is None:
        raise CommandError(Exit.NOT_FOUND, f"the object declares no account {account}")
    regions = found.spec.regions
    if regions.selection is RegionSelection.LISTED and region not in regions.names:
        names = ", ".join(sorted(regions.names))
        raise CommandError(Exit.NOT_FOUND, f"the object does not declare {region} for {account}; it declares {names}")
    main = found.spec.delivery.main
    if main not in {None, region}:
        raise CommandError(
            Exit.USAGE, f"the events of {region} go to Qualys by {main} (delivery.mainRegion): simulate there"
        )
    return Planned(found, region, patient.given.sts_region, secrets.token_hex(8))


def event(planned: Planned) -> dict[str, Any]:
    """What would reach Qualys."""
    return {
        "source": SOURCE,
        "detail-type": DETAIL_TYPE,
        "account": planned.account.spec.account_id,
        "region": planned.region,
        "detail": detail(planned.run),
    }


def announcement(planned: Planned) -> Iterator[str]:
    """What would happen."""
    yield f"This would reach Qualys, once, as POST {planned.url}"
    yield "with the subscription token that the connection holds, and beside id, time, version and resources:"
    yield ""
    yield json.dumps(event(planned), indent=2)
    yield ""
    yield "It names no instance. What Qualys does with an event that it does not know is not documented."
    where = f"{planned.account.spec.account_id}/{planned.region}"
    yield f"In {where} the rule {_rule(planned)} would be made for it and deleted again."
    yield "If the gateway refuses the token, EventBridge de-authorizes the connection, as any instance's start would make it."


def carry_out(planned: Planned, profile: str | None, region: str | None, settle: float, patience: float) -> Simulated:
    """Raises CommandError."""
    settings = AWSSettings(profile=profile, region=region)
    quiet_logs()
    identity(settings, planned.sts_region)
    with reconciler(settings) as made:

        def run(account: AccountInput, stop: threading.Event) -> Simulated | AWSError | None:
            bounds = Pass(stop, always_true)
            try:
                api, context = made.region(account, planned.region, bounds)
                always, _ = made.region(account, planned.region, Pass(threading.Event(), always_true))
                return simulate(api, always, context, bounds, planned.run, Timing(settle, patience))
            except AWSError as error:
                return error
            except Interrupted:
                return None

        worked = work("sending a synthetic event", [planned.account], run)
    outcome = next(iter(worked.results), None)
    if isinstance(outcome, AWSError):
        raise CommandError(Exit.AWS_ERROR, with_rights_of("simulate", outcome))
    if outcome is None:
        raise CommandError(Exit.INTERRUPTED, f"interrupted; the rule {_rule(planned)} was deleted")
    return outcome


def lines(planned: Planned, outcome: Simulated) -> Iterator[str]:
    """For people."""
    place = f"{planned.account.spec.account_id}/{planned.region}"
    if outcome.matches:
        yield f"ok      the rule of {place} matches an instance's start"
    else:
        yield f"BROKEN  the rule of {place} would not match an instance's start, or is disabled: see zerotouch doctor"
    if outcome.delivered:
        yield f"ok      the event {planned.run} was delivered to {planned.url}"
    elif outcome.delivered is False:
        yield f"BROKEN  the event {planned.run} could not be delivered to {planned.url}: see zerotouch doctor"
    else:
        yield f"?       CloudWatch tells nothing of the event {planned.run} yet: ask Qualys, or look again by a longer --wait"


def data(planned: Planned, outcome: Simulated) -> dict[str, Any]:
    """As plain values."""
    return {
        "account": planned.account.spec.account_id,
        "region": planned.region,
        "run": planned.run,
        "url": planned.url,
        "ruleMatches": outcome.matches,
        "delivered": outcome.delivered,
    }


def _rule(planned: Planned) -> str:
    return rule_name(planned.account.spec.name_prefix)

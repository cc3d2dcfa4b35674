"""Accounts, looked at side by side, and the object that describes them."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import click

from zerotouch.aws.access import Access, RoleToAssume
from zerotouch.aws.calls import CallLog, Interrupted, Pass
from zerotouch.aws.errors import AWSError
from zerotouch.aws.settings import AWSSettings
from zerotouch.cli.accounts import owner, resolve
from zerotouch.cli.exits import CommandError, Exit
from zerotouch.cli.fleet import work
from zerotouch.cli.output import emit
from zerotouch.cli.planning import AccountPlan
from zerotouch.cli.quiet import quiet_logs
from zerotouch.cli.reviewing import look
from zerotouch.cli.session import identity, reconciler, with_rights_of
from zerotouch.cli.source import Declared, check
from zerotouch.plan.imported import FoundAccount, Imported, imported
from zerotouch.plan.render import show_change
from zerotouch.qualys.platforms import GATEWAYS
from zerotouch.reconcile.discover import discover, enabled_regions
from zerotouch.reconcile.reconciler import AccountInput, always_true


@dataclass(frozen=True)
class Asked:
    """Which accounts and regions (none: all enabled ones), and how to get in."""

    accounts: Sequence[str]
    role_name: str
    external_id: str | None
    partition: str
    sts_region: str
    regions: Sequence[str]

    def role(self, account: str) -> RoleToAssume:
        arn = f"arn:{self.partition}:iam::{account}:role/{self.role_name}"
        return RoleToAssume(account, arn, self.external_id, self.sts_region, "zerotouch-import")

    @property
    def access(self) -> dict[str, Any]:
        """The same in the spec's words."""
        external = {"externalID": self.external_id} if self.external_id else {}
        return {"roleName": self.role_name, **external, "stsRegion": self.sts_region}


def run(asked: Asked, profile: str | None, region: str | None, output: str) -> Exit:
    """Raises CommandError."""
    settings = AWSSettings(profile=profile, region=region)
    quiet_logs()
    identity(settings, asked.sts_region)
    found, failures = _look(asked, settings)
    if not any(account.regions for account in found):
        raise CommandError(Exit.NOT_RIGHT, _nothing(asked, failures))
    made = imported(found, asked.access, GATEWAYS)
    plans, invalid = _plan(made, settings)
    remarks = [*_remarks(made, plans), *invalid, *(f"not imported: {text}" for text in failures)]
    if output == "yaml":
        click.echo("".join(f"# {remark}\n" for remark in remarks), nl=False)
    else:
        click.echo("\n".join(remarks), err=True)
    emit(made.body, output)
    return Exit.NOT_RIGHT if failures or invalid else Exit.OK


def _nothing(asked: Asked, failures: Sequence[str]) -> str:
    """What could not be looked at is no reason to say that nothing is there."""
    if failures:
        listed = "".join(f"\n* {text}" for text in failures)
        return f"nothing was found to import, but not everything could be looked at:{listed}"
    return f"nothing tells Qualys of instance starts in {', '.join(asked.accounts)}: there is nothing to import"


def _look(asked: Asked, settings: AWSSettings) -> tuple[list[FoundAccount], list[str]]:
    access = Access(settings, CallLog())

    def one(account: str, stop: threading.Event) -> FoundAccount | str | None:
        try:
            api = access.enter(asked.role(account), Pass(stop, always_true))
            return discover(api, asked.regions or enabled_regions(api, asked.sts_region))
        except AWSError as error:
            return f"account {account}: {with_rights_of('import', error)}"
        except Interrupted:
            return None

    looked = work("looking at accounts", asked.accounts, one)
    if looked.interrupted:
        raise CommandError(Exit.INTERRUPTED, "interrupted: nothing was changed")
    found = [result for result in looked.results if isinstance(result, FoundAccount)]
    failures = [result for result in looked.results if isinstance(result, str)]
    for account in found:
        failures += [f"{account.id} {where}: {with_rights_of('import', why)}" for where, why in account.skipped.items()]
    return found, failures


def _plan(made: Imported, settings: AWSSettings) -> tuple[list[AccountPlan], list[str]]:
    """What the object would change, as `zerotouch plan` says it; and why nobody can say, where a person has to complete it."""
    metadata = made.body["metadata"]
    try:
        declared = Declared(metadata["name"], metadata["namespace"], check(made.body))
    except CommandError as error:
        return [], [f"to do: complete it before it can be planned: {' '.join(str(error).split())}"]
    specs = resolve(declared, trusting=True)
    with reconciler(settings) as reconciling:
        return look(reconciling, [AccountInput(spec, owner(declared)) for spec in specs.values()]), []


def _remarks(made: Imported, plans: Sequence[AccountPlan]) -> Iterator[str]:
    yield "Written by zerotouch import from what exists. Read it before you apply it."
    for text in made.missing:
        yield f"to do: {text}"
    for text in made.improvements:
        yield f"better: {text}"
    for plan in plans:
        for change in plan.changes:
            yield f"plan: {plan.spec.account_id}: {show_change(change)}"
        for conflict in plan.conflicts:
            yield f"conflict: {plan.spec.account_id}: {conflict.message}"
        for where, problem in plan.problems:
            yield f"problem: {plan.spec.account_id} {where}: {problem.message}"

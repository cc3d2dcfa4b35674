"""The accounts of an object, looked at side by side by a pass that writes nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from zerotouch.api.spec import DeletionPolicy
from zerotouch.aws.settings import AWSSettings
from zerotouch.cli.accounts import owner, owner_id, resolve
from zerotouch.cli.cluster import Family, connect, families
from zerotouch.cli.exits import CommandError, Exit
from zerotouch.cli.fleet import work
from zerotouch.cli.options import Cluster
from zerotouch.cli.planning import AccountPlan, make_plan
from zerotouch.cli.quiet import quiet_logs
from zerotouch.cli.session import identity, reconciler
from zerotouch.cli.source import Declared, read_file
from zerotouch.cli.tokens import Held, given_token
from zerotouch.controller.conditions import now
from zerotouch.controller.drift import judge
from zerotouch.reconcile import empty
from zerotouch.reconcile.reconciler import AccountInput, Reconciler


@dataclass(frozen=True)
class Reviewed:
    """What is to be looked at, by the STS of that region. `leaving`: accounts that would be cleaned."""

    accounts: Sequence[AccountInput]
    sts_region: str
    leaving: Sequence[AccountInput] = ()


def from_file(file: str, name: str | None, namespace: str | None, token_file: str | None) -> Reviewed:
    """Without a cluster; nothing is known of earlier passes. Raises CommandError."""
    declared = read_file(file, name, namespace)
    return from_declared(declared, given_token(declared, token_file))


def from_declared(declared: Declared, held: Held | None) -> Reviewed:
    """The same of what was read, with the token that it is to carry. Raises CommandError."""
    specs = resolve(declared, held.fingerprint if held else None, trusting=True)
    accounts = [AccountInput(spec, owner(declared)) for spec in specs.values()]
    return Reviewed(accounts, declared.spec.access.sts_region)


def from_cluster(name: str, cluster: Cluster) -> Reviewed:
    """As the operator knows it: tokens, and the regions that it has been in. Raises CommandError."""
    return from_family(asyncio.run(_family(name, cluster)))


def from_family(family: Family) -> Reviewed:
    """Raises CommandError."""
    parent = family.parent
    token = parent.status.token.fingerprint if parent.status.token else None
    declared = Declared(parent.key.name, parent.key.namespace, parent.spec)
    specs = resolve(declared, token, trusting=True, bus_arn=_bus(family))
    accounts = []
    for identifier, spec in specs.items():
        child = family.accounts.get(identifier)
        if child is None:
            accounts.append(AccountInput(spec, owner(declared)))
        else:
            tokens = {
                "token_fingerprint": child.spec.token_fingerprint or token,
                "token_trial": child.spec.token_trial,
            }
            kept = spec.model_copy(update=tokens)
            accounts.append(replace(child.input(owner_id(), None), spec=kept, judge=judge(kept, child.status, now())))
    cleaning = parent.spec.deletion_policy is DeletionPolicy.DELETE
    undeclared = [child for identifier, child in family.accounts.items() if identifier not in specs]
    leaving = [child.input(owner_id(), None) for child in undeclared] if cleaning else []
    return Reviewed(accounts, parent.spec.access.sts_region, leaving)


def review(given: Reviewed, profile: str | None, region: str | None) -> list[AccountPlan]:
    """Ask AWS. Raises CommandError."""
    settings = AWSSettings(profile=profile, region=region)
    quiet_logs()
    identity(settings, given.sts_region)
    with reconciler(settings) as made:
        return [*look(made, given.accounts), *look_at_removal(made, given.leaving)]


def look(made: Reconciler, accounts: Sequence[AccountInput], new_token: bool = False) -> list[AccountPlan]:
    """The plan of each account. Raises CommandError where it was interrupted: half a plan is none."""
    seen = work("looking at accounts", accounts, lambda a, stop: made.reconcile(replace(a, dry_run=True), stop))
    if seen.interrupted:
        raise CommandError(Exit.INTERRUPTED, "interrupted: nothing was changed")
    return [make_plan(a.spec, report, new_token) for a, report in zip(accounts, seen.results, strict=True)]


def look_at_removal(made: Reconciler, accounts: Sequence[AccountInput]) -> list[AccountPlan]:
    """The same of accounts that are to be cleaned."""
    seen = work("looking at accounts", accounts, lambda a, stop: made.remove(replace(a, dry_run=True), stop))
    if seen.interrupted:
        raise CommandError(Exit.INTERRUPTED, "interrupted: nothing was changed")
    return [make_plan(a.spec, report) for a, report in zip(accounts, seen.results, strict=True)]


def assume_empty(given: Reviewed) -> list[AccountPlan]:
    """As if nothing existed."""
    return [make_plan(account.spec, empty.assume_empty(account)) for account in given.accounts]


def _bus(family: Family) -> str | None:
    """The operator's own, as its account objects tell it."""
    known = (child.spec.detection for child in family.accounts.values())
    return next((detection.bus_arn for detection in known if detection and detection.bus_arn), None)


async def _family(name: str, cluster: Cluster) -> Family:
    async with connect(cluster) as connected:
        (family,) = await families(connected, name=name)
        return family

"""What is told, as events and counters, of an account's pass: changes of state only."""

from typing import Final

from zerotouch.api.account import QualysZeroTouchAccountStatus
from zerotouch.api.conditions import Reason
from zerotouch.api.drift import Left
from zerotouch.controller.account_status import place_of_detail, place_of_drift
from zerotouch.controller.conditions import condition, transition
from zerotouch.controller.objects import Account
from zerotouch.controller.rollup import ROLLED_UP
from zerotouch.controller.shared import Shared
from zerotouch.plan.author import Author, show_author
from zerotouch.plan.change import Action, ResourceID
from zerotouch.plan.render import show_change, show_difference, show_resource, some
from zerotouch.reconcile.report import AccountReport, Drift

_MOST_NAMED: Final = 5


async def tell(shared: Shared, account: Account, report: AccountReport, status: QualysZeroTouchAccountStatus) -> None:
    """`account` holds the status before the pass, `status` is the one after it."""
    await _drifts(shared, account, report)
    await _changes(shared, account, report)
    await tell_losses(shared, account, report)
    await _transition(shared, account, status)
    await _conditions(shared, account, status)


async def _drifts(shared: Shared, account: Account, report: AccountReport) -> None:
    told = {place_of_detail(detail): detail.since for detail in account.status.details}
    news: dict[tuple[ResourceID, str], list[str]] = {}
    authors: dict[ResourceID, Author] = {}
    for drift in (drift for scope in report.scopes for drift in scope.drifts):
        since = told.get(place_of_drift(drift))
        shared.stats.drifted(drift, since)
        if drift.author is not None:
            authors[drift.resource] = drift.author
        if since is None or drift.mended:
            news.setdefault((drift.resource, _state(drift)), []).append(show_difference(drift.difference))
    if news:
        text = _some([_describe(r, state, fields, authors.get(r)) for (r, state), fields in news.items()])
        await shared.events.warning(account.key, account.meta.uid, Reason.DRIFTED, text)


async def _changes(shared: Shared, account: Account, report: AccountReport) -> None:
    drifted = {drift.resource for scope in report.scopes for drift in scope.drifts}
    changes = [c for scope in report.scopes for c in scope.changes if c.resource not in drifted]
    adopted = [show_change(c) for c in changes if c.action is Action.ADOPT]
    if adopted:
        text = f"{len(adopted)} resources taken over, as adoptionPolicy says: {_some(adopted)}"
        await shared.events.normal(account.key, account.meta.uid, "Adopted", text)
    applied = [show_change(c) for c in changes if c.action is not Action.ADOPT]
    if applied:
        text = f"{len(applied)} changes: {_some(applied)}"
        await shared.events.normal(account.key, account.meta.uid, "Applied", text)
    gone = sorted(scope.name for scope in report.scopes if scope.gone)
    if gone:
        text = f"no longer declared, deletionPolicy {account.spec.deletion_policy.value}: {', '.join(gone)}"
        await shared.events.normal(account.key, account.meta.uid, "RegionRemoved", text)


async def tell_losses(shared: Shared, account: Account, report: AccountReport) -> None:
    """What went with resources that were deleted."""
    losses = [loss for scope in report.scopes for loss in scope.losses]
    if losses:
        await shared.events.warning(account.key, account.meta.uid, "ContentDeleted", f"deleted: {_some(losses)}")


async def _transition(shared: Shared, account: Account, status: QualysZeroTouchAccountStatus) -> None:
    ready = transition(account.status.conditions, status.conditions)
    if ready is not None and ready.reason != Reason.PROGRESSING:
        write = shared.events.normal if ready.status == "True" else shared.events.warning
        await write(account.key, account.meta.uid, ready.reason, ready.message)


async def _conditions(shared: Shared, account: Account, status: QualysZeroTouchAccountStatus) -> None:
    """That a condition of its own has become False, and that it has become True again."""
    for kind in ROLLED_UP:
        before = condition(account.status.conditions, kind)
        after = transition(account.status.conditions, status.conditions, kind)
        if after is None:
            continue
        if after.status == "False":
            await shared.events.warning(account.key, account.meta.uid, after.reason, after.message)
        elif after.status == "True" and before is not None and before.status == "False":
            await shared.events.normal(account.key, account.meta.uid, kind, after.message)


def _state(drift: Drift) -> str:
    if drift.left is Left.REPORTED:
        return "only told"
    return "mended" if drift.mended else "not mended"


def _describe(resource: ResourceID, state: str, fields: list[str], author: Author | None) -> str:
    by = f"; changed by {show_author(author)}" if author else ""
    return f"{show_resource(resource)} ({state}): {', '.join(fields)}{by}"


def _some(texts: list[str]) -> str:
    return some(texts, _MOST_NAMED, conjunction="; and")

"""What is told, as events and counters, of an account's pass: changes of state only."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from zerotouch.api.account import QualysZeroTouchAccountStatus
from zerotouch.api.conditions import Reason
from zerotouch.api.drift import Left
from zerotouch.controller.conditions import condition, transition
from zerotouch.controller.objects import Account
from zerotouch.controller.rollup import ROLLED_UP
from zerotouch.controller.shared import Shared
from zerotouch.controller.told import seen
from zerotouch.plan.author import show_author
from zerotouch.plan.change import Action, Change, ResourceID
from zerotouch.plan.render import count, show_change, show_difference, show_resource, some
from zerotouch.reconcile.report import AccountReport, Drift, ScopeReport

_MOST_NAMED: Final = 5


async def tell(shared: Shared, account: Account, report: AccountReport, status: QualysZeroTouchAccountStatus) -> None:
    """`account` holds the status before the pass, `status` is the one after it."""
    await _drifts(shared, account, report)
    await _changes(shared, account, report)
    await tell_losses(shared, account, report)
    await _transition(shared, account, status)
    await _conditions(shared, account, status)


def count_mended(shared: Shared, account: Account, report: AccountReport) -> None:
    """Of a pass whose status could not be written: what it mended is not found again, and would never be told."""
    for known in seen([drift for scope in report.scopes for drift in scope.drifts], account.status):
        if known.drift.mended:
            shared.stats.drifted(known)


async def _drifts(shared: Shared, account: Account, report: AccountReport) -> None:
    """An event for each of the first few resources, and one that names the others."""
    news: dict[tuple[ResourceID, str], list[Drift]] = {}
    for known in seen([drift for scope in report.scopes for drift in scope.drifts], account.status):
        shared.stats.drifted(known)
        if known.new or known.drift.mended:
            news.setdefault((known.drift.resource, _state(known.drift)), []).append(known.drift)
    told = [(f"{show_resource(resource)} ({state})", drifts) for (resource, state), drifts in news.items()]
    for what, drifts in told[:_MOST_NAMED]:
        text = f"{what}: {_describe(drifts)}"
        await shared.events.warning(account.key, account.meta.uid, Reason.DRIFTED, text, what)
    if rest := [what for what, _ in told[_MOST_NAMED:]]:
        text = f"{count(len(rest), 'more resource')}: {some(rest, _MOST_NAMED)}"
        await shared.events.warning(account.key, account.meta.uid, Reason.DRIFTED, text, "more")


async def _changes(shared: Shared, account: Account, report: AccountReport) -> None:
    changes = [applied for scope in report.scopes for applied in applied_in(scope)]
    write, key, uid = shared.events.normal, account.key, account.meta.uid
    adopted = [c for c in changes if c.action is Action.ADOPT]
    if adopted:
        text = f"{count(len(adopted), 'resource')} taken over, as adoptionPolicy says: {_some(adopted)}"
        await write(key, uid, "Adopted", text, _about(adopted))
    applied = [c for c in changes if c.action is not Action.ADOPT]
    if applied:
        text = f"{count(len(applied), 'change')}: {_some(applied)}"
        await write(key, uid, "Applied", text, _about(applied))
    if gone := ", ".join(sorted(scope.name for scope in report.scopes if scope.gone)):
        text = f"no longer declared, deletionPolicy {account.spec.deletion_policy.value}: {gone}"
        await write(key, uid, "RegionRemoved", text, gone)


def applied_in(scope: ScopeReport) -> Iterator[Change]:
    """What was made there because it was declared anew."""
    drifted = {(drift.resource, drift.difference.path) for drift in scope.drifts}
    for change in scope.changes:
        if differences := tuple(d for d in change.differences if (change.resource, d.path) not in drifted):
            yield replace(change, differences=differences)


async def tell_losses(shared: Shared, account: Account, report: AccountReport) -> None:
    """What went with resources that were deleted."""
    losses = [loss for scope in report.scopes for loss in scope.losses]
    if losses:
        text = f"deleted: {some(losses, _MOST_NAMED, conjunction='; and')}"
        await shared.events.warning(account.key, account.meta.uid, "ContentDeleted", text)


async def tell_authors(shared: Shared, account: Account, told: list[str]) -> None:
    """Of earlier drifts, as `resource: author`: an event for each of the first few resources, and one for the others."""
    write, key, uid = shared.events.normal, account.key, account.meta.uid
    for text in told[:_MOST_NAMED]:
        await write(key, uid, "DriftAttributed", text, text.partition(": ")[0])
    if rest := told[_MOST_NAMED:]:
        await write(key, uid, "DriftAttributed", "; ".join(rest), "more")


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
    if drift.left in {Left.REPORTED, Left.OBSERVED}:
        return "only told"
    return "mended" if drift.mended else "not mended"


def _describe(drifts: list[Drift]) -> str:
    fields = ", ".join(show_difference(drift.difference) for drift in drifts)
    authors = dict.fromkeys(show_author(drift.author) for drift in drifts if drift.author is not None)
    return f"{fields}; changed by {' and by '.join(authors)}" if authors else fields


def _about(changes: list[Change]) -> str:
    return "; ".join(f"{change.action} {show_resource(change.resource)}" for change in changes)


def _some(changes: list[Change]) -> str:
    return some([show_change(change) for change in changes], _MOST_NAMED, conjunction="; and")

"""What is told of drifts: each once, also where the status has no room for all."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.controller.accounts import account_spec
from zerotouch.api.account import QualysZeroTouchAccountStatus, State
from zerotouch.api.drift import Left
from zerotouch.controller.account_events import count_mended, tell
from zerotouch.controller.account_status import account_status
from zerotouch.controller.drift import with_drift
from zerotouch.controller.objects import Account
from zerotouch.controller.shared import Shared
from zerotouch.controller.stats import Stats
from zerotouch.controller.told import seen
from zerotouch.plan.change import Difference, ResourceID
from zerotouch.reconcile.report import AccountReport, Drift, ScopeReport

T0 = datetime(2026, 1, 1, tzinfo=UTC)
EMPTY = QualysZeroTouchAccountStatus()


def drifts(*numbers: int, mended: bool = False, kind: str = "Rule") -> list[Drift]:
    """One per number, of a resource of its own."""
    why = None if mended else Left.OBSERVED
    rules = [ResourceID(kind, "us-east-1", f"{kind.lower()}-{n}") for n in numbers]
    return [Drift(rule, Difference("state", "ENABLED", "DISABLED"), mended, left=why) for rule in rules]


def after(report: AccountReport, previous: QualysZeroTouchAccountStatus, minutes: int) -> QualysZeroTouchAccountStatus:
    at = T0 + timedelta(minutes=minutes)
    return with_drift(account_status(report, previous, 1, None, at), previous, report, at)


def reported(found: list[Drift]) -> AccountReport:
    return AccountReport("1" * 12, (ScopeReport("us-east-1", State.NOT_READY, 4, 4, "h", drifts=tuple(found)),))


@pytest.mark.parametrize(
    ("before", "now", "new"),
    [
        ([], drifts(1, 2), ["rule-1", "rule-2"]),
        (drifts(1), drifts(1, 2), ["rule-2"]),
        (drifts(*range(100)), drifts(*range(100)), []),
        (drifts(*range(100)), drifts(*range(5), 200, *range(5, 100)), ["rule-200"]),
        (drifts(*range(100)), drifts(*range(60)), []),
        (drifts(*range(100)), [*drifts(*range(100)), *drifts(200, mended=True)], ["rule-200"]),
        (drifts(*range(100)), drifts(*range(100), mended=True), []),
        # How many are new is right, and not which: the status has no room for that.
        (drifts(*range(100)), drifts(*range(102)), ["rule-20", "rule-21"]),
        (drifts(*range(100)), [*drifts(*range(60)), *drifts(1, 2, kind="Connection")], ["connection-1", "connection-2"]),
        ([*drifts(*range(30)), *drifts(1, kind="Connection")], drifts(*range(31)), ["rule-20"]),
    ],
    ids=["first", "one more", "steady", "one before the cut", "fewer", "one that is mended", "all mended", "behind the cut",
         "another kind as some go", "another kind went"],
)  # fmt: skip
def test_what_is_new(before: list[Drift], now: list[Drift], new: list[str]) -> None:
    previous = after(reported(before), EMPTY, 0)
    assert [known.drift.resource.name for known in seen(now, previous) if known.new] == new


def test_since_when_it_is_known() -> None:
    previous = after(reported(drifts(*range(25))), EMPTY, 0)
    known = seen(drifts(*range(25)), previous)
    assert [k.since for k in known] == [T0] * 20 + [None] * 5


@dataclass
class Teller:
    """Takes what is told as the recorder does: one event for each reason and matter, with how often it was told."""

    told: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    async def warning(self, key: object, uid: str, reason: str, message: str, about: str = "") -> None:
        self.told.setdefault((reason, about), []).append(message)

    normal = warning


class Watched:
    """An account object through its passes."""

    def __init__(self) -> None:
        self.events, self.stats = Teller(), Stats()
        self._shared = cast(Shared, SimpleNamespace(events=self.events, stats=self.stats))
        self.status, self._minutes = EMPTY, 0

    async def passes(self, found: list[Drift]) -> None:
        meta: Any = SimpleNamespace(uid="u", name="n", namespace="ns")
        account = cast(
            Account, SimpleNamespace(key=None, meta=meta, spec=account_spec(mode="Observe"), status=self.status)
        )
        report = reported(found)
        self.status, self._minutes = after(report, self.status, self._minutes), self._minutes + 5
        await tell(self._shared, account, report, self.status)


async def test_an_account_with_a_hundred_differences_is_told_once_and_in_few_events() -> None:
    account = Watched()
    await account.passes(drifts(*range(100)))
    first = {key: list(messages) for key, messages in account.events.told.items()}
    said = [messages[0] for (reason, _), messages in first.items() if reason == "Drifted"]
    assert said[0] == "Rule rule-0 in us-east-1 (only told): state: wanted ENABLED, found DISABLED"
    assert len(said) == 6
    assert said[5].startswith("95 more resources: Rule rule-5 in us-east-1 (only told); ")
    assert said[5].endswith(" and 90 more")
    for _ in range(10):
        await account.passes(drifts(*range(100)))
    assert account.events.told == first
    assert account.stats.drift_seen["Rule", "changed"] == 100


async def test_what_was_mended_counts_although_nothing_else_can_be_told() -> None:
    account = Watched()
    await account.passes(drifts(1))
    found = reported([*drifts(1, mended=True), *drifts(2, mended=True), *drifts(3)])
    before = cast(Account, SimpleNamespace(status=account.status))
    count_mended(cast(Shared, SimpleNamespace(stats=account.stats)), before, found)
    assert (account.stats.drift_seen["Rule", "changed"], account.stats.drift_mended["Rule", "changed"]) == (2, 2)


async def test_different_drifts_stand_side_by_side_and_the_same_is_counted() -> None:
    account = Watched()
    for found in (drifts(1, mended=True), drifts(2, mended=True), [], drifts(1, mended=True)):
        await account.passes(found)
    told = {about: len(messages) for (reason, about), messages in account.events.told.items() if reason == "Drifted"}
    assert told == {"Rule rule-1 in us-east-1 (mended)": 2, "Rule rule-2 in us-east-1 (mended)": 1}
    assert account.stats.drift_seen["Rule", "changed"] == 3

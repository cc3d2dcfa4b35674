"""What the status says and remembers of drift."""

from datetime import UTC, datetime, timedelta

import pytest

from zerotouch.api.account import QualysZeroTouchAccountStatus, State
from zerotouch.api.conditions import Reason
from zerotouch.api.drift import Left
from zerotouch.aws.errors import Retry
from zerotouch.controller.account_status import account_status
from zerotouch.controller.conditions import condition
from zerotouch.controller.drift import with_drift
from zerotouch.plan.change import Difference, ResourceID
from zerotouch.plan.fighting import REPAIRS, held
from zerotouch.reconcile.report import AccountReport, Drift, Problem, ScopeReport

T0 = datetime(2026, 1, 1, tzinfo=UTC)
T1 = T0 + timedelta(minutes=5)
EMPTY = QualysZeroTouchAccountStatus()
RULE = ResourceID("Rule", "us-east-1", "qualys-zerotouch")


def drift(path: str, left: Left | None = None, written: bool = False) -> Drift:
    return Drift(RULE, Difference(path, "a", "b"), mended=written, written=written, left=left)


def status(
    *drifts: Drift, previous: QualysZeroTouchAccountStatus = EMPTY, now: datetime = T0, problem: Problem | None = None
) -> QualysZeroTouchAccountStatus:
    scopes = () if problem else (ScopeReport("us-east-1", State.READY, 4, 4, "h", drifts=drifts),)
    report = AccountReport("1" * 12, scopes, problem)
    return with_drift(account_status(report, previous, 1, None, now), previous, report, now)


@pytest.mark.parametrize(
    ("drifts", "said"),
    [
        ((), ("False", "Succeeded", "nothing differs from what was made right")),
        ((drift("x", written=True),), ("False", "Succeeded", "nothing differs from what was made right")),
        (
            (drift("x", Left.REPORTED),),
            ("True", "Drifted", "1 field left, as driftPolicy says: x of Rule qualys-zerotouch in us-east-1"),
        ),
        (
            (Drift(RULE, Difference("exists", True, False), mended=False, left=Left.OBSERVED),),
            ("True", "Drifted", "1 field left, as mode is Observe: Rule qualys-zerotouch in us-east-1 (missing)"),
        ),
        (
            (drift("x", Left.REPORTED), drift("y", Left.FIGHTING), drift("z")),
            (
                "True",
                "Fighting",
                "1 field left alone for a while, because somebody else keeps changing it: y of Rule qualys-zerotouch in "
                "us-east-1; "
                "1 field not mended yet: z of Rule qualys-zerotouch in us-east-1; "
                "1 field left, as driftPolicy says: x of Rule qualys-zerotouch in us-east-1",
            ),
        ),
        (
            tuple(drift(f"f{n}", Left.OBSERVED) for n in range(25)),
            (
                "True",
                "Drifted",
                "25 fields left, as mode is Observe: f0 of Rule qualys-zerotouch in us-east-1, f1 of Rule qualys-zerotouch in "
                "us-east-1, f10 of Rule qualys-zerotouch in us-east-1 and 22 more; status.details shows 20 of 25",
            ),
        ),
    ],
)
def test_the_condition_drifted(drifts: tuple[Drift, ...], said: tuple[str, str, str]) -> None:
    found = condition(status(*drifts).conditions, "Drifted")
    assert found is not None
    assert (found.status, found.reason, found.message) == said


def test_what_is_only_told_is_no_reason_not_to_be_ready() -> None:
    found = status(drift("x", Left.REPORTED))
    ready = condition(found.conditions, "Ready")
    assert ready is not None
    assert (ready.status, ready.message) == (
        "True",
        "1 region is set up; 1 difference only told, as driftPolicy says",
    )
    assert (found.drifted, found.details[0].left) == (1, Left.REPORTED)


def test_the_age_is_that_of_the_oldest_difference() -> None:
    first = status(drift("x", Left.REPORTED))
    second = status(drift("x", Left.REPORTED), drift("y", Left.REPORTED), previous=first, now=T1)
    third = status(drift("y", Left.REPORTED), previous=second, now=T1 + timedelta(minutes=5))
    assert [s.drifted_since for s in (first, second, third)] == [T0, T0, T1]
    assert status(previous=third).drifted_since is None


def test_repairs_are_remembered_until_it_is_a_fight() -> None:
    known = EMPTY
    for n in range(REPAIRS):
        assert held(known.repairs, T0) == {}
        known = status(drift("targets.spy", written=True), previous=known, now=T0 + n * timedelta(minutes=5))
    (fight,) = known.repairs
    assert (fight.field, fight.count, fight.since) == ("targets", REPAIRS, T0)
    assert held(known.repairs, fight.last)


def test_an_account_that_cannot_be_entered_keeps_all_that() -> None:
    before = status(drift("x", written=True), drift("y", Left.FIGHTING))
    problem = Problem(Reason.ACCESS_DENIED, "denied", Retry.PERSON)
    after = status(previous=before, now=T1, problem=problem)
    assert (after.repairs, after.drifted_since) == (before.repairs, before.drifted_since)
    assert condition(after.conditions, "Drifted") == condition(before.conditions, "Drifted")

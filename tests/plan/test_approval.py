"""Plans' hashes, and what an approval lets through."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from zerotouch.api.approval import Approval, ApprovalState
from zerotouch.desired.values import UNKNOWN
from zerotouch.plan.approval import (
    Answer,
    annotation_for,
    covers,
    decide_approval,
    hash_of_plans,
    passed_over,
    plan_hash,
)
from zerotouch.plan.change import Action, Change, Difference, ResourceID

RULE = ResourceID("Rule", "us-east-1", "qualys-zerotouch")
STATE = Difference("state", "ENABLED", "DISABLED")
UPDATE = Change(RULE, Action.UPDATE, (STATE,))
CREATE = Change(RULE, Action.CREATE, (Difference("exists", True, False),), {"Arn": UNKNOWN, "state": "ENABLED"})
ARN = Difference("targets.qualys.Arn", UNKNOWN, "arn:old")
OTHER = replace(UPDATE, resource=replace(RULE, region="eu-west-1"))


def test_the_hash_is_that_of_what_is_to_be_done_in_any_order() -> None:
    assert plan_hash([UPDATE, OTHER]) == plan_hash([OTHER, UPDATE])
    assert plan_hash([]) is None
    # Stable over releases that change nothing about plans: people carry it from one terminal to another.
    assert plan_hash([UPDATE, CREATE]) == plan_hash([UPDATE, CREATE])


@pytest.mark.parametrize(
    "other",
    [
        OTHER,
        replace(UPDATE, action=Action.DELETE),
        replace(UPDATE, differences=(replace(STATE, wanted="x"),)),
        replace(UPDATE, differences=(replace(STATE, found="ENABLED_WITH_ALL"),)),
        replace(UPDATE, differences=(STATE, ARN)),
        replace(UPDATE, resource=replace(RULE, name="x")),
    ],
)
def test_everything_counts(other: Change) -> None:
    assert plan_hash([other]) != plan_hash([UPDATE])


def test_what_is_made_counts_with_all_its_fields() -> None:
    assert plan_hash([CREATE]) != plan_hash([replace(CREATE, content={"Arn": UNKNOWN, "state": "DISABLED"})])


def test_the_hash_of_a_parent() -> None:
    assert hash_of_plans({"a": "1", "b": None}) == hash_of_plans({"a": "1"})
    assert hash_of_plans({"a": "1"}) != hash_of_plans({"b": "1"})
    assert hash_of_plans({"a": None}) is None


def known(state: ApprovalState, plan: str = "h") -> Approval:
    return Approval(plan=plan, state=state, at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("asked", "plan", "before", "answer"),
    [
        (None, "h", None, Answer.FORGET),
        (None, "h", known(ApprovalState.APPLIED), Answer.FORGET),
        ("h", "h", None, Answer.APPLY),
        ("h", "i", None, Answer.REFUSE),
        ("h", None, None, Answer.REFUSE),
        ("h", "h", known(ApprovalState.APPLIED), Answer.NOTHING),
        ("h", "i", known(ApprovalState.REFUSED), Answer.NOTHING),
        # The world came back to what was approved: that approval is spent.
        ("h", "h", known(ApprovalState.REFUSED), Answer.NOTHING),
        ("h", "h", known(ApprovalState.FAILED), Answer.NOTHING),
        ("h", "h", known(ApprovalState.APPLIED, "g"), Answer.APPLY),
        ("h/again", "h", known(ApprovalState.APPLIED), Answer.APPLY),
        ("h/again", "h", known(ApprovalState.APPLIED, "h/again"), Answer.NOTHING),
        # Killed while it was applied.
        ("h", "h", known(ApprovalState.APPLYING), Answer.APPLY),
        ("h", "rest", known(ApprovalState.APPLYING), Answer.REFUSE),
        ("h", None, known(ApprovalState.APPLYING), Answer.APPLIED),
    ],
)
def test_the_truth_table(asked: str | None, plan: str | None, before: Approval | None, answer: Answer) -> None:
    assert decide_approval(asked, plan, before) is answer


@pytest.mark.parametrize(
    ("approved", "now", "covered"),
    [
        ((UPDATE,), UPDATE, True),
        ((UPDATE,), OTHER, False),
        ((), UPDATE, False),
        ((UPDATE,), replace(UPDATE, differences=(replace(STATE, found="x"),)), False),
        ((UPDATE,), replace(UPDATE, differences=(STATE, Difference("role", None, "arn"))), False),
        ((replace(UPDATE, differences=(STATE, Difference("role", None, "arn"))),), UPDATE, False),
        ((UPDATE,), replace(UPDATE, action=Action.DELETE), False),
        # What AWS had not chosen yet may be anything, even what is there already.
        ((CREATE,), replace(CREATE, content={"Arn": "arn:new", "state": "ENABLED"}), True),
        ((CREATE,), replace(CREATE, content={"Arn": "arn:new", "state": "DISABLED"}), False),
        (
            (replace(UPDATE, differences=(ARN,)),),
            replace(UPDATE, differences=(replace(ARN, wanted="arn:new"),)),
            True,
        ),
        ((replace(UPDATE, differences=(STATE, ARN)),), UPDATE, True),
    ],
)
def test_just_what_was_approved_is_let_through(approved: tuple[Change, ...], now: Change, covered: bool) -> None:
    assert covers(approved, now) is covered


NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "before", [None, *(known(state) for state in ApprovalState), known(ApprovalState.APPLIED, "g")]
)
def test_what_was_approved_before_or_in_mode_enforce_is_spent_in_mode_observe(before: Approval | None) -> None:
    after = passed_over("h", before, NOW)
    assert passed_over("h", after, NOW) == after
    assert decide_approval("h", "h", after) is Answer.NOTHING
    assert decide_approval("h/2", "h", after) is Answer.APPLY
    assert passed_over(None, after, NOW) is None


@pytest.mark.parametrize(
    ("before", "says"),
    [
        (None, "h"),
        (known(ApprovalState.APPLIED, "g"), "h"),
        (known(ApprovalState.APPLIED), "h/2"),
        (known(ApprovalState.REFUSED, "h/9"), "h/10"),
        (known(ApprovalState.APPLIED, "h/20260101T000000Z"), "h/2"),
    ],
)
def test_what_has_it_applied_is_always_another_annotation(before: Approval | None, says: str) -> None:
    assert annotation_for("h", before) == says
    assert decide_approval(says, "h", before) is Answer.APPLY

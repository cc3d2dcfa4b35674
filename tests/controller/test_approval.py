"""What is said of a plan and of its approval."""

from datetime import UTC, datetime, timedelta

import pytest

from zerotouch.api.account import QualysZeroTouchAccountStatus
from zerotouch.api.approval import Approval, ApprovalState
from zerotouch.api.conditions import Reason
from zerotouch.controller.approval import answered, approved_condition
from zerotouch.controller.conditions import make
from zerotouch.plan.approval import Answer

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ONE, TWO = "1" * 16, "2" * 16


def status(state: ApprovalState | None = None, plan: str | None = None) -> QualysZeroTouchAccountStatus:
    approval = None if state is None else Approval(plan=f"{ONE}/2", state=state, at=T0)
    return QualysZeroTouchAccountStatus(plan=plan, approval=approval)


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (status(), status(), None),
        (status(ApprovalState.APPLIED), status(), ("True", "PlanApplied", f"plan {ONE} was applied")),
        (
            status(ApprovalState.REFUSED, TWO),
            status(),
            (
                "False",
                "PlanChanged",
                f"{ONE} was approved, but is not the plan: now it is {TWO}. Look at status.details, and annotate with "
                f"zerotouch.dev/approve={TWO}",
            ),
        ),
        (
            status(ApprovalState.REFUSED, ONE),
            status(),
            (
                "False",
                "PlanChanged",
                f"{ONE} is the plan, and its approval is spent. To have it applied, annotate with "
                f"zerotouch.dev/approve={ONE}/3",
            ),
        ),
        (
            status(ApprovalState.REFUSED),
            status(),
            ("False", "PlanChanged", f"{ONE} was approved, but is not the plan: now there is nothing to change"),
        ),
        (
            status(ApprovalState.REFUSED),
            status(ApprovalState.APPLYING),
            ("False", "PlanChanged", f"{ONE} was approved and begun, but not ended: now there is nothing to change"),
        ),
    ],
)
def test_the_condition(
    now: QualysZeroTouchAccountStatus, before: QualysZeroTouchAccountStatus, said: tuple[str, str, str] | None
) -> None:
    found = approved_condition(now, before, None, T0)
    assert [(c.status, c.reason, c.message) for c in found] == ([] if said is None else [said])


def test_what_was_said_stands_until_the_plan_is_another() -> None:
    first = status(ApprovalState.APPLIED)
    said = [make("Approved", "False", Reason.ACCESS_DENIED, "in part", [], 1, T0)]
    before = first.model_copy(update={"conditions": said})
    assert approved_condition(first, before, None, T0 + timedelta(minutes=5)) == said
    refused = status(ApprovalState.REFUSED, TWO)
    told = approved_condition(refused, status(), None, T0)
    known = refused.model_copy(update={"conditions": told})
    assert approved_condition(refused, known, None, T0) == told
    (again,) = approved_condition(status(ApprovalState.REFUSED, "3" * 16), known, None, T0)
    assert "3" * 16 in again.message


@pytest.mark.parametrize(
    ("answer", "asked", "state"),
    [
        (Answer.FORGET, None, None),
        (Answer.REFUSE, ONE, ApprovalState.REFUSED),
        (Answer.APPLIED, ONE, ApprovalState.APPLIED),
        (Answer.NOTHING, ONE, ApprovalState.FAILED),
    ],
)
def test_answers(answer: Answer, asked: str | None, state: ApprovalState | None) -> None:
    found = answered(answer, asked, Approval(plan=ONE, state=ApprovalState.FAILED, at=T0))
    assert (found.state if found else None) == state

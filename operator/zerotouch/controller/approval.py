"""Approvals of plans in mode Observe: what is asked, what becomes of it, what is said. The deciding is in `plan/approval.py`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from zerotouch.api.account import QualysZeroTouchAccountStatus
from zerotouch.api.approval import Approval, ApprovalState
from zerotouch.api.conditions import Condition, ObjectStatus, Reason
from zerotouch.api.spec import DeletionPolicy, Mode
from zerotouch.controller.account_writer import write_status
from zerotouch.controller.conditions import Judgement, condition, make, now
from zerotouch.controller.events import EventRecorder
from zerotouch.controller.objects import Account, Parent
from zerotouch.controller.queue import Priority
from zerotouch.controller.shared import Shared
from zerotouch.plan.approval import Answer, annotation_for, decide_approval, passed_over, plan_hash
from zerotouch.plan.change import Change
from zerotouch.plan.policy import Judge
from zerotouch.reconcile.reconciler import AccountInput
from zerotouch.reconcile.report import AccountReport

Run = Callable[[Account, AccountInput], Awaitable[tuple[AccountReport, Account]]]
"""A pass: the report, and the object as it is afterwards."""
APPROVED = "Approved"


@dataclass(frozen=True)
class Passed:
    """What the passes over an account gave. `said`: of the approval, where it cannot be told from the status."""

    report: AccountReport
    live: Account
    plan: str | None = None
    approval: Approval | None = None
    said: Judgement | None = None

    @property
    def waits(self) -> bool:
        """Whether an approved plan could not be begun yet."""
        return self.said is not None and self.said[0] == "Unknown"


async def observe(shared: Shared, account: Account, given: AccountInput, run: Run) -> Passed:
    """A pass in mode Observe; and, where its plan was approved, one that carries out just that plan, and another look."""
    report, live = await run(account, given)
    known = account.status.approval
    if report.problem is not None or report.interrupted:
        return Passed(report, live, account.status.plan, known)
    changes = tuple(change for scope in report.scopes for change in scope.planned)
    asked, plan = account.meta.approve, plan_hash(changes)
    answer = decide_approval(asked, plan, known)
    if answer is Answer.APPLY and asked is not None:
        if given.token is None and any(change.resource.kind == "Connection" for change in changes):
            # Nobody mints in mode Observe before somebody approves.
            shared.parents.add(account.parent_key, Priority.URGENT)
            text = f"waits for a subscription token: see the conditions of {account.spec.parent.name}"
            return Passed(report, live, plan, known, ("Unknown", Reason.PROGRESSING, text))
        return await _apply(shared, live, given, changes, asked, run)
    return Passed(report, live, plan, answered(answer, asked, known))


def enforced(report: AccountReport, live: Account, account: Account) -> Passed:
    """A pass in mode Enforce: nothing is said of approvals. `account`: as it was before the pass."""
    return Passed(report, live, approval=passed_over(account.meta.approve, account.status.approval, now()))


def answered(answer: Answer, asked: str | None, known: Approval | None) -> Approval | None:
    """What the status holds after such an answer."""
    if asked is None or answer is Answer.FORGET:
        return None
    if answer is Answer.NOTHING:
        return known
    state = ApprovalState.REFUSED if answer is Answer.REFUSE else ApprovalState.APPLIED
    return Approval(plan=asked, state=state, at=now())


async def _apply(
    shared: Shared, live: Account, given: AccountInput, changes: tuple[Change, ...], asked: str, run: Run
) -> Passed:
    begun = Approval(plan=asked, state=ApprovalState.APPLYING, at=now())
    # Written first: were we killed now, it would be applied only if nothing was touched yet.
    live = await write_status(shared, live, live.status.model_copy(update={"approval": begun}))
    # The plan that was shown cleans up nowhere.
    spec = given.spec.model_copy(update={"mode": Mode.ENFORCE, "deletion_policy": DeletionPolicy.RETAIN})
    once = replace(given, spec=spec, judge=Judge(approved=changes), due_surveys=frozenset())
    made, live = await run(live, once)
    if made.problem is not None or made.interrupted:
        return Passed(made, live, live.status.plan, begun)
    looked, live = await run(live, given.after(made))
    if looked.problem is not None or looked.interrupted:
        return Passed(looked, live, live.status.plan, begun)
    left = plan_hash(change for scope in looked.scopes for change in scope.planned)
    state = ApprovalState.APPLIED if made.ready else ApprovalState.FAILED
    problem = next((scope.problem for scope in made.scopes if scope.problem is not None), None)
    said: Judgement | None = None
    if problem is not None:
        said = ("False", problem.reason, f"plan {asked.partition('/')[0]} was applied in part: {problem.message}")
    return Passed(_with_changes(looked, made), live, left, Approval(plan=asked, state=state, at=now()), said)


def with_plan(
    status: QualysZeroTouchAccountStatus,
    previous: QualysZeroTouchAccountStatus,
    passed: Passed,
    mode: Mode,
    at: datetime,
) -> QualysZeroTouchAccountStatus:
    """The status of a finished pass, with its plan and what is to be said of an approval."""
    status = status.model_copy(update={"plan": passed.plan, "approval": passed.approval})
    if mode is not Mode.OBSERVE:
        return status
    said = approved_condition(status, previous, passed.said, at)
    conditions = [_with_plan(c, passed.plan, passed.approval) for c in status.conditions]
    return status.model_copy(update={"conditions": [*conditions, *said]})


def approved_condition(
    status: ObjectStatus,
    previous: ObjectStatus,
    said: Judgement | None,
    at: datetime,
    applied: Callable[[str], str] = "plan {} was applied".format,
) -> list[Condition]:
    """None where nothing was approved."""
    generation, approval = status.observed_generation or 0, status.approval
    before = condition(previous.conditions, APPROVED)
    if said is not None:
        return [make(APPROVED, *said, previous.conditions, generation, at)]
    if approval is None:
        return []
    same = approval == previous.approval and before is not None and before.status != "Unknown"
    if same and before is not None and (approval.state is not ApprovalState.REFUSED or status.plan == previous.plan):
        return [before]
    judgement = _judgement(approval, status.plan, previous.approval, applied)
    return [make(APPROVED, *judgement, previous.conditions, generation, at)]


async def tell_approval(
    events: EventRecorder, live: Account | Parent, status: ObjectStatus, previous: Approval | None
) -> None:
    """Once, when it was answered."""
    said = condition(status.conditions, APPROVED)
    if status.approval is None or said is None or status.approval == previous:
        return
    if status.approval.state is not ApprovalState.APPLYING:
        write = events.normal if said.status == "True" else events.warning
        await write(live.key, live.meta.uid, said.reason, said.message)


def _judgement(
    approval: Approval, plan: str | None, before: Approval | None, applied: Callable[[str], str]
) -> Judgement:
    shown = approval.plan.partition("/")[0]
    if approval.state is ApprovalState.APPLYING:
        return "Unknown", Reason.PROGRESSING, f"plan {shown} is being applied"
    if approval.state is not ApprovalState.REFUSED:
        return "True", Reason.PLAN_APPLIED, applied(shown)
    begun = before is not None and before.plan == approval.plan and before.state is ApprovalState.APPLYING
    what = "was approved and begun, but not ended" if begun else "was approved, but is not the plan"
    if plan is None:
        return "False", Reason.PLAN_CHANGED, f"{shown} {what}: now there is nothing to change"
    annotation = f"zerotouch.dev/approve={annotation_for(plan, approval)}"
    if plan == shown:
        text = f"{shown} is the plan, and its approval is spent. To have it applied, annotate with {annotation}"
    else:
        text = f"{shown} {what}: now it is {plan}. Look at status.details, and annotate with {annotation}"
    return "False", Reason.PLAN_CHANGED, text


def _with_plan(said: Condition, plan: str | None, approval: Approval | None) -> Condition:
    if plan is None or said.reason != Reason.DRIFTED or said.type not in {"Ready", "Stalled"}:
        return said
    annotation = f"zerotouch.dev/approve={annotation_for(plan, approval)}"
    text = f"{said.message}. To have plan {plan} applied once, annotate with {annotation}"
    return said.model_copy(update={"message": text})


def _with_changes(looked: AccountReport, made: AccountReport) -> AccountReport:
    changes = {scope.name: scope.changes for scope in made.scopes}
    return replace(looked, scopes=tuple(replace(scope, changes=changes.get(scope.name, ())) for scope in looked.scopes))

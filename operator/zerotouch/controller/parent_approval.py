"""Approvals of a parent's plan: every account is handed its own."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from zerotouch.api.approval import Approval, ApprovalState
from zerotouch.api.meta import APPROVE_ANNOTATION
from zerotouch.api.spec import Mode
from zerotouch.api.zerotouch import QualysZeroTouchStatus
from zerotouch.controller.approval import answered, approved_condition
from zerotouch.controller.conditions import now
from zerotouch.controller.index import AccountRecord
from zerotouch.controller.kube import KubeError
from zerotouch.controller.objects import Key, Parent
from zerotouch.controller.shared import Shared
from zerotouch.plan.approval import Answer, decide_approval, hash_of_plans, passed_over

_HANDED: Final[Callable[[str], str]] = "plan {} was handed to its accounts: see their conditions".format


def plan_of(parent: Parent, records: Iterable[AccountRecord]) -> tuple[str | None, bool]:
    """(the hash of the accounts' plans in mode Observe, whether every account was looked at)."""
    known = list(records)
    if parent.spec.mode is not Mode.OBSERVE:
        return None, True
    complete = len(known) == len(parent.spec.accounts) and all(r.looked_at for r in known)
    return hash_of_plans({r.key.name: r.view.plan for r in known}) if complete else None, complete


async def hand_over(shared: Shared, parent: Parent, records: Iterable[AccountRecord]) -> tuple[Parent, Approval | None]:
    """Answer the parent's annotation; the parent as it is then. Raises KubeError."""
    known, asked, before = list(records), parent.meta.approve, parent.status.approval
    plan, complete = plan_of(parent, known)
    if parent.spec.mode is not Mode.OBSERVE:
        return parent, passed_over(asked, before, now())
    answer = decide_approval(asked, plan, before)
    if not complete and answer in {Answer.REFUSE, Answer.APPLIED}:
        return parent, before
    if answer is not Answer.APPLY or asked is None:
        return parent, answered(answer, asked, before)
    # Written first: were we killed half-way, what is left has another hash, and is told.
    begun = Approval(plan=asked, state=ApprovalState.APPLYING, at=now())
    body = await shared.writer.status(parent, parent.status.model_copy(update={"approval": begun}))
    parent = parent if body is None else Parent.of(body)
    for record in known:
        if record.view.plan is not None:
            await _approve(shared, record.key, record.view.plan, begun.at)
    return parent, Approval(plan=asked, state=ApprovalState.APPLIED, at=now())


def with_approval(
    status: QualysZeroTouchStatus,
    previous: QualysZeroTouchStatus,
    plan: str | None,
    approval: Approval | None,
    mode: Mode,
    at: datetime,
) -> QualysZeroTouchStatus:
    """The parent's status with its plan, and what is to be said of an approval."""
    status = status.model_copy(update={"plan": plan, "approval": approval})
    if mode is not Mode.OBSERVE:
        return status
    said = approved_condition(status, previous, None, at, _HANDED)
    return status.model_copy(update={"conditions": [*status.conditions, *said]})


async def _approve(shared: Shared, key: Key, plan: str, at: datetime) -> None:
    """The time makes it another approval than an earlier one of the same plan."""
    annotation = f"{plan}/{at.strftime('%Y%m%dT%H%M%SZ')}"
    try:
        await shared.kube.merge(key.path, {"metadata": {"annotations": {APPROVE_ANNOTATION: annotation}}})
    except KubeError as error:
        if not error.not_found:
            raise

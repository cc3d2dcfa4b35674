"""From the account objects' states to their parent's status. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from zerotouch.api.conditions import Condition, Reason
from zerotouch.api.zerotouch import AccountCounts, QualysZeroTouchStatus, TokenStatus, WorstAccount
from zerotouch.controller.conditions import Verdict, conditions, make
from zerotouch.controller.index import AccountRecord
from zerotouch.controller.rollup import ROLLED_UP, roll_up

_MOST_WORST: Final = 20
_PENDING: Final = frozenset({Reason.PENDING.value, Reason.PROGRESSING.value})


@dataclass(frozen=True)
class ParentProblem:
    """What is wrong with the parent itself. `person`: waiting does not help. `wait`: seconds until the next try."""

    reason: Reason
    message: str
    person: bool = True
    wait: float | None = None


def parent_status(
    declared: int,
    accounts: Sequence[AccountRecord],
    problem: ParentProblem | None,
    token: TokenStatus | None,
    token_conditions: Iterable[Condition],
    previous: QualysZeroTouchStatus,
    generation: int,
    requested_at: str | None,
    now: datetime,
) -> QualysZeroTouchStatus:
    """`declared`: accounts in the spec. `accounts`: the account objects there are."""
    alive = [a for a in accounts if not a.trigger.deleting]
    ready = sum(a.ready for a in alive)
    deleting = len(accounts) - len(alive)
    verdict, reason, message = _verdict(declared, alive, ready, deleting, problem)
    return QualysZeroTouchStatus(
        observed_generation=generation,
        conditions=[
            *conditions(verdict, reason, message, previous.conditions, generation, now),
            *token_conditions,
            *_rolled_up(alive, previous, generation, now),
        ],
        accounts=AccountCounts(total=declared, ready=ready, not_ready=max(0, declared - ready), deleting=deleting),
        ready_accounts=f"{ready}/{declared}",
        drifted=sum(a.view.drifted for a in accounts),
        drifted_since=min((a.view.drifted_since for a in accounts if a.view.drifted_since), default=None),
        worst=_worst(accounts),
        token=token,
        last_handled_reconcile_at=requested_at,
    )


def _rolled_up(
    accounts: Sequence[AccountRecord], previous: QualysZeroTouchStatus, generation: int, now: datetime
) -> list[Condition]:
    told = [(account.key.name, account.view.told) for account in accounts]
    judged = [(kind, judgement) for kind in ROLLED_UP if (judgement := roll_up(kind, told)) is not None]
    return [make(kind, *judgement, previous.conditions, generation, now) for kind, judgement in judged]


def _verdict(
    declared: int, alive: Sequence[AccountRecord], ready: int, deleting: int, problem: ParentProblem | None
) -> tuple[Verdict, Reason, str]:
    if problem is not None:
        return ("stalled" if problem.person else "working"), problem.reason, problem.message
    if ready == declared and not deleting:
        return "ready", Reason.SUCCEEDED, f"{ready} of {declared} accounts are right"
    count = f"{ready} of {declared} accounts are right"
    cleaning = f", {deleting} being removed" if deleting else ""
    wrong = [a for a in alive if not a.view.ready and a.view.reason not in _PENDING]
    if wrong:
        first = wrong[0]
        rest = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        text = f"{count}{cleaning}; {first.key.name}: {first.view.reason}: {first.view.message}{rest}"
        return "stalled", Reason.ACCOUNTS_NOT_READY, text
    return "working", Reason.PROGRESSING, f"{count}{cleaning}"


def _worst(accounts: Sequence[AccountRecord]) -> list[WorstAccount]:
    wrong = [a for a in accounts if not a.view.ready]
    # What needs a person before what is merely in progress.
    wrong.sort(key=lambda a: (a.view.reason in _PENDING, a.key.name))
    return [
        WorstAccount(id=a.account_id, name=a.key.name, reason=a.view.reason, message=a.view.message)
        for a in wrong[:_MOST_WORST]
    ]

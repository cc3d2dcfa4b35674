"""Conditions in the form that kstatus reads: Ready, and the abnormal-true Reconciling and Stalled."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, Literal

from zerotouch.api.conditions import Condition, Reason
from zerotouch.plan.render import cut

_MOST_CHARACTERS: Final = 2000

_FIRST: Final = ("Ready", "Approved", "Drifted", "Delivering", "Covered")
_LAST: Final = ("Reconciling", "Stalled")

_QUIET: Final = {"Reconciling": "nothing is under way", "Stalled": "nothing waits for a person"}

Status = Literal["True", "False", "Unknown"]
Verdict = Literal["ready", "working", "stalled", "suspended"]
Judgement = tuple[Status, Reason, str]
"""What a condition of its own says: status, reason, message."""


def now() -> datetime:
    """UTC, to the second, as Kubernetes writes times."""
    return datetime.now(UTC).replace(microsecond=0)


def conditions(
    verdict: Verdict,
    reason: Reason,
    message: str,
    previous: Iterable[Condition],
    generation: int,
    at: datetime,
) -> list[Condition]:
    """`working`: it will try again soon by itself. `stalled`: a person is needed; it looks again at every interval.

    `suspended`: nobody looks, so that nothing can be said.
    """
    known = list(previous)
    text = cut(message, _MOST_CHARACTERS)
    statuses: dict[str, Status] = {
        "Ready": "Unknown" if verdict == "suspended" else _status(verdict == "ready"),
        "Reconciling": _status(verdict == "working"),
        "Stalled": _status(verdict == "stalled"),
    }
    return [
        make(
            kind, status, reason, _QUIET[kind] if status == "False" and kind in _QUIET else text, known, generation, at
        )
        for kind, status in statuses.items()
    ]


def make(
    kind: str,
    status: Status,
    reason: Reason,
    message: str,
    previous: Iterable[Condition],
    generation: int,
    at: datetime,
) -> Condition:
    """One condition; the time of its last transition is kept while its status stays."""
    before = condition(previous, kind)
    since = before.last_transition_time if before is not None and before.status == status else at
    return Condition(
        type=kind,
        status=status,
        reason=reason.value,
        message=message,
        last_transition_time=since,
        observed_generation=generation,
    )


def transition(before: Iterable[Condition], after: Iterable[Condition], kind: str = "Ready") -> Condition | None:
    """The condition as it is now, None where neither its status nor its reason has changed."""
    old, new = condition(before, kind), condition(after, kind)
    if new is None or (old is not None and (old.status, old.reason) == (new.status, new.reason)):
        return None
    return new


def condition(known: Iterable[Condition], kind: str) -> Condition | None:
    """The condition of that type."""
    return next((c for c in known if c.type == kind), None)


def others(known: Iterable[Condition]) -> list[Condition]:
    """Those that no verdict speaks of; they stand until they are judged again."""
    return [c for c in known if c.type not in {"Ready", "Reconciling", "Stalled"}]


def in_order(known: Iterable[Condition]) -> list[Condition]:
    """As people read them: Ready, why not, what else there is to know; last what programs read."""
    told = list(known)
    middle = sorted((c for c in told if c.type not in {*_FIRST, *_LAST}), key=lambda c: c.type)
    first, last = ([c for kind in kinds for c in told if c.type == kind] for kinds in (_FIRST, _LAST))
    return [*first, *middle, *last]


def _status(holds: bool) -> Status:
    return "True" if holds else "False"

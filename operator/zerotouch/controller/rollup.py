"""From a condition of the account objects to the same condition of their parent. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from zerotouch.api.conditions import Condition, Reason
from zerotouch.controller.conditions import Judgement, Status
from zerotouch.plan.render import cut, some

ROLLED_UP: Final = ("Covered", "Delivering", "Exclusive")
"""The conditions of account objects that their parent has too."""

# Reasons of an Unknown that says nothing either way: what other accounts prove counts.
_QUIET: Final = frozenset({Reason.NO_EVENTS.value, Reason.PENDING.value})

_MOST_MESSAGE: Final = 512
_MOST_NAMED: Final = 3
_WORST_FIRST: Final[tuple[Status, ...]] = ("False", "Unknown")


@dataclass(frozen=True, slots=True)
class Told:
    """What an account object says in one condition."""

    condition: str
    status: Status
    reason: str
    message: str


def told_of(conditions: Iterable[Condition]) -> tuple[Told, ...]:
    """What is rolled up; of what is True no message is kept."""
    return tuple(
        Told(c.type, c.status, c.reason, "" if c.status == "True" else cut(c.message, _MOST_MESSAGE))
        for c in conditions
        if c.type in ROLLED_UP
    )


def roll_up(kind: str, accounts: Sequence[tuple[str, Sequence[Told]]]) -> Judgement | None:
    """`accounts`: name → what it tells. None where no account has the condition: it is switched off, or not known yet."""
    known = [(name, told) for name, all_told in accounts for told in all_told if told.condition == kind]
    if not known:
        return None
    telling = [(name, told) for name, told in known if told.status != "Unknown" or told.reason not in _QUIET]
    for status in _WORST_FIRST:
        if found := [(name, told) for name, told in telling or known if told.status == status]:
            named = some([f"{name}: {told.message}" for name, told in found], _MOST_NAMED)
            return status, Reason(found[0][1].reason), f"{len(found)} of {len(known)} accounts: {named}"
    more = f"; {len(known) - len(telling)} more tell nothing yet" if len(telling) < len(known) else ""
    return "True", Reason.SUCCEEDED, f"all of {len(telling)} accounts{more}"

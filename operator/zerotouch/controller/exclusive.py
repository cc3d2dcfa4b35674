"""The condition Exclusive: nobody else has set up beside us what delivers, or collects, the same. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from zerotouch.api.account import RegionState, State
from zerotouch.api.conditions import Condition, Reason
from zerotouch.controller.conditions import make
from zerotouch.plan.render import cut, some

_MOST_NAMED: Final = 3
_MOST_CHARACTERS: Final = 2000
NOBODY: Final = "nobody else delivers the same events, or has inventory associations beside ours"


@dataclass(frozen=True)
class Finding:
    """What somebody else has set up beside us, and what to do about it."""

    reason: Reason
    what: str
    mend: str


def findings(twice: Sequence[str], rivals: Sequence[str]) -> list[Finding]:
    """`twice`: rules of others with their target. `rivals`: inventory associations of others."""
    found = []
    if twice:
        what = f"each instance start is told to Qualys twice, also by {some(twice, _MOST_NAMED)}"
        mend = (
            "delete that rule, or take this region out of the object; docs/adoption.md tells how to move from Qualys's own "
            "template"
        )
        found.append(Finding(Reason.DELIVERED_TWICE, what, mend))
    if rivals:
        named = some(rivals, _MOST_NAMED)
        what = f"other inventory associations have nodes of their own, on which ours does not work: {named}"
        mend = "delete them, or see that they collect what spec.inventory.collect says, as often"
        found.append(Finding(Reason.SECOND_INVENTORY_ASSOCIATION, what, mend))
    return found


def present(regions: Iterable[RegionState]) -> list[RegionState]:
    """Those that hold something of ours, and are to hold it."""
    return [r for r in regions if r.total > 0 and r.state is not State.REMOVING]


def exclusive(
    regions: Iterable[RegionState], previous: Iterable[Condition], generation: int, now: datetime
) -> list[Condition]:
    """By what the regions tell; none before any was entered."""
    known = present(regions)
    if not known:
        return []
    twice = [rule for region in known for rule in region.delivered_twice_by]
    rivals = [f"{one} in {region.name}" for region in known for one in region.rival_associations]
    found = findings(twice, rivals)
    reason = found[0].reason if found else Reason.SUCCEEDED
    text = cut(". ".join(f"{one.what}: {one.mend}" for one in found) or NOBODY, _MOST_CHARACTERS)
    return [make("Exclusive", "False" if found else "True", reason, text, previous, generation, now)]

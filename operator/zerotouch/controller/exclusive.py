"""The condition Exclusive: nobody else has set up beside us what delivers, or collects, the same. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from zerotouch.api.account import RegionState, State
from zerotouch.api.conditions import Condition, Reason
from zerotouch.controller.conditions import make
from zerotouch.plan.render import cut, some

_MOST_NAMED: Final = 3
_MOST_CHARACTERS: Final = 2000
_NOBODY: Final = "nobody else delivers the same events, or has inventory associations beside ours"


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
    texts = []
    if twice:
        texts.append(
            f"each instance start is told to Qualys twice, also by {some(twice, _MOST_NAMED)}: delete that rule, or take "
            "this region out of the object; docs/adoption.md tells how to move from Qualys's own template"
        )
    if rivals:
        texts.append(
            f"other inventory associations have nodes of their own, on which ours does not work: {some(rivals, _MOST_NAMED)}; "
            "delete them, or see that they collect what spec.inventory.collect says, as often"
        )
    reason = Reason.DELIVERED_TWICE if twice else Reason.SECOND_INVENTORY_ASSOCIATION if rivals else Reason.SUCCEEDED
    text = cut(". ".join(texts) or _NOBODY, _MOST_CHARACTERS)
    return [make("Exclusive", "False" if texts else "True", reason, text, previous, generation, now)]

"""Desired and observed → what is to be done. Pure and total."""

from collections.abc import Mapping
from typing import Any

from zerotouch.plan.change import EXISTS, Action, Change, Conflict, Difference, ResourceID
from zerotouch.plan.diff import diff
from zerotouch.plan.ownership import Ownership


def decide(
    resource: ResourceID,
    wanted: Mapping[str, Any] | None,
    found: Mapping[str, Any] | None,
    ownership: Ownership | None,
    owner: str | None,
) -> Change | Conflict | None:
    """The truth table. `found` and `ownership` are None where nothing exists; None answers "all is right".

    | wanted | found | ownership | answer |
    |---|---|---|---|
    | no | no | - | nothing |
    | no | yes | ours | delete |
    | no | yes | foreign, external | nothing |
    | yes | no | - | create |
    | yes | yes | external | nothing: it satisfies us |
    | yes | yes | foreign | conflict |
    | yes | yes | ours, equal | nothing |
    | yes | yes | ours, different | update |
    """
    if found is None:
        if wanted is None:
            return None
        return Change(resource, Action.CREATE, (Difference(EXISTS, True, False),), wanted)
    if wanted is None:
        gone = (Difference(EXISTS, False, True),)
        return Change(resource, Action.DELETE, gone, found) if ownership is Ownership.OURS else None
    if ownership is Ownership.EXTERNAL:
        return None
    if ownership is not Ownership.OURS:
        return Conflict(resource, _taken(resource, owner))
    differences = diff(wanted, found)
    return Change(resource, Action.UPDATE, differences) if differences else None


def _taken(resource: ResourceID, owner: str | None) -> str:
    whose = f"it belongs to {owner}" if owner else "it does not carry our mark"
    return (
        f"{resource.kind} {resource.name} exists in {resource.region} and is not ours ({whose}): "
        "remove or rename it, or use another namePrefix"
    )

"""Desired and observed → what is to be done. Pure and total."""

from collections.abc import Mapping
from typing import Any

from zerotouch.api.adoption import AdoptionPolicy
from zerotouch.plan.adoption import NO_ADOPTION, OWNER_PATH, Adoption, but_for_the_mark, in_the_way
from zerotouch.plan.change import EXISTS, Action, Change, Conflict, Difference, ResourceID
from zerotouch.plan.diff import diff
from zerotouch.plan.ownership import Ownership
from zerotouch.plan.render import show_difference, some

_MOST_NAMED = 3


def decide(
    resource: ResourceID,
    wanted: Mapping[str, Any] | None,
    found: Mapping[str, Any] | None,
    ownership: Ownership | None,
    owner: str | None,
    adoption: Adoption = NO_ADOPTION,
) -> Change | Conflict | None:
    """The truth table. `found` and `ownership` are None where nothing exists; None answers "all is right".

    | wanted | found | ownership | answer |
    |---|---|---|---|
    | no | no | - | nothing |
    | no | yes | ours | delete |
    | no | yes | adoptable, foreign, external | nothing |
    | yes | no | - | create |
    | yes | yes | external | nothing: it satisfies us |
    | yes | yes | foreign | conflict |
    | yes | yes | adoptable, policy Never | conflict |
    | yes | yes | adoptable, policy AdoptIdentical, equal but for the mark | adopt |
    | yes | yes | adoptable, policy AdoptIdentical, different | conflict |
    | yes | yes | adoptable, policy Adopt | adopt, and mend |
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
    differences = diff(wanted, found)
    if ownership is Ownership.ADOPTABLE and adoption.policy is not AdoptionPolicy.NEVER:
        return _adopt(resource, differences, owner, adoption)
    if ownership is not Ownership.OURS:
        return Conflict(resource, _taken(resource, ownership, owner))
    return Change(resource, Action.UPDATE, differences) if differences else None


def _adopt(
    resource: ResourceID, differences: tuple[Difference, ...], owner: str | None, adoption: Adoption
) -> Change | Conflict:
    remaining = but_for_the_mark(differences, adoption.owner)
    obstacles = in_the_way(remaining) if adoption.policy is AdoptionPolicy.ADOPT_IDENTICAL else ()
    if obstacles:
        return Conflict(
            resource,
            f"{resource.kind} {resource.name} exists in {resource.region} and is not as declared, so that adoptionPolicy "
            f"AdoptIdentical leaves it alone ({some([show_difference(d) for d in obstacles], _MOST_NAMED)}): make it so, "
            "declare what is there, or set adoptionPolicy: Adopt to have it changed",
        )
    return Change(resource, Action.ADOPT, (Difference(OWNER_PATH, adoption.owner, owner), *remaining))


def _taken(resource: ResourceID, ownership: Ownership | None, owner: str | None) -> str:
    whose = f"it belongs to {owner}" if owner else "it does not carry our mark"
    take = "take it over by adoptionPolicy, " if ownership is Ownership.ADOPTABLE else ""
    return (
        f"{resource.kind} {resource.name} exists in {resource.region} and is not ours ({whose}): "
        f"{take}remove or rename it, or use another namePrefix"
    )

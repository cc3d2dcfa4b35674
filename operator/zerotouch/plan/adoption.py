"""Taking over what somebody else made: what counts as its mark, and what as a difference. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from zerotouch.api.adoption import AdoptionPolicy
from zerotouch.api.meta import OWNER_TAG
from zerotouch.plan.change import Difference
from zerotouch.plan.ownership import describe_owner

OWNER_PATH: Final = "owner"
_TAGS: Final = "tags."


@dataclass(frozen=True)
class Adoption:
    """What the spec allows, and whose a resource becomes."""

    policy: AdoptionPolicy
    owner: str


NO_ADOPTION: Final = Adoption(AdoptionPolicy.NEVER, "")


def but_for_the_mark(differences: Iterable[Difference], owner: str) -> tuple[Difference, ...]:
    """What differs besides whose it is."""
    return tuple(d for d in differences if not _is_mark(d, owner))


def in_the_way(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """What keeps a resource from being identical. Tags that lack are added: that changes nothing of what it does."""
    return tuple(d for d in differences if not (d.path.startswith(_TAGS) and d.found is None))


def _is_mark(difference: Difference, owner: str) -> bool:
    """The tag; where there are no tags the Description, and of a connection the token's fingerprint that stands there too."""
    match difference.path:
        case "description":
            return bool(difference.wanted == describe_owner(owner))
        case "token":
            return difference.found is None
    return difference.path == _TAGS + OWNER_TAG

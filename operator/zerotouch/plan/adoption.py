"""Taking over what somebody else made: what counts as its mark, and what as a difference. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from zerotouch.api.adoption import AdoptionPolicy
from zerotouch.api.meta import OWNER_TAG
from zerotouch.plan.change import Difference

OWNER_PATH: Final = "owner"
_TAGS: Final = "tags."
# A Description holds the mark of what cannot be tagged, and a connection's the token's fingerprint; without the one it lacks the
# other.
_MARKS: Final = frozenset({_TAGS + OWNER_TAG, "description", "token"})


@dataclass(frozen=True)
class Adoption:
    """What the spec allows, and whose a resource becomes."""

    policy: AdoptionPolicy
    owner: str


NO_ADOPTION: Final = Adoption(AdoptionPolicy.NEVER, "")


def but_for_the_mark(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """What differs besides whose it is."""
    return tuple(d for d in differences if not (d.path in _MARKS and (d.found is None or d.path != "token")))


def in_the_way(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """What keeps a resource from being identical. Tags that lack are added: that changes nothing of what it does."""
    return tuple(d for d in differences if not (d.path.startswith(_TAGS) and d.found is None))

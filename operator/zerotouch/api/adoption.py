"""What becomes of resources that are there already under the names that we need."""

from enum import StrEnum
from typing import Final

from pydantic import Field


class AdoptionPolicy(StrEnum):
    """Whether resources that were made by hand, or from a template of ours, are taken over."""

    NEVER = "Never"
    ADOPT_IDENTICAL = "AdoptIdentical"
    ADOPT = "Adopt"


DESCRIPTION: Final = (
    "What becomes of a resource that has the name we need and no owner, or that a template of ours made. Never: a conflict "
    "is told. AdoptIdentical: it is taken over if it is as declared, its mark and lacking tags apart; else a conflict is "
    "told. Adopt: it is taken over and made as declared. What belongs to another object, or is managed by AWS, is never "
    "taken over."
)


def adoption_field() -> AdoptionPolicy:
    """The field of both kinds."""
    field: AdoptionPolicy = Field(default=AdoptionPolicy.NEVER, description=DESCRIPTION)
    return field

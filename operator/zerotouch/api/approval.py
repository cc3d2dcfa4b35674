"""The approval of a plan in mode Observe."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from zerotouch.api.types import Model

PlanHash = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$", min_length=16, max_length=16)]


class ApprovalState(StrEnum):
    """What became of an approval. Applying outlives a restart: a plan that was not touched yet is still applied."""

    APPLYING = "Applying"
    APPLIED = "Applied"
    FAILED = "Failed"
    REFUSED = "Refused"


class Approval(Model):
    """The answer to the annotation zerotouch.dev/approve."""

    plan: Annotated[str, Field(max_length=64)] = Field(description="What the annotation says.")
    state: ApprovalState = Field(
        description="Applying: begun. Applied: carried out, or on a parent handed to its accounts. Failed: "
        "carried out in part. Refused: it is not the "
        "plan, or no more; nothing was changed."
    )
    at: datetime = Field(description="When it came to that.")

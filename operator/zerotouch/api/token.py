"""The token's way into each target, and what is remembered of a connection that EventBridge de-authorized."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from zerotouch.api.types import Model, RegionName

Fingerprint = Annotated[str, Field(max_length=12)]


class TokenTrial(Model):
    """One region that carries a new token before all others, so that a bad one harms one target only."""

    region: RegionName = Field(description="The region.")
    fingerprint: Fingerprint = Field(description="Keyed hash of the new token, 12 hex digits.")


class Healing(Model):
    """How often in a row a connection was de-authorized and authorized again with the same token.

    Forgotten once it has stayed authorized for a day, or carries another token.
    """

    token: Fingerprint = Field(description="Keyed hash of the token that it was authorized with.")
    times: int = Field(ge=1, description="How often it was authorized again.")
    refusals: int = Field(
        default=0,
        ge=0,
        description="How often EventBridge de-authorized it within an hour after that; 2 mean: refused.",
    )
    at: datetime = Field(description="When it was last authorized again.")
    lost_at: datetime | None = Field(
        default=None, description="Since when it is de-authorized once more; empty while it is not."
    )

"""Whether deliveries work: how that is looked at, and what was found."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from zerotouch.api.types import Duration, Model, rules


class Answer(StrEnum):
    """As the status of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Evidence(Model):
    """How it is found out whether deliveries work."""

    interval: Duration = Field(
        default="1h",
        description="Time between two looks at the evidence, 5m to 24h; a look is part of the first pass after it.",
        json_schema_extra=rules(
            (
                "duration(self) >= duration('5m') && duration(self) <= duration('24h')",
                "interval must be from 5m to 24h, for example 1h",
                None,
            )
        ),
    )


class RegionDelivery(Model):
    """One region."""

    name: Annotated[str, Field(max_length=32)] = Field(description="Region.")
    delivering: Answer = Field(description="True, False, or Unknown where nothing tells.")
    reason: Annotated[str, Field(max_length=64)] | None = Field(default=None, description="Why not True.")
    message: Annotated[str, Field(max_length=512)] | None = Field(default=None, description="What was found.")


class DeliveryStatus(Model):
    """What the last look at the evidence gave."""

    surveyed_at: datetime | None = Field(
        default=None,
        description="When all regions were last looked at; a look that a passing fault cut short is repeated with the next "
        "pass.",
    )
    regions: Annotated[list[RegionDelivery], Field(max_length=64)] = Field(
        default_factory=list,
        description="The regions, each as it was last seen.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
    )

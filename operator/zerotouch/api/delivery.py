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


class DeadLetterQueuePolicy(StrEnum):
    """Whether events that could not be delivered are kept."""

    MANAGED = "Managed"
    NONE = "None"


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
    metrics: bool = Field(
        default=True,
        description="false: do not ask CloudWatch, which charges for it (7 metrics a region and look; see docs/delivery.md). "
        "What is left is the state of rule and connection, and the dead letters.",
    )


class DeliveryCounts(Model):
    """What CloudWatch counted lately; a number that is not there is zero or unknown."""

    matched: int | None = Field(default=None, ge=0, description="Events that matched the rule.")
    delivered: int | None = Field(default=None, ge=0, description="Deliveries that succeeded.")
    retried: int | None = Field(default=None, ge=0, description="Attempts that repeated a failed one.")
    given_up: int | None = Field(default=None, ge=0, description="Deliveries that are not tried any more.")
    lettered: int | None = Field(default=None, ge=0, description="Of those, events put into the dead-letter queue.")
    lost: int | None = Field(default=None, ge=0, description="Of those, events that did not get into the queue.")


class LetterReason(Model):
    """Why events were given up, from the attributes of a few letters."""

    code: Annotated[str, Field(max_length=64)] = Field(description="ERROR_CODE of the letters.")
    message: Annotated[str, Field(max_length=200)] | None = Field(
        default=None, description="ERROR_MESSAGE of the newest, without what looks like a credential."
    )
    count: int = Field(ge=1, description="How many of the letters looked at, at most 10, have this code.")
    newest_at: datetime = Field(description="When the newest of them was sent.")


class RegionDelivery(Model):
    """One region."""

    name: Annotated[str, Field(max_length=32)] = Field(description="Region.")
    delivering: Answer = Field(description="True, False, or Unknown where nothing tells.")
    reason: Annotated[str, Field(max_length=64)] | None = Field(default=None, description="Why not True.")
    message: Annotated[str, Field(max_length=512)] | None = Field(default=None, description="What was found.")
    last_success_at: datetime | None = Field(
        default=None, description="The last delivery seen to succeed, to five minutes; forgotten after 14 days."
    )
    last_failure_at: datetime | None = Field(
        default=None, description="The last one seen to fail, or sent letter; forgotten after 14 days."
    )
    counts: DeliveryCounts | None = Field(
        default=None, description="What CloudWatch counted lately, where not all is well."
    )
    dead_letters: int | None = Field(default=None, ge=0, description="About how many dead letters wait, where any do.")
    letter_reasons: Annotated[list[LetterReason], Field(max_length=3)] = Field(
        default_factory=list, description="Why, by ERROR_CODE, up to 3."
    )


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

"""Drift told by events, and its authors: parts of specs and statuses."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from zerotouch.api.types import Model

BusARN = Annotated[
    str,
    Field(
        pattern=r"^arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/[.\-_A-Za-z0-9]+$",
        min_length=30,
        max_length=320,
    ),
]


class DetectionEvents(Model):
    """Whether changes in AWS are told by events."""

    enabled: bool = Field(
        default=True,
        description="true: rules in every account and region tell the operator of changes to its resources within seconds, "
        "by the event bus that the operator was given. false, or no events at all: changes are found at the interval.",
    )


class Detection(Model):
    """How changes that others make are found, beside the look at every interval."""

    events: DetectionEvents | None = Field(
        default=None,
        description="Drift by event; events: {} turns it on. The accounts need a CloudTrail trail for most of it.",
    )
    attribution: bool = Field(
        default=False,
        description="true: after a drift that no event explains, ask CloudTrail's event history who made the change "
        "(cloudtrail:LookupEvents, at most one call a second per account and region).",
    )


class AccountDetection(Model):
    """The same, resolved for one account."""

    bus_arn: BusARN | None = Field(
        default=None, description="The operator's event bus that changes are told to; empty where they are not told."
    )
    attribution: bool = Field(default=False, description="Whether CloudTrail is asked for the author of a drift.")


class RecentDrift(Model):
    """A change by others that was mended, or is not wanted any more."""

    region: Annotated[str, Field(max_length=32)] = Field(description="Region, or global for IAM.")
    kind: Annotated[str, Field(max_length=64)] = Field(description="Kind of the resource, for example Rule.")
    name: Annotated[str, Field(max_length=256)] = Field(description="Name of the resource.")
    field: Annotated[str, Field(max_length=256)] = Field(description="Path of the field; the first of several.")
    detected_by: Literal["event", "poll"] = Field(description="What told of it: an event, or the look at the interval.")
    occurred_at: datetime | None = Field(default=None, description="When it was changed in AWS, where that is known.")
    mended_at: datetime = Field(description="When it was found mended.")
    author: Annotated[str, Field(max_length=512)] | None = Field(
        default=None, description="Who changed it, from where, by which call and when; empty while that is not known."
    )

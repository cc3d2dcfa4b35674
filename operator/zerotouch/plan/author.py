"""Who made a change in AWS. Plain data, no I/O."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DetectedBy(StrEnum):
    """What made us look: an event of AWS, or the interval."""

    EVENT = "event"
    POLL = "poll"


@dataclass(frozen=True)
class Author:
    """As CloudTrail tells it. `principal`: ARN; `call`: `events:PutTargets`; `source`: IP address or AWS service."""

    principal: str
    call: str
    at: datetime
    source: str | None = None


def show_author(author: Author) -> str:
    """`arn:… from 203.0.113.7 by events:PutTargets at 2026-01-02T03:04:05Z`."""
    source = f" from {author.source}" if author.source else ""
    return f"{author.principal}{source} by {author.call} at {author.at.strftime('%Y-%m-%dT%H:%M:%SZ')}"

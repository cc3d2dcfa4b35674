"""What a handled key asks for next."""

import random
from dataclasses import dataclass
from typing import Final

from zerotouch.api.types import parse_duration

_JITTER: Final = 0.1


@dataclass(frozen=True)
class Outcome:
    """`delay`: seconds until the next look, None for not before something changes. `failed`: back off, at least so long."""

    delay: float | None = None
    failed: bool = False


DONE: Final = Outcome()


def after(interval: str) -> Outcome:
    """The next look, an interval from now give or take a tenth, so that accounts spread."""
    seconds = parse_duration(interval).total_seconds()
    return Outcome(random.uniform(1 - _JITTER, 1 + _JITTER) * seconds)


def retry(at_least: float | None = None) -> Outcome:
    """Soon, and later each time."""
    return Outcome(at_least, failed=True)

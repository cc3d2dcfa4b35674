"""An account's deliveries as metrics need them: numbers, and a few failing regions only."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from zerotouch.api.delivery import Answer, DeliveryStatus
from zerotouch.controller.delivery import NOTHING_TOLD

# A series each: two regions of 1,000 accounts are what the promise of docs/metrics.md leaves room for.
_MOST_REGIONS: Final = 2


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """`answers`: as of `Answer` → regions. `failing`: (region, reason) of the first few. `letters`: dead ones, in all regions.

    `unseen`: regions whose last look failed. `last_success`: Unix time, of any region.
    """

    answers: tuple[tuple[str, int], ...]
    failing: tuple[tuple[str, str], ...]
    letters: int
    unseen: int
    last_success: float | None

    @classmethod
    def of(cls, status: DeliveryStatus) -> "DeliveryView":
        regions = status.regions
        failing = [(r.name, r.reason or "") for r in regions if r.delivering is Answer.FALSE]
        successes = [r.last_success_at.timestamp() for r in regions if r.last_success_at is not None]
        return cls(
            answers=tuple(sorted(Counter(r.delivering.value for r in regions).items())),
            failing=tuple(sorted(failing)[:_MOST_REGIONS]),
            letters=sum(r.dead_letters or 0 for r in regions),
            unseen=sum(r.delivering is Answer.UNKNOWN and r.reason not in NOTHING_TOLD for r in regions),
            last_success=max(successes, default=None),
        )

"""An account's coverage as metrics need it: numbers, and the worst regions only."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from zerotouch.api.coverage import CoverageStatus

STAGES: Final = ("running", "starting", "online", "inventoried", "covered")
# A series each: three regions of 1,000 accounts are what the promise of docs/metrics.md leaves room for.
_MOST_REGIONS: Final = 3


@dataclass(frozen=True, slots=True)
class CoverageView:
    """`stages`: instances, in the order of STAGES. `gaps`: reason → instances. `worst`: region → uncovered instances.

    `unseen`: regions whose last look failed.
    """

    stages: tuple[int, ...]
    gaps: tuple[tuple[str, int], ...]
    worst: tuple[tuple[str, int], ...]
    unseen: int

    @classmethod
    def of(cls, status: CoverageStatus) -> "CoverageView":
        gaps = Counter[str]()
        for region in status.regions:
            gaps.update({gap.reason.value: gap.instances for gap in region.gaps})
        lacking = sorted((-r.uncovered, r.name) for r in status.regions if r.uncovered)
        return cls(
            stages=tuple(sum(getattr(r, stage) for r in status.regions) for stage in STAGES),
            gaps=tuple(sorted(gaps.items())),
            worst=tuple((name, -number) for number, name in lacking[:_MOST_REGIONS]),
            unseen=sum(r.reason is not None for r in status.regions),
        )

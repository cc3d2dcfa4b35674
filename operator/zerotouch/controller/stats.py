"""Counters that only the running process knows; telemetry shows them."""

import time
from datetime import datetime
from typing import Final

from prometheus_client import Histogram

from zerotouch.api.drift import DifferenceKind
from zerotouch.controller.detection_stats import DetectionStats
from zerotouch.controller.told import Seen
from zerotouch.plan.author import DetectedBy
from zerotouch.resources.registry import ACCOUNT_KINDS, REGION_KINDS

RESULTS: Final = ("ready", "not_ready", "interrupted", "error", "removed")
# What was done to a field.
CAUSES: Final = {
    DifferenceKind.MISSING: "removed",
    DifferenceKind.EXTRA: "added",
    DifferenceKind.CHANGED: "changed",
}
_BUCKETS: Final = (0.5, 1, 2, 5, 10, 30, 60, 120, 300)
_DRIFT_BUCKETS: Final = (0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)


class Stats:
    """For one event loop. Every counter exists at 0 from the start. `drift_…`: (kind of resource, cause) → number of fields."""

    def __init__(self) -> None:
        kinds = [kind.name for kind in (*ACCOUNT_KINDS, *REGION_KINDS)]
        causes = [(kind, cause) for kind in kinds for cause in CAUSES.values()]
        self.drift_seen = dict.fromkeys(causes, 0)
        self.drift_mended = dict.fromkeys(causes, 0)
        self.passes = dict.fromkeys(RESULTS, 0)
        self.detection = DetectionStats()
        self.mints = {"ok": 0, "error": 0}
        self.last_pass: dict[str, float] = {}
        self.pass_seconds = Histogram(
            "zerotouch_pass_duration_seconds", "Seconds of one account's pass.", buckets=_BUCKETS, registry=None
        )
        self.detect_seconds = _by_source(
            "zerotouch_drift_detect_seconds",
            "Seconds from a change in AWS to its being found, where its time is known.",
        )
        self.repair_seconds = _by_source(
            "zerotouch_drift_repair_seconds", "Seconds from finding a drift to its being put right."
        )

    def passed(self, account_id: str, result: str, started: float) -> None:
        """An account's pass has just ended; `started` is of `time.monotonic`."""
        self.passes[result] += 1
        self.pass_seconds.observe(time.monotonic() - started)
        if result in {"ready", "not_ready"}:
            self.last_pass[account_id] = time.time()

    def drifted(self, seen: Seen) -> None:
        """A field differed from what had been made right."""
        drift = seen.drift
        place = (drift.resource.kind, CAUSES[drift.difference.kind])
        self.drift_seen[place] += seen.new
        self.drift_mended[place] += drift.mended
        source = drift.detected_by.value
        if seen.new and drift.occurred_at is not None and drift.found_at is not None:
            self.detect_seconds.labels(source).observe(_seconds(drift.occurred_at, drift.found_at))
        first = drift.found_at if seen.new else seen.since
        if drift.mended_at is not None and first is not None:
            self.repair_seconds.labels(source).observe(_seconds(first, drift.mended_at))


def _by_source(name: str, text: str) -> Histogram:
    histogram = Histogram(name, text, ["source"], buckets=_DRIFT_BUCKETS, registry=None)
    for source in DetectedBy:
        histogram.labels(source.value)
    return histogram


def _seconds(start: datetime, end: datetime) -> float:
    """AWS's clock may be ahead of ours."""
    return max(0.0, (end - start).total_seconds())

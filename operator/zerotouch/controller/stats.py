"""Counters that only the running process knows; telemetry shows them."""

import time
from typing import Final

from prometheus_client import Histogram

from zerotouch.resources.registry import ACCOUNT_KINDS, REGION_KINDS

RESULTS: Final = ("ready", "not_ready", "interrupted", "error", "removed")
_BUCKETS: Final = (0.5, 1, 2, 5, 10, 30, 60, 120, 300)


class Stats:
    """For one event loop. Every counter exists at 0 from the start."""

    def __init__(self) -> None:
        kinds = [kind.name for kind in (*ACCOUNT_KINDS, *REGION_KINDS)]
        self.drift_seen = dict.fromkeys(kinds, 0)
        self.drift_mended = dict.fromkeys(kinds, 0)
        self.passes = dict.fromkeys(RESULTS, 0)
        self.mints = {"ok": 0, "error": 0}
        self.last_pass: dict[str, float] = {}
        self.pass_seconds = Histogram(
            "zerotouch_pass_duration_seconds", "Seconds of one account's pass.", buckets=_BUCKETS, registry=None
        )

    def passed(self, account_id: str, result: str, started: float) -> None:
        """An account's pass has just ended; `started` is of `time.monotonic`."""
        self.passes[result] += 1
        self.pass_seconds.observe(time.monotonic() - started)
        if result in {"ready", "not_ready"}:
            self.last_pass[account_id] = time.time()

    def drifted(self, kind: str, seen: bool, mended: bool) -> None:
        """A field differed from what had been made right: for the first time, and whether that is mended now."""
        self.drift_seen[kind] += seen
        self.drift_mended[kind] += mended

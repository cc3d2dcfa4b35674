"""Counters of drift by event; telemetry shows them."""

from typing import Final

from prometheus_client import Histogram

RESULTS: Final = ("ours", "own", "foreign", "malformed", "dropped")
ATTRIBUTIONS: Final = ("event", "history", "unknown", "error")
_AGES: Final = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)


class DetectionStats:
    """For one event loop. Every counter exists at 0 from the start. `queue_reachable`: None while nothing is to be read."""

    def __init__(self) -> None:
        self.events = dict.fromkeys(RESULTS, 0)
        self.attributions = dict.fromkeys(ATTRIBUTIONS, 0)
        self.queue_errors = 0
        self.queue_reachable: bool | None = None
        self.age_seconds = Histogram(
            "zerotouch_drift_event_age_seconds",
            "Seconds from a change in AWS to the receipt of the event that tells of it.",
            buckets=_AGES,
            registry=None,
        )

"""Whether changes are told by events, as a condition of the object that asks for it. Pure."""

from collections.abc import Iterable
from datetime import datetime

from zerotouch.api.conditions import Condition, Reason
from zerotouch.api.detection import Detection
from zerotouch.controller.conditions import make
from zerotouch.reconcile.report import Problem


def detecting(
    asked: Detection | None,
    bus_arn: str | None,
    problem: Problem | None,
    known: bool,
    previous: Iterable[Condition],
    generation: int,
    now: datetime,
) -> list[Condition]:
    """None where events are not asked for. `known`: whether the bus was looked at already."""
    if asked is None or asked.events is None or not asked.events.enabled:
        return []

    def said(status: str, reason: Reason, message: str) -> list[Condition]:
        return [make("Detecting", status, reason, message, previous, generation, now)]  # type: ignore[arg-type]

    if bus_arn is None:
        text = "the operator has no event bus: its administrator sets ZEROTOUCH_EVENTS_BUS_ARN"
        return said("False", Reason.DETECTION_UNAVAILABLE, text)
    if problem is not None:
        text = f"changes are found at the interval only, not told by events: {problem.message}"
        return said("False", problem.reason, text)
    if not known:
        return said("Unknown", Reason.PENDING, "the operator is about to look at its event bus")
    return said("True", Reason.SUCCEEDED, f"changes are told by {bus_arn}")

"""What an account object's status remembers of drift, and what of that the next pass needs. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from zerotouch.api.account import QualysZeroTouchAccountSpec, QualysZeroTouchAccountStatus
from zerotouch.api.conditions import Condition, Reason
from zerotouch.api.drift import Left, ResourceKind
from zerotouch.controller.conditions import make
from zerotouch.plan.change import EXISTS, ResourceID
from zerotouch.plan.fighting import field_of, held, remember
from zerotouch.plan.policy import Judge
from zerotouch.plan.render import count, cut, show_difference, show_resource, some
from zerotouch.reconcile.report import AccountReport, Drift

_MOST_NAMED: Final = 3
_MOST_PATH: Final = 256
_MOST_CHARACTERS: Final = 2000
_WHY: Final = {
    Left.FIGHTING: "left alone for a while, because somebody else keeps changing it",
    None: "not mended yet",
    Left.OBSERVED: "left, as mode is Observe",
    Left.REPORTED: "left, as driftPolicy says",
}


def judge(spec: QualysZeroTouchAccountSpec, status: QualysZeroTouchAccountStatus, now: datetime) -> Judge:
    """What is mended in a pass that begins now."""
    told = frozenset(
        (ResourceID(d.kind, d.region, d.name), d.field, d.wanted) for d in status.details if d.left is Left.REPORTED
    )
    return Judge(spec.drift_policy, held(status.repairs, now), told)


def with_drift(
    status: QualysZeroTouchAccountStatus, previous: QualysZeroTouchAccountStatus, report: AccountReport, now: datetime
) -> QualysZeroTouchAccountStatus:
    """The status of a finished pass, with what it says of drift."""
    if report.problem is not None:
        kept = [c for c in previous.conditions if c.type == "Drifted"]
        said = {"repairs": previous.repairs, "drifted_since": previous.drifted_since}
        return status.model_copy(update={**said, "conditions": [*status.conditions, *kept]})
    drifts = [drift for scope in report.scopes for drift in scope.drifts]
    repaired = (field_of(d.resource, d.difference) for d in drifts if d.written and not _healed(d))
    since = min((d.since for d in status.details), default=None)
    # The oldest may be one that the status has no room for.
    if since is not None and status.truncated and previous.drifted_since is not None:
        since = min(since, previous.drifted_since)
    return status.model_copy(
        update={
            "repairs": remember(previous.repairs, repaired, now),
            "drifted_since": since,
            "conditions": [*status.conditions, _drifted(drifts, status, previous, now)],
        }
    )


def _place(drift: Drift) -> str:
    """`state of Rule qualys-zerotouch in us-east-1`."""
    difference, resource = drift.difference, show_resource(drift.resource)
    if difference.path == EXISTS:
        return f"{resource} ({show_difference(difference)})"
    return f"{difference.path[:_MOST_PATH]} of {resource}"


def _healed(drift: Drift) -> bool:
    """A connection that was de-authorized: the pace of authorizing it again has rules of its own."""
    return (drift.resource.kind, drift.difference.path) == (ResourceKind.CONNECTION, "state")


def _drifted(
    drifts: Iterable[Drift], status: QualysZeroTouchAccountStatus, previous: QualysZeroTouchAccountStatus, now: datetime
) -> Condition:
    generation = status.observed_generation or 0
    if not status.drifted:
        text = "nothing differs from what was made right"
        return make("Drifted", "False", Reason.SUCCEEDED, text, previous.conditions, generation, now)
    left: dict[Left | None, list[str]] = {}
    for drift in drifts:
        if not drift.mended:
            left.setdefault(drift.left, []).append(_place(drift))
    parts = [
        f"{count(len(left[why]), 'field')} {text}: {some(sorted(left[why]), _MOST_NAMED, ', ')}"
        for why, text in _WHY.items()
        if why in left
    ]
    if status.truncated:
        parts.append(f"status.details shows {len(status.details)} of {status.drifted}")
    reason = Reason.FIGHTING if Left.FIGHTING in left else Reason.DRIFTED
    text = cut("; ".join(parts), _MOST_CHARACTERS)
    return make("Drifted", "True", reason, text, previous.conditions, generation, now)

"""Who changed what: in the account object's status, filled in when it becomes known. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from zerotouch.api.account import DifferenceDetail, QualysZeroTouchAccountStatus
from zerotouch.api.detection import RecentDrift
from zerotouch.api.drift import Repair
from zerotouch.controller.account_status import place_of_detail, place_of_drift
from zerotouch.plan.author import Author, show_author
from zerotouch.plan.change import Difference, ResourceID
from zerotouch.plan.fighting import Field, anywhere, field_of
from zerotouch.plan.render import cut, show_values
from zerotouch.plan.signal import Signal
from zerotouch.reconcile.report import AccountReport, Drift
from zerotouch.reconcile.signals import latest

_MOST_RECENT: Final = 5
_MOST_AUTHOR: Final = 512
_MOST_NAME: Final = 256
# CloudTrail's history is complete after about a quarter of an hour.
_WORTH_ASKING: Final = timedelta(minutes=30)


def author_text(author: Author) -> str:
    """As the status holds it."""
    return cut(show_author(author), _MOST_AUTHOR)


def with_recent(
    status: QualysZeroTouchAccountStatus, previous: QualysZeroTouchAccountStatus, report: AccountReport, now: datetime
) -> QualysZeroTouchAccountStatus:
    """The status of a finished pass: what it mended, and the authors known of what is not mended, or only for a while."""
    first: dict[ResourceID, Drift] = {}
    authors = {place_of_detail(detail): detail.author for detail in previous.details}
    values = {place_of_detail(detail): detail.found for detail in previous.details}
    drifts = [drift for scope in report.scopes for drift in scope.drifts]
    for drift in drifts:
        if drift.mended:
            first.setdefault(drift.resource, drift)
        if drift.author is not None:
            authors[place_of_drift(drift)] = author_text(drift.author)
        elif values.get(place_of_drift(drift)) != show_values(drift.difference)[1]:
            authors.pop(place_of_drift(drift), None)
    fresh = [_recent(drift, now, authors.get(place_of_drift(drift))) for drift in first.values()]
    return status.model_copy(
        update={
            "recent_drifts": [*fresh, *previous.recent_drifts][:_MOST_RECENT],
            "details": [d.model_copy(update={"author": authors.get(place_of_detail(d))}) for d in status.details],
            "repairs": _repairs(
                status.repairs,
                {field_of(d.resource, d.difference): author_text(d.author) for d in drifts if d.author is not None},
            ),
        }
    )


def explained(
    status: QualysZeroTouchAccountStatus, signals: Iterable[Signal]
) -> tuple[QualysZeroTouchAccountStatus, list[str]]:
    """The status with the authors that the signals tell of drifts which had none, and those in words."""
    known = [signal for signal in signals if signal.author is not None]
    told: list[str] = []

    def author(drift: RecentDrift | DifferenceDetail, until: datetime | None) -> tuple[str, datetime] | None:
        signal = latest(known, ResourceID(drift.kind, drift.region, drift.name), drift.field, until)
        if signal is None or signal.author is None:
            return None
        text = author_text(signal.author)
        told.append(f"{drift.kind} {drift.name} in {drift.region}: {text}")
        return text, signal.at

    recent = []
    for drift in status.recent_drifts:
        found = None if drift.author else author(drift, drift.mended_at)
        recent.append(drift.model_copy(update={"author": found[0], "occurred_at": found[1]}) if found else drift)
    details = []
    for detail in status.details:
        found = None if detail.author else author(detail, detail.since)
        details.append(detail.model_copy(update={"author": found[0]}) if found else detail)
    oldest_first: list[RecentDrift | DifferenceDetail] = [*reversed(recent), *details]
    repairs = _repairs(status.repairs, {_field(drift): drift.author for drift in oldest_first if drift.author})
    update = {"recent_drifts": recent, "details": details, "repairs": repairs}
    return (status.model_copy(update=update) if told else status), sorted(set(told))


def unexplained(status: QualysZeroTouchAccountStatus, now: datetime) -> list[tuple[ResourceID, datetime]]:
    """Whose author is not known and may still become so, and when each was found."""
    places = [(ResourceID(d.kind, d.region, d.name), d.mended_at) for d in status.recent_drifts if not d.author]
    places += [(ResourceID(d.kind, d.region, d.name), d.since) for d in status.details if not d.author]
    return [(resource, at) for resource, at in places if now - at <= _WORTH_ASKING]


def _repairs(repairs: Iterable[Repair], authors: Mapping[Field, str]) -> list[Repair]:
    """`authors`: who changed a field last."""
    known = {**{anywhere(field): author for field, author in authors.items()}, **authors}
    return [r.model_copy(update={"author": known.get((r.region, r.kind, r.name, r.field), r.author)}) for r in repairs]


def _field(drift: RecentDrift | DifferenceDetail) -> Field:
    return field_of(ResourceID(drift.kind, drift.region, drift.name), Difference(drift.field, None, None))


def _recent(drift: Drift, now: datetime, author: str | None) -> RecentDrift:
    return RecentDrift(
        region=drift.resource.region,
        kind=drift.resource.kind,
        name=drift.resource.name[:_MOST_NAME],
        field=drift.difference.path[:_MOST_NAME],
        detected_by=drift.detected_by.value,
        occurred_at=drift.occurred_at,
        mended_at=(drift.mended_at or now).replace(microsecond=0),
        author=author,
    )

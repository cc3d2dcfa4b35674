"""Which drifts of a pass were told before. Pure."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from zerotouch.api.account import QualysZeroTouchAccountStatus
from zerotouch.controller.account_status import place_of_detail, place_of_drift
from zerotouch.plan.render import show_values
from zerotouch.reconcile.report import Drift


@dataclass(frozen=True)
class Seen:
    """A drift. `since`: when it was first told; None where it is new, or where the status had no room to remember that."""

    drift: Drift
    new: bool
    since: datetime | None = None


def seen(drifts: Sequence[Drift], previous: QualysZeroTouchAccountStatus) -> list[Seen]:
    """`drifts` in the order of the report, `previous` the status before the pass.

    A status that was cut does not say which others there were, but how many of each region and kind: so many of those that
    it does not show are no news. It shows the first of a report, and what stays stays unmended, so that the last of these are
    the likeliest. Only where, behind the cut, one appears as another of its region and kind goes is it taken for that.
    """
    since = {place_of_detail(detail): detail.since for detail in previous.details}
    unknown = [n for n, drift in enumerate(drifts) if place_of_drift(drift) not in since]
    unseen, new = _not_shown(previous), set[int]()
    for n in sorted(unknown, key=lambda n: (drifts[n].mended, -n)):
        place = (drifts[n].resource.region, drifts[n].resource.kind)
        if unseen[place] > 0:
            unseen[place] -= 1
        else:
            new.add(n)
    return [Seen(drift, n in new, since.get(place_of_drift(drift))) for n, drift in enumerate(drifts)]


def _not_shown(status: QualysZeroTouchAccountStatus) -> Counter[tuple[str, str]]:
    """(region, kind) → number of differences that the status knows of and does not show."""
    known = Counter({(r.name, kind): number for r in status.regions for kind, number in r.drifted_fields.items()})
    return known - Counter((detail.region, detail.kind) for detail in status.details)


def first_found(previous: QualysZeroTouchAccountStatus) -> Callable[[Drift], datetime | None]:
    """When a drift was first found with the value that it has; `previous` is the status before the pass."""
    known = {place_of_detail(detail): detail for detail in previous.details}

    def of(drift: Drift) -> datetime | None:
        detail = known.get(place_of_drift(drift))
        same = detail is not None and detail.found == show_values(drift.difference)[1]
        return detail.since if detail is not None and same else drift.found_at

    return of

"""Who else writes to a field that we keep putting right? Then we give way, longer each time. Pure.

A count of repairs is a tumbling window. While a fight lasts a field is repaired about a dozen times a day.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from zerotouch.api.drift import Repair
from zerotouch.plan.change import Difference, ResourceID

REPAIRS: Final = 4
WINDOW: Final = timedelta(hours=1)
_FIRST_HOLD: Final = timedelta(minutes=10)
_MOST_HOLD: Final = timedelta(hours=4)
_MOST_REMEMBERED: Final = 20
_MOST_NAME: Final = 256

Field = tuple[str, str, str, str]
"""Region, kind, name, and the path up to its first dot: a fight over a part of a field is one over the field."""


def field_of(resource: ResourceID, difference: Difference) -> Field:
    """Which field a difference is about."""
    name = difference.path.partition(".")[0].partition("[")[0]
    return resource.region, resource.kind, resource.name[:_MOST_NAME], name[:_MOST_NAME]


def held(repairs: Iterable[Repair], now: datetime) -> Mapping[Field, Repair]:
    """The fields that are left alone at this time."""
    return {_place(r): r for r in repairs if r.count >= REPAIRS and now < held_until(r)}


def held_until(repair: Repair) -> datetime:
    """When a field that is fought over is put right again."""
    # Beyond a few doublings the cap holds anyway.
    doublings = min(repair.count - REPAIRS, 10)
    return repair.last + min(_FIRST_HOLD * 2.0**doublings, _MOST_HOLD)


def remember(repairs: Iterable[Repair], repaired: Iterable[Field], now: datetime) -> list[Repair]:
    """What is known after a pass that put these fields right; what has been right for long is forgotten."""
    fields = sorted(set(repaired))
    known = {_place(r): r for r in repairs if not _over(r, now)}
    for place in fields:
        before = known.get(place)
        region, kind, name, field = place
        if before:
            known[place] = before.model_copy(update={"count": before.count + 1, "last": now})
        else:
            known[place] = Repair(region=region, kind=kind, name=name, field=field, count=1, since=now, last=now)
    hottest = sorted(known.values(), key=lambda r: (-r.count, -r.last.timestamp(), _place(r)))[:_MOST_REMEMBERED]
    return sorted(hottest, key=_place)


def show_fight(repair: Repair) -> str:
    """Which field, how often, by whom, until when, what to do."""
    since, until = _time(repair.since), _time(held_until(repair))
    by = f"; last known change by {repair.author}" if repair.author else ""
    return (
        f"{repair.kind} {repair.name} in {repair.region}: somebody else keeps changing {repair.field}, put right "
        f"{repair.count} times since {since}{by}; left alone until {until}. "
        "Stop the other writer, or set spec.driftPolicy to Report"
    )


def _over(repair: Repair, now: datetime) -> bool:
    if repair.count < REPAIRS:
        return now - repair.since > WINDOW
    # Right for as long again as it had been left alone.
    return now - held_until(repair) > max(WINDOW, held_until(repair) - repair.last)


def _place(repair: Repair) -> Field:
    return repair.region, repair.kind, repair.name, repair.field


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")

"""Who else writes to a field that we keep putting right? Then we give way, longer each time. Pure.

A count of repairs is a tumbling window. While a fight lasts a field is repaired about a dozen times a day.
Only so many fields are counted each by itself; where there are more, the same field of the same kind is counted as one, wherever
it is: who keeps changing so many, such as a tool that sets tags, does so everywhere.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
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
_ANYWHERE: Final = "*"
# Passes over one region after the other, within this time, put right what was changed once.
_ROUND: Final = timedelta(minutes=5)

Field = tuple[str, str, str, str]
"""Region, kind, name, and the path up to its first dot: a fight over a part of a field is one over the field."""


def field_of(resource: ResourceID, difference: Difference) -> Field:
    """Which field a difference is about."""
    return resource.region, resource.kind, resource.name[:_MOST_NAME], difference.top[:_MOST_NAME]


def held(repairs: Iterable[Repair], now: datetime) -> Mapping[Field, Repair]:
    """The fields that are left alone at this time."""
    return {_place(r): r for r in repairs if r.count >= REPAIRS and now < held_until(r)}


def fought(known: Mapping[Field, Repair], field: Field) -> Repair | None:
    """What is held of a field, by itself or with the same field of others."""
    return known.get(field) or known.get(anywhere(field))


def anywhere(field: Field) -> Field:
    """The place of the same field of all resources of the kind."""
    return _ANYWHERE, field[1], _ANYWHERE, field[3]


def held_until(repair: Repair) -> datetime:
    """When a field that is fought over is put right again."""
    # Beyond a few doublings the cap holds anyway.
    doublings = min(repair.count - REPAIRS, 10)
    return repair.last + min(_FIRST_HOLD * 2.0**doublings, _MOST_HOLD)


def remember(repairs: Iterable[Repair], repaired: Iterable[Field], now: datetime) -> list[Repair]:
    """What is known after a pass that put these fields right; what has been right for long is forgotten."""
    known = {_place(r): r for r in repairs if not _over(r, now)}
    for place in sorted({anywhere(f) if f not in known and anywhere(f) in known else f for f in repaired}):
        before = known.get(place)
        region, kind, name, field = place
        if before is None:
            known[place] = Repair(region=region, kind=kind, name=name, field=field, count=1, since=now, last=now)
        elif region != _ANYWHERE or now - before.last >= _ROUND:
            known[place] = before.model_copy(update={"count": before.count + 1, "last": now})
    hottest = sorted(_bounded(known.values()), key=lambda r: (-r.count, -r.last.timestamp(), _place(r)))
    return sorted(hottest[:_MOST_REMEMBERED], key=_place)


def _bounded(repairs: Collection[Repair]) -> Collection[Repair]:
    """Where there are too many, the field that was put right in most places is counted as one, and so on."""
    while len(repairs) > _MOST_REMEMBERED:
        places = Counter(anywhere(_place(r)) for r in repairs)
        widest = max(sorted(places), key=lambda place: places[place])
        if places[widest] == 1:
            break
        one = [r for r in repairs if anywhere(_place(r)) == widest]
        repairs = [r for r in repairs if r not in one] + [_together(one, widest)]
    return repairs


def _together(repairs: Iterable[Repair], place: Field) -> Repair:
    by_age = sorted(repairs, key=lambda r: r.last)
    return Repair(
        region=place[0],
        kind=place[1],
        name=place[2],
        field=place[3],
        count=max(r.count for r in by_age),
        since=min(r.since for r in by_age),
        last=by_age[-1].last,
        author=next((r.author for r in reversed(by_age) if r.author), None),
    )


def show_fight(repair: Repair) -> str:
    """Which field, how often, by whom, until when, what to do."""
    since, until = _time(repair.since), _time(held_until(repair))
    by = f"; last known change by {repair.author}" if repair.author else ""
    where = (
        f"{repair.kind} in many places"
        if repair.region == _ANYWHERE
        else f"{repair.kind} {repair.name} in {repair.region}"
    )
    return (
        f"{where}: somebody else keeps changing {repair.field}, put right "
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

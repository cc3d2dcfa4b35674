"""Giving way to whoever keeps changing a field back."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from zerotouch.api.drift import Repair
from zerotouch.plan.change import Difference, ResourceID
from zerotouch.plan.fighting import REPAIRS, field_of, fought, held, held_until, remember, show_fight

T0 = datetime(2026, 1, 1, tzinfo=UTC)
PLACE = ("us-east-1", "Rule", "qualys-zerotouch", "state")


def after(*minutes: float) -> list[Repair]:
    """What is remembered after repairs at these minutes."""
    known: list[Repair] = []
    for at in minutes:
        known = remember(known, [PLACE], T0 + timedelta(minutes=at))
    return known


def is_held(known: list[Repair], minutes: float) -> bool:
    return PLACE in held(known, T0 + timedelta(minutes=minutes))


def test_a_few_repairs_are_no_fight() -> None:
    assert not is_held(after(0, 5, 10), 10)


def test_the_fourth_within_an_hour_is_one() -> None:
    assert is_held(after(0, 5, 10, 15), 15)
    assert is_held(after(0, 5, 10, 15), 24)
    assert not is_held(after(0, 5, 10, 15), 25)


def test_rare_repairs_never_are() -> None:
    assert not is_held(after(0, 61, 122, 183, 244, 305), 305)


def test_each_hold_is_twice_as_long_up_to_four_hours() -> None:
    holds = []
    for count in range(REPAIRS, REPAIRS + 8):
        region, kind, name, field = PLACE
        repair = Repair(region=region, kind=kind, name=name, field=field, count=count, since=T0, last=T0)
        holds.append((held_until(repair) - T0) / timedelta(minutes=1))
    assert holds == [10, 20, 40, 80, 160, 240, 240, 240]


def test_what_stays_right_for_long_enough_is_forgotten() -> None:
    fight = after(0, 5, 10, 15)
    assert remember(fight, [], T0 + timedelta(minutes=25 + 60)) == fight
    assert remember(fight, [], T0 + timedelta(minutes=25 + 61)) == []
    assert remember(after(0), [], T0 + timedelta(minutes=61)) == []


def test_a_fighter_that_reverts_at_once_gets_about_a_dozen_repairs_a_day() -> None:
    known: list[Repair] = []
    writes = 0
    for minute in range(0, 24 * 60, 5):
        now = T0 + timedelta(minutes=minute)
        reverted = [] if PLACE in held(known, now) else [PLACE]
        writes += len(reverted)
        known = remember(known, reverted, now)
    assert writes == 13


def test_a_fighter_in_many_places_is_given_way_to_as_well() -> None:
    places = [(f"region-{n}", kind, "q", "tags") for n in range(34) for kind in ("Rule", "DetectionRule")]
    known: list[Repair] = []
    writes = 0
    for minute in range(0, 24 * 60, 5):
        now = T0 + timedelta(minutes=minute)
        reverted = [place for place in places if not fought(held(known, now), place)]
        writes += len(reverted)
        known = remember(known, reverted, now)
    assert writes == 13 * len(places)
    (one, other) = known
    assert show_fight(other).startswith("Rule in many places: somebody else keeps changing tags, put right ")
    assert fought(held(known, now), ("another", "Rule", "q", "tags"))
    assert not fought(held(known, now), ("another", "Rule", "q", "state"))
    assert one.kind == "DetectionRule"


def test_what_was_changed_once_everywhere_and_is_put_right_region_by_region_is_no_fight() -> None:
    known: list[Repair] = []
    for n in range(34):
        now = T0 + n * timedelta(seconds=2)
        places = [(f"region-{n}", kind, "q", "tags") for kind in ("Rule", "DetectionRule", "InventoryAssociation")]
        assert not any(fought(held(known, now), place) for place in places)
        known = remember(known, places, now)
        assert len(known) <= 20


def test_a_part_of_a_field_counts_as_the_field() -> None:
    resource = ResourceID("Rule", "us-east-1", "qualys-zerotouch")
    paths = ("targets.spy1", "targets.spy2.Input", "targets")
    assert {field_of(resource, Difference(p, 1, 2))[3] for p in paths} == {"targets"}
    assert field_of(resource, Difference("attachedPolicies[]", 1, 2))[3] == "attachedPolicies"


def test_it_says_what_how_often_until_when_and_what_to_do() -> None:
    assert show_fight(after(0, 5, 10, 15)[0]) == (
        "Rule qualys-zerotouch in us-east-1: somebody else keeps changing state, put right 4 times since "
        "2026-01-01T00:00:00Z; left alone until 2026-01-01T00:25:00Z. "
        "Stop the other writer, or set spec.driftPolicy to Report"
    )


def test_it_says_who_where_that_is_known_also_after_the_next_repair() -> None:
    (repair,) = after(0, 5, 10)
    known = [repair.model_copy(update={"author": "alice by events:DisableRule"})]
    (fight,) = remember(known, [PLACE], T0 + timedelta(minutes=15))
    assert "since 2026-01-01T00:00:00Z; last known change by alice by events:DisableRule; left" in show_fight(fight)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60))
def test_what_is_remembered_is_bounded_and_the_same_however_often_it_is_asked(steps: list[tuple[int, int]]) -> None:
    known: list[Repair] = []
    minute = 0
    for wait, which in steps:
        minute += wait
        now = T0 + timedelta(minutes=minute)
        known = remember(known, [("us-east-1", "Rule", f"n{which}", "state")], now)
        assert len(known) <= 20
        assert remember(known, [], now) == known

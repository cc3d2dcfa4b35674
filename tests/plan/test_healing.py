"""When a de-authorized connection is authorized again, and when its token counts as refused: a table, and bounds."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotouch.api.token import Healing
from zerotouch.plan.healing import decide_healing, is_refused, next_try, still_remembered

T0 = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
INTERVAL = 5 * MINUTE
TOKEN, OTHER = "0" * 12, "1" * 12


def healed(times: int = 1, refusals: int = 0, lost: timedelta | None = None, token: str = TOKEN) -> Healing:
    """Last healed at T0, and lost so long after that."""
    return Healing(token=token, times=times, refusals=refusals, at=T0, lost_at=None if lost is None else T0 + lost)


@pytest.mark.parametrize(
    ("before", "by_person", "after", "heal", "times", "refusals"),
    [
        # The first time, with another token, or long after: at once, and counted from one.
        (None, False, MINUTE, True, 1, 0),
        (healed(7, 5, token=OTHER), False, MINUTE, True, 1, 0),
        (healed(7, 5), False, 24 * HOUR, True, 1, 0),
        # Again: an interval after the last time, doubled with each; a refusal where it was EventBridge, and soon.
        (healed(1), False, 4 * MINUTE, False, 1, 1),
        (healed(1), False, 5 * MINUTE, True, 2, 1),
        (healed(1), True, 5 * MINUTE, True, 2, 0),
        (healed(2, 1), False, 9 * MINUTE, False, 2, 2),
        (healed(2, 1), False, 10 * MINUTE, True, 3, 2),
        (healed(2, 1), False, 2 * HOUR, True, 3, 1),
        # At most six hours.
        (healed(16, 15), False, 6 * HOUR - MINUTE, False, 16, 15),
        (healed(16, 15), False, 6 * HOUR, True, 17, 15),
        # Seen before: the same refusal is not counted twice.
        (healed(2, 1, lost=MINUTE), False, 9 * MINUTE, False, 2, 1),
        (healed(2, 1, lost=MINUTE), False, 10 * MINUTE, True, 3, 1),
        # Lost soon after the last time, but nobody looked for a day.
        (healed(2, 1, lost=MINUTE), False, 48 * HOUR, True, 3, 1),
    ],
)
def test_decision(
    before: Healing | None, by_person: bool, after: timedelta, heal: bool, times: int, refusals: int
) -> None:
    now = T0 + after
    decision = decide_healing(before, TOKEN, by_person, now, INTERVAL, now)
    assert (decision.heal, decision.healing.times, decision.healing.refusals) == (heal, times, refusals)
    assert decision.healing.token == TOKEN
    assert (decision.healing.lost_at is None) == heal
    assert decision.next_at > now


@pytest.mark.parametrize(
    ("before", "token", "after", "left"),
    [
        (None, TOKEN, MINUTE, None),
        (healed(3, 1), TOKEN, 23 * HOUR, healed(3, 1)),
        (healed(3, 1, lost=MINUTE), TOKEN, 23 * HOUR, healed(3, 1)),
        (healed(3, 1), TOKEN, 24 * HOUR, None),
        (healed(3, 1), OTHER, MINUTE, None),
    ],
)
def test_what_is_remembered_while_it_is_authorized(
    before: Healing | None, token: str, after: timedelta, left: Healing | None
) -> None:
    assert still_remembered(before, token, T0 + after) == left


def test_refused_after_two_healings_that_did_not_last() -> None:
    assert not is_refused(None)
    assert not is_refused(healed(2, 1))
    assert is_refused(healed(2, 2))


@given(st.lists(st.integers(1, 120), min_size=50, max_size=400), st.integers(1, 60))
def test_a_gateway_that_refuses_everything_costs_few_writes(minutes: list[int], interval: int) -> None:
    """However often somebody looks: about ten while the waits grow, then four a day."""
    now, before, writes = T0, None, 0
    for step in minutes:
        now += step * MINUTE
        decision = decide_healing(before, TOKEN, False, now, interval * MINUTE, now)
        writes += decision.heal
        before = decision.healing
    assert writes <= 11 + (now - T0) / (6 * HOUR)


@given(st.integers(1, 1000), st.integers(30, 86400))
def test_waits_are_bounded(times: int, seconds: int) -> None:
    wait = next_try(healed(times), timedelta(seconds=seconds)) - T0
    assert min(6 * HOUR, timedelta(seconds=seconds)) <= wait <= 6 * HOUR

"""Which account object carries which token, wave after wave."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotouch.controller.index import AccountRecord, Trigger, View
from zerotouch.controller.objects import Key, account_key, parent_key
from zerotouch.controller.rollout import assign_tokens, carried_by_all

OLD, NEW = "0" * 12, "1" * 12
KEYS = [account_key("n", f"p-{n:012d}") for n in range(10)]


def record(key: Key, token: str | None, ready: bool = True, looked_at: bool = True) -> AccountRecord:
    trigger = Trigger("u", 2, False, True, None, False)
    view = View(observed_generation=2 if looked_at else 1, ready=ready, reason="x")
    return AccountRecord(key, trigger, key.name[-12:], parent_key("n", "p"), "h", token, False, False, 300.0, view)


def fleet(new: int, old: int, **of_new: bool) -> dict[Key, AccountRecord]:
    """The first `new` accounts carry the new token."""
    states = [(NEW, of_new)] * new + [(OLD, {})] * old
    return {key: record(key, token, **more) for key, (token, more) in zip(KEYS, states, strict=False)}


def assigned(records: dict[Key, AccountRecord], target: str | None = NEW, fallback: str | None = OLD) -> int:
    """How many are to carry the new token."""
    return list(assign_tokens(records, records, target, fallback).values()).count(NEW)


@pytest.mark.parametrize(
    ("records", "number"),
    [
        (fleet(0, 10), 1),
        (fleet(1, 9), 2),
        (fleet(2, 8), 4),
        (fleet(4, 6), 8),
        (fleet(8, 2), 10),
        (fleet(10, 0), 10),
        # Not looked at yet, or not well: no further.
        (fleet(1, 9, looked_at=False), 1),
        (fleet(1, 9, ready=False), 1),
        (fleet(4, 6, ready=False), 4),
    ],
)
def test_waves(records: dict[Key, AccountRecord], number: int) -> None:
    assert assigned(records) == number


def test_one_account_that_is_broken_anyway_does_not_hold_up_the_others() -> None:
    records = fleet(4, 6) | {KEYS[0]: record(KEYS[0], NEW, ready=False)}
    assert assigned(records) == 8


def test_the_first_wave_is_an_account_that_is_well() -> None:
    records = {key: record(key, OLD, ready=key == KEYS[7]) for key in KEYS}
    tokens = assign_tokens(KEYS, records, NEW, OLD)
    assert [key for key, token in tokens.items() if token == NEW] == [KEYS[7]]


def test_the_first_token_of_all_goes_everywhere_at_once() -> None:
    assert set(assign_tokens(KEYS, {}, NEW, NEW).values()) == {NEW}
    without = {key: record(key, None) for key in KEYS}
    assert set(assign_tokens(KEYS, without, NEW, NEW).values()) == {NEW}


def test_a_new_account_in_the_middle_gets_what_is_known_to_work() -> None:
    records = fleet(2, 7)
    assert assign_tokens(KEYS, records, NEW, OLD)[KEYS[9]] == OLD
    assert assign_tokens(KEYS, fleet(9, 0), NEW, OLD)[KEYS[9]] == NEW


def test_without_a_usable_token_everything_stays() -> None:
    records = fleet(3, 6)
    tokens = assign_tokens(KEYS, records, None, None)
    assert tokens == {key: records[key].token_fingerprint if key in records else None for key in KEYS}


def test_carried_by_all() -> None:
    assert carried_by_all(KEYS, fleet(10, 0), NEW)
    assert not carried_by_all(KEYS, fleet(9, 1), NEW)
    assert not carried_by_all(KEYS, fleet(9, 0), NEW)


@given(st.lists(st.sampled_from([OLD, NEW, None]), min_size=1, max_size=10))
def test_it_ends_with_all_and_nobody_goes_back(tokens: list[str | None]) -> None:
    records = {key: record(key, token) for key, token in zip(KEYS, tokens, strict=False)}
    for _ in range(8):
        wanted = assign_tokens(records, records, NEW, OLD)
        assert all(wanted[key] == NEW for key, r in records.items() if r.token_fingerprint == NEW)
        records = {key: record(key, token) for key, token in wanted.items()}
    assert set(wanted.values()) == {NEW}

"""Which account object carries which token: one target on trial, then wave after wave."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotouch.api.token import TokenTrial
from zerotouch.controller.index import AccountRecord, Carrier, Trigger, View
from zerotouch.controller.objects import Key, account_key, parent_key
from zerotouch.controller.rollout import Assigned, Wanted, assign_tokens, behind_targets, carried_by_all

OLD, NEW = "0" * 12, "1" * 12
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TRIAL = timedelta(minutes=10)
KEYS = [account_key("n", f"p-{n:012d}") for n in range(10)]
REGIONS = ("eu-west-1", "us-east-1")


def record(
    key: Key,
    token: str | None,
    ready: bool = True,
    looked_at: bool = True,
    refuses: bool = False,
    carried: str | None = None,
    problems: tuple[tuple[str, int], ...] = (),
) -> AccountRecord:
    """`carried`: the token in its connections, where not the one that it is to carry."""
    trigger = Trigger("u", 2, False, True, None, False)
    held = carried or token
    seen = NOW + timedelta(hours=1)
    carriers = tuple(Carrier(r, held, ready, refuses, NOW, surveyed_at=seen) for r in REGIONS) if held else ()
    view = View(2 if looked_at else 1, ready, "x", problems=problems, carriers=carriers)
    return AccountRecord(key, trigger, key.name[-12:], parent_key("n", "p"), "h", token, False, False, 300.0, view)


def fleet(new: int, old: int, **of_new: bool) -> dict[Key, AccountRecord]:
    """The first `new` accounts carry the new token."""
    states = [(NEW, of_new)] * new + [(OLD, {})] * old
    return {key: record(key, token, **more) for key, (token, more) in zip(KEYS, states, strict=False)}


def assigned(
    records: dict[Key, AccountRecord], tokens: Wanted | None = None, now: datetime = NOW
) -> dict[Key, Assigned]:
    return assign_tokens(records, records, tokens or Wanted(NEW, OLD), now).tokens


def carrying(given: dict[Key, Assigned], token: str = NEW) -> list[Key]:
    return [key for key, wanted in given.items() if wanted.token == token]


@pytest.mark.parametrize(
    ("records", "number"),
    [
        (fleet(0, 10), 1),
        (fleet(1, 9), 2),
        (fleet(2, 8), 4),
        (fleet(4, 6), 8),
        (fleet(8, 2), 10),
        (fleet(10, 0), 10),
        # Not looked at yet, not well, or refused there: no further.
        (fleet(1, 9, looked_at=False), 1),
        (fleet(1, 9, ready=False), 1),
        (fleet(4, 6, ready=False), 4),
        (fleet(4, 6, refuses=True), 4),
    ],
)
def test_waves(records: dict[Key, AccountRecord], number: int) -> None:
    assert len(carrying(assigned(records))) == number


def test_one_account_that_is_broken_anyway_does_not_hold_up_the_others() -> None:
    records = fleet(4, 6) | {KEYS[0]: record(KEYS[0], NEW, ready=False)}
    assert len(carrying(assigned(records))) == 8


def test_the_first_wave_is_an_account_that_is_well() -> None:
    records = {key: record(key, OLD, ready=key == KEYS[7]) for key in KEYS}
    assert carrying(assigned(records)) == [KEYS[7]]


ON_TRIAL = Wanted(NEW, OLD, trial=TRIAL)


def on_trial(key: Key, carried: str = NEW, **of_region: bool) -> AccountRecord:
    """Its first region is on trial, and carries `carried`."""
    old = record(key, OLD)
    region = old.view.carriers[0]._replace(
        token=carried, ready=of_region.get("ready", True), refuses=of_region.get("refuses", False)
    )
    view = replace(
        old.view,
        carriers=(region, *old.view.carriers[1:]),
        observed_generation=2 if of_region.get("looked_at", True) else 1,
    )
    return replace(old, view=view, trial=TokenTrial(region=REGIONS[0], fingerprint=NEW))


def test_the_very_first_is_one_target_on_trial() -> None:
    given = assigned(fleet(0, 10), ON_TRIAL)
    assert carrying(given) == []
    trials = {key: a.trial for key, a in given.items() if a.trial}
    assert trials == {KEYS[0]: TokenTrial(region=REGIONS[0], fingerprint=NEW)}


@pytest.mark.parametrize(
    ("of_region", "after", "carriers", "wait"),
    [
        ({"looked_at": False, "carried": OLD}, timedelta(hours=1), 0, None),
        ({}, timedelta(minutes=4), 0, timedelta(minutes=6)),
        ({}, TRIAL, 1, None),
        # De-authorized, or refused: the others keep the old one.
        ({"ready": False}, timedelta(hours=1), 0, None),
        ({"ready": False, "refuses": True}, timedelta(hours=1), 0, None),
    ],
)
def test_a_trial(of_region: dict[str, bool], after: timedelta, carriers: int, wait: timedelta | None) -> None:
    records = {**fleet(0, 10), KEYS[3]: on_trial(KEYS[3], **of_region)}  # type: ignore[arg-type]
    assignment = assign_tokens(records, records, ON_TRIAL, NOW + after)
    assert carrying(assignment.tokens) == [KEYS[3]][:carriers]
    assert [key for key, a in assignment.tokens.items() if a.trial] == [KEYS[3]][carriers:]
    assert assignment.wait == wait


@pytest.mark.parametrize("surveyed", [None, TRIAL - timedelta(minutes=1)])
def test_a_trial_counts_when_somebody_has_looked_at_its_end(surveyed: timedelta | None) -> None:
    record = on_trial(KEYS[3])
    region, *others = record.view.carriers
    unseen = region._replace(surveyed_at=None if surveyed is None else NOW + surveyed)
    records = {**fleet(0, 10), KEYS[3]: replace(record, view=replace(record.view, carriers=(unseen, *others)))}
    over = assign_tokens(records, records, ON_TRIAL, NOW + TRIAL)
    assert (carrying(over.tokens), over.look, over.tokens[KEYS[3]].trial) == ([], KEYS[3], record.trial)
    assert assign_tokens(records, records, ON_TRIAL, NOW + TRIAL / 2).look is None
    never = assign_tokens(records, records, ON_TRIAL, NOW + TRIAL + timedelta(hours=1))
    assert (carrying(never.tokens), never.look) == ([KEYS[3]], None)


def test_a_delivery_that_failed_since_keeps_a_token_on_trial_until_one_succeeds() -> None:
    record = on_trial(KEYS[3])
    region, *others = record.view.carriers
    for failed, succeeded, carriers in ((1, None, 0), (2, 1, 0), (1, 2, 1), (-1, None, 1)):
        told = region._replace(
            failed_at=NOW + timedelta(minutes=failed),
            succeeded_at=None if succeeded is None else NOW + timedelta(minutes=succeeded),
        )
        seen = replace(record, view=replace(record.view, carriers=(told, *others)))
        assert len(carrying(assigned({**fleet(0, 10), KEYS[3]: seen}, ON_TRIAL, NOW + TRIAL))) == carriers


def test_the_trial_is_where_events_arrived_last() -> None:
    records = fleet(0, 10)
    for number, hours in ((4, 5), (7, 2)):
        old = records[KEYS[number]]
        quiet, busy = old.view.carriers
        busy = busy._replace(succeeded_at=NOW - timedelta(hours=hours))
        records[KEYS[number]] = replace(old, view=replace(old.view, carriers=(quiet, busy)))
    trials = {key: a.trial for key, a in assigned(records, ON_TRIAL).items() if a.trial}
    assert trials == {KEYS[7]: TokenTrial(region=REGIONS[1], fingerprint=NEW)}


def test_where_the_trial_could_not_be_written_another_target_is_tried() -> None:
    """Its region may be down for a day."""
    records = {**fleet(0, 10), KEYS[0]: on_trial(KEYS[0], carried=OLD, ready=False)}
    given = assigned(records, ON_TRIAL)
    assert given[KEYS[0]] == Assigned(OLD, TokenTrial(region=REGIONS[1], fingerprint=NEW))


def test_where_the_old_token_is_refused_nothing_is_tried_first_and_who_lost_it_gets_the_new_one_at_once() -> None:
    lost = {key: record(key, OLD, ready=False, refuses=True) for key in KEYS[:3]}
    records = {**fleet(0, 10), **lost}
    refused = Wanted(NEW, OLD, frozenset({OLD}), TRIAL)
    assert carrying(assigned(records, refused)) == KEYS[:3]
    healed = {**records, **{key: record(key, NEW) for key in KEYS[:3]}}
    assert len(carrying(assigned(healed, refused))) == 6


def test_who_cannot_be_authorized_with_the_old_token_any_more_gets_the_new_one_at_once() -> None:
    records = {**fleet(0, 10), KEYS[5]: record(KEYS[5], OLD, ready=False, problems=(("TokenInvalid", 1),))}
    assert carrying(assigned(records, ON_TRIAL)) == [KEYS[5]]


def test_the_first_token_of_all_goes_everywhere_at_once() -> None:
    fresh = Wanted(NEW, NEW, trial=TRIAL)
    assert set(assign_tokens(KEYS, {}, fresh, NOW).tokens.values()) == {Assigned(NEW)}
    without = {key: record(key, None) for key in KEYS}
    assert set(assigned(without, fresh).values()) == {Assigned(NEW)}


def test_a_new_account_in_the_middle_gets_what_is_known_to_work() -> None:
    assert assign_tokens(KEYS, fleet(2, 7), Wanted(NEW, OLD), NOW).tokens[KEYS[9]] == Assigned(OLD)
    assert assign_tokens(KEYS, fleet(9, 0), Wanted(NEW, OLD), NOW).tokens[KEYS[9]] == Assigned(NEW)
    refused = Wanted(NEW, OLD, frozenset({OLD}))
    assert assign_tokens(KEYS, fleet(2, 7), refused, NOW).tokens[KEYS[9]] == Assigned(NEW)


def test_without_a_usable_token_everything_stays() -> None:
    records = {**fleet(3, 6), KEYS[4]: on_trial(KEYS[4])}
    tokens = assign_tokens(KEYS, records, Wanted(None, None), NOW).tokens
    assert tokens == {
        key: Assigned(records[key].token_fingerprint, records[key].trial) if key in records else Assigned(None)
        for key in KEYS
    }


def test_carried_by_all() -> None:
    assert carried_by_all(KEYS, fleet(10, 0), NEW)
    assert not carried_by_all(KEYS, fleet(9, 1), NEW)
    assert not carried_by_all(KEYS, fleet(9, 0), NEW)
    assert not carried_by_all(KEYS, {**fleet(10, 0), KEYS[0]: record(KEYS[0], NEW, looked_at=False)}, NEW)


def test_a_target_that_was_down_and_still_carries_the_old_one_keeps_the_old_one_in_use() -> None:
    down = record(KEYS[0], NEW, ready=False, carried=OLD)
    records = {**fleet(10, 0), KEYS[0]: down}
    assert not carried_by_all(KEYS, records, NEW)
    assert [(r.account_id, c.region) for r, c in behind_targets(records.values(), NEW)] == [
        (down.account_id, region) for region in REGIONS
    ]


@given(st.lists(st.sampled_from([OLD, NEW, None]), min_size=1, max_size=10), st.booleans())
def test_it_ends_with_all_and_nobody_goes_back(tokens: list[str | None], trial: bool) -> None:
    records = {key: record(key, token) for key, token in zip(KEYS, tokens, strict=False)}
    wanted_tokens = Wanted(NEW, OLD, trial=TRIAL if trial else timedelta(0))
    now = NOW
    for _ in range(10):
        wanted = assign_tokens(records, records, wanted_tokens, now).tokens
        assert all(wanted[key].token == NEW for key, r in records.items() if r.token_fingerprint == NEW)
        assert sum(a.trial is not None for a in wanted.values()) <= 1
        records = {
            key: on_trial(key) if assigned.trial else record(key, assigned.token) for key, assigned in wanted.items()
        }
        now += TRIAL
    assert {a.token for a in wanted.values()} == {NEW}

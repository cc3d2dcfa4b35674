"""When to mint, when to follow up, when to promote: a table, and properties over any state."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotouch.controller.rotation import (
    MINT_TIMEOUT,
    Asked,
    Kept,
    Minted,
    Step,
    decide,
    note_refused,
    rotation_due,
    usable,
)
from zerotouch.qualys.tokens import parse_token

T0 = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ASKED = Asked("https://gateway", "user-1", 7 * DAY)


def minted(
    days: float | None = 90, source: str = "user-1", gateway: str = "https://gateway", name: str = "0123456789ab"
) -> Minted:
    """Minted at T0, and expiring so many days later."""
    payload = {} if days is None else {"exp": (T0 + days * DAY).timestamp()}
    parts = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in ({}, payload, {})]
    return Minted(parse_token(".".join(parts)), name, gateway, source, T0)


@pytest.mark.parametrize(
    ("kept", "asked", "carried", "at", "step"),
    [
        (Kept(), ASKED, False, T0, Step.MINT_CURRENT),
        (Kept(minted()), ASKED, False, T0, Step.USE),
        (Kept(minted()), ASKED, False, T0 + 82 * DAY, Step.USE),
        (Kept(minted()), ASKED, False, T0 + 83 * DAY, Step.MINT_NEXT),
        (Kept(minted(None)), ASKED, False, T0 + 10_000 * DAY, Step.USE),
        # Expired, or of another gateway: there is nothing to wait for.
        (Kept(minted()), ASKED, False, T0 + 90 * DAY, Step.MINT_CURRENT),
        (Kept(minted(gateway="https://other")), ASKED, False, T0, Step.MINT_CURRENT),
        (Kept(minted(1), minted(90)), ASKED, False, T0 + 2 * DAY, Step.PROMOTE),
        # Being rolled out.
        (Kept(minted(), minted()), ASKED, False, T0, Step.USE),
        (Kept(minted(), minted()), ASKED, True, T0, Step.PROMOTE),
        # The credentials have changed, before and in the middle of a rotation.
        (Kept(minted(source="user-0")), ASKED, False, T0, Step.MINT_NEXT),
        (Kept(minted(), minted(source="user-0")), ASKED, True, T0, Step.MINT_NEXT),
        # Asked for by a person, once.
        (Kept(minted()), Asked("https://gateway", "user-1", 7 * DAY, "leak"), False, T0, Step.MINT_NEXT),
        (
            Kept(minted(), rotate_handled="leak"),
            Asked("https://gateway", "user-1", 7 * DAY, "leak"),
            False,
            T0,
            Step.USE,
        ),
        # A mint that was begun by somebody, and may still end.
        (Kept(mint_started_at=T0), ASKED, False, T0 + MINT_TIMEOUT / 2, Step.WAIT),
        (Kept(mint_started_at=T0), ASKED, False, T0 + MINT_TIMEOUT, Step.MINT_CURRENT),
        (Kept(minted(), mint_started_at=T0), ASKED, False, T0, Step.USE),
    ],
)
def test_decision(kept: Kept, asked: Asked, carried: bool, at: datetime, step: Step) -> None:
    assert decide(kept, asked, carried, frozenset(), at) is step


def test_a_token_that_lives_shorter_than_rotate_before_is_not_rotated_at_once() -> None:
    assert rotation_due(minted(6), ASKED) == T0 + 4 * DAY


TOKENS = st.none() | st.builds(
    minted,
    st.none() | st.integers(1, 100),
    st.sampled_from(["user-0", "user-1"]),
    st.sampled_from(["https://gateway", "https://other"]),
)


OLD, NEW = "0" * 12, "1" * 12
PAIR = Kept(minted(name=OLD), minted(name=NEW))
ALONE = Kept(minted(name=OLD))


def in_a_row(kept: Kept, number: int) -> Kept:
    """So many tokens were refused one after the other, the last one at T0."""
    return replace(kept, refused=tuple(str(n) * 12 for n in range(number)), refused_at=T0)


@pytest.mark.parametrize(
    ("kept", "refused", "at", "step"),
    [
        # The token in use is refused: another one, at once after the first refusal, later after more of them.
        (in_a_row(ALONE, 1), {OLD}, T0, Step.MINT_NEXT),
        (in_a_row(ALONE, 2), {OLD}, T0 + DAY / 2, Step.USE),
        (in_a_row(ALONE, 2), {OLD}, T0 + DAY, Step.MINT_NEXT),
        (in_a_row(ALONE, 3), {OLD}, T0 + 6 * DAY, Step.USE),
        (in_a_row(ALONE, 3), {OLD}, T0 + 7 * DAY, Step.MINT_NEXT),
        # The new one is refused: another one, or back to the one in use, unless that is refused as well.
        (in_a_row(PAIR, 1), {NEW}, T0, Step.MINT_NEXT),
        (in_a_row(PAIR, 2), {NEW}, T0, Step.DROP),
        (in_a_row(PAIR, 2), {OLD, NEW}, T0, Step.USE),
        # Being due does not open a way around.
        (in_a_row(ALONE, 2), set(), T0 + 83 * DAY, Step.MINT_NEXT),
        (replace(in_a_row(ALONE, 2), refused_at=T0 + 83 * DAY), set(), T0 + 83.5 * DAY, Step.USE),
        (replace(in_a_row(Kept(minted(1)), 3), refused_at=T0 + DAY), set(), T0 + 2 * DAY, Step.REFUSED),
        # What somebody else's target refuses is none of ours.
        (ALONE, {"f" * 12}, T0, Step.USE),
    ],
)
def test_refused(kept: Kept, refused: set[str], at: datetime, step: Step) -> None:
    assert decide(kept, ASKED, False, frozenset(refused), at) is step


def test_a_person_may_have_another_one_at_any_time() -> None:
    kept = in_a_row(ALONE, 3)
    for asked in (replace(ASKED, rotate="now"), replace(ASKED, source="user-2")):
        assert decide(kept, asked, False, frozenset({OLD}), T0) is Step.MINT_NEXT
    assert decide(kept, replace(ASKED, gateway="https://other"), False, frozenset({OLD}), T0) is Step.MINT_CURRENT


def test_each_refused_token_is_counted_once() -> None:
    once = note_refused(PAIR, frozenset({NEW, "f" * 12}), T0)
    assert (once.refused, once.refused_at) == ((NEW,), T0)
    assert note_refused(once, frozenset({NEW}), T0 + DAY) == once
    both = note_refused(once, frozenset({OLD, NEW}), T0 + DAY)
    assert (both.refused, both.refused_at) == ((NEW, OLD), T0 + DAY)
    assert note_refused(once, frozenset({OLD}), T0 + 8 * DAY).refused == (OLD,)


def test_a_next_token_that_is_due_itself_waits_for_nobody() -> None:
    assert decide(Kept(minted(None), minted()), ASKED, False, frozenset(), T0 + 82 * DAY) is Step.USE
    assert decide(Kept(minted(None), minted()), ASKED, False, frozenset(), T0 + 83 * DAY) is Step.PROMOTE


@given(
    st.builds(Kept, TOKENS, TOKENS, st.none() | st.just(T0)),
    st.booleans(),
    st.sets(st.sampled_from(["0123456789ab", NEW])),
    st.integers(0, 120),
)
def test_whatever_the_state_something_usable_comes_of_it(
    kept: Kept, carried: bool, refused: set[str], day: int
) -> None:
    at = T0 + day * DAY
    step = decide(kept, ASKED, carried, frozenset(refused), at)
    match step:
        case Step.USE:
            assert usable(kept.current, ASKED.gateway, at)
        case Step.PROMOTE:
            assert usable(kept.next, ASKED.gateway, at)
        case Step.MINT_CURRENT:
            assert not usable(kept.current, ASKED.gateway, at)
        case Step.MINT_NEXT | Step.DROP:
            assert usable(kept.current, ASKED.gateway, at)
        case Step.WAIT:
            assert kept.mint_started_at is not None
        case Step.REFUSED:
            assert kept.refused

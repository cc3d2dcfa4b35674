"""When to mint, when to follow up, when to promote: a table, and properties over any state."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotouch.controller.rotation import MINT_TIMEOUT, Asked, Kept, Minted, Step, decide, rotation_due, usable
from zerotouch.qualys.tokens import parse_token

T0 = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ASKED = Asked("https://gateway", "user-1", 7 * DAY)


def minted(days: float | None = 90, source: str = "user-1", gateway: str = "https://gateway") -> Minted:
    """Minted at T0, and expiring so many days later."""
    payload = {} if days is None else {"exp": (T0 + days * DAY).timestamp()}
    parts = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in ({}, payload, {})]
    return Minted(parse_token(".".join(parts)), "0123456789ab", gateway, source, T0)


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
    assert decide(kept, asked, carried, at) is step


def test_a_token_that_lives_shorter_than_rotate_before_is_not_rotated_at_once() -> None:
    assert rotation_due(minted(6), ASKED) == T0 + 4 * DAY


TOKENS = st.none() | st.builds(
    minted,
    st.none() | st.integers(1, 100),
    st.sampled_from(["user-0", "user-1"]),
    st.sampled_from(["https://gateway", "https://other"]),
)


@given(st.builds(Kept, TOKENS, TOKENS, st.none() | st.just(T0)), st.booleans(), st.integers(0, 120))
def test_whatever_the_state_something_usable_comes_of_it(kept: Kept, carried: bool, day: int) -> None:
    at = T0 + day * DAY
    step = decide(kept, ASKED, carried, at)
    match step:
        case Step.USE:
            assert usable(kept.current, ASKED.gateway, at)
        case Step.PROMOTE:
            assert usable(kept.next, ASKED.gateway, at)
        case Step.MINT_CURRENT:
            assert not usable(kept.current, ASKED.gateway, at)
        case Step.MINT_NEXT:
            assert usable(kept.current, ASKED.gateway, at)
        case Step.WAIT:
            assert kept.mint_started_at is not None

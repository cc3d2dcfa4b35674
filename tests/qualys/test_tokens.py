"""Tokens: what is refused and why, and that no value ever shows."""

import base64
import contextlib
import json
import pickle
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotouch.qualys.tokens import TokenInvalid, fingerprint, parse_token


def part(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def jwt(payload: Any, header: Any = None, signature: str = "c2lnbmF0dXJl") -> str:
    return f"{part({'alg': 'HS256'} if header is None else header)}.{part(payload)}.{signature}"


GOOD = jwt({"sub": "canary-9c1", "exp": 2_000_000_000})


def test_a_good_token() -> None:
    token = parse_token(GOOD.encode())
    assert token.reveal() == GOOD
    assert token.expires_at == datetime.fromtimestamp(2_000_000_000, UTC)
    assert not token.expired(datetime(2026, 1, 1, tzinfo=UTC))
    assert token.expired(datetime(2034, 1, 1, tzinfo=UTC))


def test_without_exp_it_never_expires() -> None:
    assert not parse_token(jwt({})).expired(datetime.max.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("", "empty"),
        ("  ", "empty"),
        (GOOD + "\n", "newline"),
        (" " + GOOD, "white space"),
        (GOOD[:20] + " " + GOOD[20:], "white space"),
        ("password", "no JWT"),
        ("a.b", "no JWT"),
        ("a.b.c", "no JWT"),
        (jwt([1]), "payload"),
        (jwt({}, header="x"), "header"),
        (jwt({"exp": "soon"}), "exp"),
        (jwt({"exp": True}), "exp"),
        (jwt({"exp": 1e300}), "exp"),
        (jwt({"pad": "x" * 600}), "505"),
        (b"\xff\xfe", "bytes"),
    ],
)
def test_what_is_refused(raw: str | bytes, told: str) -> None:
    with pytest.raises(TokenInvalid, match=told) as caught:
        parse_token(raw)
    text = raw.decode("latin-1") if isinstance(raw, bytes) else raw
    assert len(text.strip()) < 6 or text.strip() not in caught.value.problem


def test_exactly_the_longest() -> None:
    padding = 505 - len(jwt({}, signature=""))
    assert len(parse_token(jwt({}, signature="s" * padding)).reveal()) == 505
    with pytest.raises(TokenInvalid, match="EventBridge"):
        parse_token(jwt({}, signature="s" * (padding + 1)))


def test_the_value_shows_nowhere() -> None:
    token = parse_token(GOOD)
    for text in (repr(token), str(token), f"{token}", repr([token]), repr({"t": token})):
        assert GOOD not in text
    with pytest.raises(TypeError):
        json.dumps(token)
    with pytest.raises(TypeError):
        pickle.dumps(token)


def test_fingerprint() -> None:
    assert fingerprint(GOOD, b"k") == fingerprint(GOOD, b"k")
    assert fingerprint(GOOD, b"k") != fingerprint(GOOD, b"other")
    assert len(fingerprint(GOOD, b"k")) == 12


@given(st.text() | st.binary())
def test_total(raw: str | bytes) -> None:
    with contextlib.suppress(TokenInvalid):
        assert parse_token(raw).reveal()

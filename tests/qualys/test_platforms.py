"""Where credentials may go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotouch.qualys.platforms import GATEWAYS, GatewayNotAllowed, parse_allowed, resolve_gateway

PRIVATE = parse_allowed("https://gateway.corp.example/, http://127.0.0.1:8080")


@pytest.mark.parametrize(
    ("platform", "url", "expected"),
    [
        ("US2", None, "https://gateway.qg2.apps.qualys.com"),
        (None, "https://gateway.qg2.apps.qualys.com//", "https://gateway.qg2.apps.qualys.com"),
        (None, "https://Gateway.Corp.Example/", "https://gateway.corp.example"),
        (None, "http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_allowed(platform: str | None, url: str | None, expected: str) -> None:
    assert resolve_gateway(platform, url, PRIVATE) == expected


@pytest.mark.parametrize(
    ("platform", "url", "told"),
    [
        ("XX9", None, "XX9"),
        (None, None, "https://HOST"),
        (None, "https://evil.example", "ZEROTOUCH_ALLOWED_GATEWAYS"),
        (None, "https://gateway.qg2.apps.qualys.com.evil.example", "neither"),
        (None, "http://gateway.qg2.apps.qualys.com", "neither"),
        (None, "http://127.0.0.1:8081", "neither"),
        (None, "https://gateway.qg2.apps.qualys.com:444", "neither"),
        (None, "https://user@gateway.qg2.apps.qualys.com", "without user"),
        (None, "https://gateway.qg2.apps.qualys.com/path", "without user, path"),
        (None, "https://gateway.qg2.apps.qualys.com:port", "no URL"),
    ],
)
def test_refused(platform: str | None, url: str | None, told: str) -> None:
    with pytest.raises(GatewayNotAllowed, match=told):
        resolve_gateway(platform, url, PRIVATE)


@given(st.text() | st.none())
def test_total(url: str | None) -> None:
    try:
        answer = resolve_gateway(None, url, frozenset())
    except GatewayNotAllowed:
        return
    assert answer in GATEWAYS.values()

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotouch.plan.redact import redact

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("API destination endpoint returned HTTP status 500.", "API destination endpoint returned HTTP status 500."),
        (f"401 for Bearer {JWT}", "401 for Bearer ***"),
        (f"token was {JWT}!", "token was ***!"),
        ("Authorization: Basic dXNlcjpwdw==", "Authorization: *** ***"),
        ('{"password": "canary"}', '{"password": "***"}'),
        ("X-API-KEY=canary", "X-API-KEY=***"),
        ("externalId canary", "externalId ***"),
        ("A" * 60, "***"),
        ("two\nlines\x1b[31m", "two lines [31m"),
        ("", ""),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert redact(text, 200) == shown


@given(st.text(), st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", min_size=1))
def test_never_longer_never_more_lines_never_a_token(text: str, body: str) -> None:
    shown = redact(f"{text} eyJ{body}.{body}.canarysignature", 100)
    assert len(shown) <= 100
    assert "\n" not in shown
    assert "canarysignature" not in shown

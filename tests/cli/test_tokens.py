"""Where a command without a cluster finds a token, and that it never shows one."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.api.cases import GOOD
from zerotouch.api.zerotouch import QualysZeroTouchSpec
from zerotouch.cli.accounts import gateway, owner
from zerotouch.cli.doctoring import patient_in_file
from zerotouch.cli.exits import CommandError, Exit
from zerotouch.cli.source import Declared
from zerotouch.cli.tokens import given_token, need_source

BY_HAND = {"subscriptionTokenSecretRef": {"name": "qualys", "key": "token"}}
VARIABLES = ("ZEROTOUCH_SUBSCRIPTION_TOKEN", "ZEROTOUCH_QUALYS_USERNAME", "ZEROTOUCH_QUALYS_PASSWORD")


def jwt(name: str, lives: float = 3600.0) -> str:
    parts = ({"alg": "RS512"}, {"sub": name, "exp": int(time.time() + lives)})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "signature"])


def declared(
    auth: dict[str, Any] | None = None, secrets: dict[str, dict[str, bytes]] | None = None, **qualys: Any
) -> Declared:
    spec = {**GOOD["spec"], "qualys": {**GOOD["spec"]["qualys"], **({"auth": auth} if auth else {}), **qualys}}
    return Declared("production", "security", QualysZeroTouchSpec.model_validate(spec), secrets or {})


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "ZEROTOUCH_OWNER_ID", "ZEROTOUCH_ALLOWED_GATEWAYS"):
        monkeypatch.delenv(name, raising=False)


def test_what_is_given_more_explicitly_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, env, secret = (jwt(name) for name in ("file", "env", "secret"))
    (tmp_path / "token").write_text(file + "\n")
    known = declared(BY_HAND, {"qualys": {"token": secret.encode()}})

    def used(path: str | None = None) -> str:
        held = given_token(known, path)
        assert held is not None
        assert held.token.reveal() not in repr(held)
        return held.token.reveal()

    assert used() == secret
    monkeypatch.setenv("ZEROTOUCH_SUBSCRIPTION_TOKEN", env)
    assert used() == env
    assert used(str(tmp_path / "token")) == file


def test_no_token_is_no_error_before_one_is_needed() -> None:
    assert given_token(declared(BY_HAND), None) is None
    assert given_token(declared(), None) is None


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("", "is empty"),
        ("canary", "is no JWT"),
        (jwt("old", lives=-60.0), "expired at"),
        (jwt("new") + "\n", "ends in a newline"),
    ],
)
def test_a_token_that_cannot_be_used(value: str, says: str) -> None:
    with pytest.raises(CommandError) as caught:
        given_token(declared(BY_HAND, {"qualys": {"token": value.encode()}}), None)
    assert caught.value.status is Exit.TOKEN
    assert str(caught.value).startswith("Secret qualys, key token: the token ")
    assert says in str(caught.value)
    assert not value or value.strip() not in str(caught.value)


def test_what_else_is_told_of_missing_tokens() -> None:
    with pytest.raises(CommandError, match="Secret qualys has no key token"):
        given_token(declared(BY_HAND, {"qualys": {"other": b""}}), None)
    with pytest.raises(CommandError, match="/no/such: No such file"):
        given_token(declared(), "/no/such")


def test_credentials_to_mint_with(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="ZEROTOUCH_QUALYS_USERNAME and ZEROTOUCH_QUALYS_PASSWORD") as caught:
        need_source(declared())
    assert caught.value.status is Exit.TOKEN
    with pytest.raises(CommandError, match="a connection needs a subscription token: give --token-file"):
        need_source(declared(BY_HAND))
    with pytest.raises(CommandError, match="Secret qualys has no key password"):
        need_source(declared(secrets={"qualys": {"username": b"u"}}))
    found = need_source(declared(secrets={"qualys": {"username": b"u", "password": b"canary"}}))
    assert found is not None
    assert (found.username, found.password, "canary" in repr(found)) == ("u", "canary", False)
    monkeypatch.setenv("ZEROTOUCH_QUALYS_USERNAME", "env")
    monkeypatch.setenv("ZEROTOUCH_QUALYS_PASSWORD", "env")
    found = need_source(declared(secrets={"qualys": {"username": b"u", "password": b"p"}}))
    assert found is not None
    assert found.username == "env"


def test_the_mark_is_the_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    assert owner(declared()) == "default/security/production"
    monkeypatch.setenv("ZEROTOUCH_OWNER_ID", "blue")
    assert owner(declared()) == "blue/security/production"


def test_a_file_cannot_have_credentials_sent_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    private = declared(platform=None, gatewayURL="https://qualys.example")
    with pytest.raises(CommandError, match="neither a Qualys platform's nor allowed") as caught:
        gateway(private)
    assert caught.value.status is Exit.SETTINGS
    assert gateway(private, trusting=True) == "https://qualys.example"
    monkeypatch.setenv("ZEROTOUCH_ALLOWED_GATEWAYS", "https://qualys.example")
    assert gateway(private) == "https://qualys.example"


@pytest.mark.parametrize(("lives", "broken"), [(3600.0, False), (-60.0, True)])
def test_to_the_doctor_a_token_that_cannot_be_used_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lives: float, broken: bool
) -> None:
    file = tmp_path / "object.json"
    file.write_text(json.dumps(GOOD))
    monkeypatch.setenv("ZEROTOUCH_SUBSCRIPTION_TOKEN", jwt("env", lives=lives))
    token = patient_in_file(str(file), None, None).token
    assert (token.trouble is not None, token.expires_at is None, token.known) == (broken, broken, not broken)
    assert "expired at" in (token.trouble or "expired at")

"""The subscription token of a command that works without a cluster: given, from the file's Secret, or minted."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from zerotouch.cli.accounts import gateway
from zerotouch.cli.exits import CommandError, Exit
from zerotouch.cli.source import Declared
from zerotouch.qualys.tokens import SubscriptionToken, TokenInvalid, fingerprint, parse_token

# No secret: a token's signature is beyond guessing, so that the hash tells nothing of it. An operator has a key of its own.
_KEY: Final = b"zerotouch command line"


@dataclass(frozen=True)
class Held:
    """A token, and what stands for it in AWS."""

    token: SubscriptionToken = field(repr=False)
    fingerprint: str


@dataclass(frozen=True)
class Credentials:
    """Of a Qualys API user, to mint a token with."""

    username: str = field(repr=False)
    password: str = field(repr=False)


def given_token(declared: Declared, token_file: str | None) -> Held | None:
    """The token that somebody gave: in a file, in the environment, in the file's Secret. Raises CommandError."""
    ref = declared.spec.qualys.auth.subscription_token_secret_ref
    if token_file is not None:
        try:
            return _held(Path(token_file).read_bytes().rstrip(b"\r\n"), f"{token_file}: the token")
        except OSError as error:
            raise CommandError(Exit.NO_INPUT, f"{token_file}: {error.strerror or error}") from None
    if value := os.environ.get("ZEROTOUCH_SUBSCRIPTION_TOKEN"):
        return _held(value.encode(), "ZEROTOUCH_SUBSCRIPTION_TOKEN: the token")
    if ref is None or ref.name not in declared.secrets:
        return None
    where = f"Secret {ref.name}, key {ref.key}: the token"
    if ref.key not in declared.secrets[ref.name]:
        raise CommandError(Exit.TOKEN, f"Secret {ref.name} has no key {ref.key}: put the token there")
    return _held(declared.secrets[ref.name][ref.key], where)


def need_source(declared: Declared) -> Credentials | None:
    """What a token can be minted with; None where a person has to be asked for the token. Raises CommandError.

    Called before anybody is asked to confirm, so that nothing is confirmed in vain.
    """
    ref = declared.spec.qualys.auth.credentials_secret_ref
    env = (os.environ.get("ZEROTOUCH_QUALYS_USERNAME"), os.environ.get("ZEROTOUCH_QUALYS_PASSWORD"))
    if all(env):
        return Credentials(str(env[0]), str(env[1]))
    if ref is not None and ref.name in declared.secrets:
        return _of_secret(ref.name, declared.secrets[ref.name])
    if sys.stdin.isatty():
        return None
    how = "ZEROTOUCH_QUALYS_USERNAME and ZEROTOUCH_QUALYS_PASSWORD, " if ref is not None else ""
    text = f"a connection needs a subscription token: give --token-file, ZEROTOUCH_SUBSCRIPTION_TOKEN, {how}or"
    raise CommandError(Exit.TOKEN, f"{text} the Secret in the same file")


def obtain(declared: Declared, source: Credentials | None) -> Held:
    """Mint a token, or ask for one on the terminal. Raises CommandError."""
    if source is None:
        return _held(click.prompt("Qualys subscription token", hide_input=True, err=True).encode(), "the token")
    from zerotouch.qualys.client import GatewayClient
    from zerotouch.qualys.errors import GatewayError

    client = GatewayClient(gateway(declared), os.environ.get("ZEROTOUCH_GATEWAY_CA_FILE") or None)
    expiry = declared.spec.qualys.token.expiry
    try:
        token = asyncio.run(client.mint(source.username, source.password, expiry))
    except GatewayError as error:
        raise CommandError(Exit.TOKEN, str(error)) from None
    return Held(token, fingerprint(token.reveal(), _KEY))


def _held(value: bytes, where: str) -> Held:
    try:
        token = parse_token(value)
    except TokenInvalid as error:
        raise CommandError(Exit.TOKEN, f"{where} {error.problem}") from None
    if token.expires_at is not None and token.expired(datetime.now(UTC)):
        at = token.expires_at.isoformat(timespec="seconds")
        raise CommandError(Exit.TOKEN, f"{where} expired at {at}: get a new one")
    return Held(token, fingerprint(token.reveal(), _KEY))


def _of_secret(name: str, data: Mapping[str, bytes]) -> Credentials:
    missing = [key for key in ("username", "password") if not data.get(key)]
    if missing:
        raise CommandError(Exit.TOKEN, f"Secret {name} has no key {missing[0]}: it needs username and password")
    return Credentials(data["username"].decode(errors="replace"), data["password"].decode(errors="replace"))

"""Subscription tokens: what can be said of one without the key that signed it.

Qualys's CloudFormation template gives the shape, a JWT. EventBridge admits 512 characters for a header's value
(API reference, ConnectionHeaderParameter), so that longer tokens, which the template would admit, cannot be used.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

_SHAPE: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_BEARER: Final = "Bearer "
_LONGEST_HEADER: Final = 512
_FINGERPRINT_DIGITS: Final = 12


class TokenInvalid(ValueError):
    """A token that cannot be used. `problem` says why and what to do, without any of its content."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


class SubscriptionToken:
    """A token that hides its value from repr, str, pickle and JSON; `reveal` answers it."""

    __slots__ = ("__value", "expires_at")

    def __init__(self, value: str, expires_at: datetime | None) -> None:
        self.__value = value
        self.expires_at = expires_at

    def reveal(self) -> str:
        """The token itself, for the header of a connection and nothing else."""
        return self.__value

    def expired(self, now: datetime) -> bool:
        """Whether `exp` has passed; a token without `exp` never expires as far as we can tell."""
        return self.expires_at is not None and self.expires_at <= now

    def __repr__(self) -> str:
        return "SubscriptionToken(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a SubscriptionToken is not to be written anywhere")


def parse_token(raw: str | bytes) -> SubscriptionToken:
    """Check what can be checked. Raises TokenInvalid. The signature is not verified: only Qualys holds the key."""
    text = _text(raw)
    _check_text(text)
    payload = _check_jwt(text)
    return SubscriptionToken(text, _expiry(payload))


def fingerprint(token: str, key: bytes) -> str:
    """12 hex digits that stand for the token and tell nothing about it to whoever lacks the key."""
    return hmac.new(key, token.encode(), hashlib.sha256).hexdigest()[:_FINGERPRINT_DIGITS]


def _text(raw: str | bytes) -> str:
    if isinstance(raw, str):
        return raw
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError:
        raise TokenInvalid("holds bytes that no token has: store the token as plain text") from None


def _check_text(text: str) -> None:
    if not text.strip():
        raise TokenInvalid("is empty: store the subscription token there")
    if text.endswith(("\n", "\r")):
        raise TokenInvalid("ends in a newline: store the token without one, for example with printf %s")
    if text != "".join(text.split()):
        raise TokenInvalid("holds white space: store the token alone, without quotes or line breaks")
    if len(_BEARER) + len(text) > _LONGEST_HEADER:
        limit = _LONGEST_HEADER - len(_BEARER)
        raise TokenInvalid(
            f"is {len(text)} characters long; EventBridge admits {limit}: ask Qualys for a shorter token"
        )


def _check_jwt(text: str) -> dict[str, Any]:
    if not _SHAPE.fullmatch(text):
        raise TokenInvalid("is no JWT (three parts joined by dots): store what /qas/subscription-token answered")
    header, payload, _ = text.split(".")
    _object(header, "header")
    return _object(payload, "payload")


def _object(part: str, name: str) -> dict[str, Any]:
    try:
        decoded = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        decoded = None
    if not isinstance(decoded, dict):
        raise TokenInvalid(f"is no JWT (its {name} cannot be read): store what /qas/subscription-token answered")
    return decoded


def _expiry(payload: dict[str, Any]) -> datetime | None:
    exp = payload.get("exp")
    if exp is None:
        return None
    if isinstance(exp, bool) or not isinstance(exp, int | float):
        raise TokenInvalid("has an exp that is no number: ask Qualys for a new token")
    try:
        return datetime.fromtimestamp(exp, UTC)
    except (ValueError, OverflowError, OSError):
        raise TokenInvalid("has an exp that is no time: ask Qualys for a new token") from None

"""When a minted token is used, followed by a new one, or replaced. Pure: time is handed in."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from zerotouch.qualys.tokens import SubscriptionToken

# A mint that was begun this long ago, and whose token nobody kept, is lost.
MINT_TIMEOUT: Final = timedelta(seconds=60)


@dataclass(frozen=True)
class Minted:
    """A token that was minted. `source` stands for user, password and expiry asked for."""

    token: SubscriptionToken
    fingerprint: str
    gateway: str
    source: str
    minted_at: datetime


@dataclass(frozen=True)
class Kept:
    """What our Secret holds: the token in use, the one that follows it, and a mint that was begun."""

    current: Minted | None = None
    next: Minted | None = None
    mint_started_at: datetime | None = None
    rotate_handled: str | None = None
    version: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Asked:
    """What the object asks for. `rotate`: value of the annotation zerotouch.dev/rotateToken."""

    gateway: str
    source: str
    rotate_before: timedelta
    rotate: str | None = None


class Step(StrEnum):
    """What to do now."""

    USE = "use"
    MINT_CURRENT = "mint current"
    MINT_NEXT = "mint next"
    PROMOTE = "promote"
    WAIT = "wait"


def decide(kept: Kept, asked: Asked, carried: bool, now: datetime) -> Step:
    """`carried`: every account object carries the next token."""
    step = _decide(kept, asked, carried, now)
    minting = step in {Step.MINT_CURRENT, Step.MINT_NEXT}
    if minting and kept.mint_started_at is not None and now < kept.mint_started_at + MINT_TIMEOUT:
        return Step.WAIT
    return step


def _decide(kept: Kept, asked: Asked, carried: bool, now: datetime) -> Step:
    current, following = usable(kept.current, asked.gateway, now), usable(kept.next, asked.gateway, now)
    if current is None:
        return Step.PROMOTE if following is not None else Step.MINT_CURRENT
    wanted_now = asked.rotate is not None and asked.rotate != kept.rotate_handled
    if following is not None and following.source == asked.source and not wanted_now:
        return Step.PROMOTE if carried else Step.USE
    if following is None and current.source == asked.source and not wanted_now and now < rotation_due(current, asked):
        return Step.USE
    return Step.MINT_NEXT


def usable(minted: Minted | None, gateway: str, now: datetime) -> Minted | None:
    """The token, unless it has expired or was minted by another gateway, which alone knows it."""
    if minted is None or minted.gateway != gateway or minted.token.expired(now):
        return None
    return minted


def rotation_due(minted: Minted, asked: Asked) -> datetime:
    """`rotateBefore` ahead of the token's own `exp`, but never before two thirds of its life are over.

    Otherwise a token that lives for less than `rotateBefore` would be rotated again and again.
    """
    expires = minted.token.expires_at
    if expires is None:
        return datetime.max.replace(tzinfo=minted.minted_at.tzinfo)
    ahead = min(asked.rotate_before, (expires - minted.minted_at) / 3)
    return expires - ahead

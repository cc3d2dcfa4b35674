"""When a minted token is used, followed by a new one, or replaced. Pure: time is handed in."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from zerotouch.qualys.tokens import SubscriptionToken

# A mint that was begun this long ago, and whose token nobody kept, is lost.
MINT_TIMEOUT: Final = timedelta(seconds=90)
# A gateway that refuses every token must not be asked for ever more of them: the first one that it refuses is followed
# at once, the second a day later, and after the third a person is needed, or a week.
REFUSALS_AT_ONCE: Final = 1
MOST_REFUSALS: Final = 3
REFUSAL_PAUSE: Final = timedelta(hours=24)
REFUSALS_FORGOTTEN: Final = timedelta(days=7)


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
    """What our Secret holds: the token in use, the one that follows it, and a mint that was begun.

    `refused`: fingerprints of the tokens that Qualys refused one after the other, the last of them seen at `refused_at`.
    """

    current: Minted | None = None
    next: Minted | None = None
    mint_started_at: datetime | None = None
    rotate_handled: str | None = None
    refused: tuple[str, ...] = ()
    refused_at: datetime | None = None
    version: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Asked:
    """What the object asks for. `rotate`: value of the annotation zerotouch.dev/rotateToken.

    `source`: as of `Minted`; None where the credentials cannot be read, which asks for nothing.
    """

    gateway: str
    source: str | None
    rotate_before: timedelta
    rotate: str | None = None


class Step(StrEnum):
    """What to do now. DROP: go back from the next token to the one in use. REFUSED: nothing may be minted for now."""

    USE = "use"
    MINT_CURRENT = "mint current"
    MINT_NEXT = "mint next"
    PROMOTE = "promote"
    DROP = "drop"
    WAIT = "wait"
    REFUSED = "refused"


def decide(kept: Kept, asked: Asked, carried: bool, refused: frozenset[str], now: datetime) -> Step:
    """`carried`: every target carries the next token. `refused`: the tokens that some target tells to be refused."""
    step = _decide(kept, asked, carried, refused, now)
    minting = step in {Step.MINT_CURRENT, Step.MINT_NEXT}
    if minting and kept.mint_started_at is not None and now < kept.mint_started_at + MINT_TIMEOUT:
        return Step.WAIT
    return step


def _decide(kept: Kept, asked: Asked, carried: bool, refused: frozenset[str], now: datetime) -> Step:
    current, following = usable(kept.current, asked.gateway, now), usable(kept.next, asked.gateway, now)
    may_mint = asked_for(kept, asked, now) or now >= mint_again_at(kept, now)
    if current is None:
        if following is not None:
            return Step.PROMOTE
        return Step.MINT_CURRENT if may_mint else Step.REFUSED
    if asked_for(kept, asked, now):
        return Step.MINT_NEXT
    if following is None:
        wanted = current.fingerprint in refused or now >= rotation_due(current, asked)
        return Step.MINT_NEXT if wanted and may_mint else Step.USE
    if following.fingerprint in refused:
        if may_mint:
            return Step.MINT_NEXT
        return Step.USE if current.fingerprint in refused else Step.DROP
    # One that is due itself has waited long enough for targets that cannot be reached.
    return Step.PROMOTE if carried or now >= rotation_due(following, asked) else Step.USE


def asked_for(kept: Kept, asked: Asked, now: datetime) -> bool:
    """Whether a person wants another token than the newest: by annotation, other credentials, or another gateway."""
    minted = [m for m in (kept.next, kept.current) if m is not None]
    if not minted:
        return False
    if asked.rotate is not None and asked.rotate != kept.rotate_handled:
        return True
    ours = [m for m in minted if m.gateway == asked.gateway]
    newest = next((m for m in ours if usable(m, asked.gateway, now)), ours[0] if ours else None)
    return newest is None or (asked.source is not None and newest.source != asked.source)


def note_refused(kept: Kept, refused: frozenset[str], now: datetime) -> Kept:
    """Count each of our tokens that is refused once."""
    ours = {minted.fingerprint for minted in (kept.current, kept.next) if minted is not None}
    new = tuple(sorted((refused & ours) - set(kept.refused)))
    if not new:
        return kept
    return replace(kept, refused=(*_in_a_row(kept, now), *new), refused_at=now)


def mint_again_at(kept: Kept, now: datetime) -> datetime:
    """From when on a token may be minted that no person asked for."""
    in_a_row = len(_in_a_row(kept, now))
    if in_a_row <= REFUSALS_AT_ONCE or kept.refused_at is None:
        return now
    return kept.refused_at + (REFUSAL_PAUSE if in_a_row < MOST_REFUSALS else REFUSALS_FORGOTTEN)


def _in_a_row(kept: Kept, now: datetime) -> tuple[str, ...]:
    return kept.refused if kept.refused_at is not None and now < kept.refused_at + REFUSALS_FORGOTTEN else ()


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

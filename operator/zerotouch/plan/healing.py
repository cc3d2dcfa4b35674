"""A connection that was de-authorized: whether to authorize it again now, and whether its token is refused. Pure.

EventBridge de-authorizes an API_KEY connection when the endpoint answers 401 or 407, and goes on trying the event that
met it (user guide, "De-authorizing connections", "API destinations"). So a connection with a refused token is
de-authorized again soon after it was healed, by that very event. A person who de-authorizes it takes its parameters
away (API reference, DeauthorizeConnection), which tells nothing of the token.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from zerotouch.api.token import Healing

# De-authorized again within this time after it was healed, it was its token.
_SOON: Final = timedelta(hours=1)
# Authorized for so long, it is well, and what was before is forgotten.
_WELL_AFTER: Final = timedelta(hours=24)
_LONGEST_WAIT: Final = timedelta(hours=6)
# One 401 may be the gateway's own trouble; the same again after two healings is the token.
_REFUSED_AFTER: Final = 2


@dataclass(frozen=True)
class Decision:
    """`heal`: authorize it now. `healing`: what to remember, once that was done. `next_at`: when it is tried again."""

    heal: bool
    healing: Healing
    next_at: datetime


def decide_healing(
    before: Healing | None,
    token: str,
    by_person: bool,
    lost_at: datetime,
    interval: timedelta,
    now: datetime,
) -> Decision:
    """For a connection that is de-authorized since `lost_at`, as far as known. `token`: the one that it is to carry.

    | before | answer |
    |---|---|
    | nothing, another token, or authorized for a day | heal |
    | healed less than `interval` ago, doubled with each time, at most 6 hours | wait; a refusal is counted once |
    | healed longer ago | heal, count it |
    """
    if before is None or before.token != token or (before.lost_at or lost_at) - before.at >= _WELL_AFTER:
        return _heal(Healing(token=token, times=1, at=now), interval)
    seen = before
    if before.lost_at is None:
        refused = not by_person and lost_at - before.at <= _SOON
        seen = before.model_copy(update={"lost_at": lost_at, "refusals": before.refusals + refused})
    if now < next_try(seen, interval):
        return Decision(False, seen, next_try(seen, interval))
    return _heal(seen.model_copy(update={"times": seen.times + 1, "at": now, "lost_at": None}), interval)


def next_try(healing: Healing, interval: timedelta) -> datetime:
    """When it may be authorized again if it is de-authorized once more."""
    return healing.at + min(_LONGEST_WAIT, interval * 2.0 ** min(healing.times - 1, 16))


def still_remembered(before: Healing | None, token: str | None, now: datetime) -> Healing | None:
    """What is left to remember of an authorized connection that carries `token`."""
    if before is None or before.token != token or now - before.at >= _WELL_AFTER:
        return None
    return before.model_copy(update={"lost_at": None})


def is_refused(healing: Healing | None) -> bool:
    """Whether Qualys refuses the token, as far as can be inferred."""
    return healing is not None and healing.refusals >= _REFUSED_AFTER


def _heal(healing: Healing, interval: timedelta) -> Decision:
    return Decision(True, healing, next_try(healing, interval))

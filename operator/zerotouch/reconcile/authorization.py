"""The connection of one scope during a pass: whether it may be authorized again now, and what to remember of that."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from zerotouch.api.conditions import Reason
from zerotouch.api.token import Healing
from zerotouch.api.types import parse_duration
from zerotouch.aws.errors import Retry
from zerotouch.desired.context import Context
from zerotouch.plan.healing import Decision, decide_healing, is_refused, still_remembered
from zerotouch.plan.ownership import Ownership
from zerotouch.reconcile.report import Problem
from zerotouch.resources.base import Authorization, Observed

# AWS may stamp a write of ours once more; a later modification is the de-authorization itself.
_SETTLES_WITHIN = timedelta(minutes=2)


def utc_now() -> datetime:
    """To the second, as statuses hold times."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class Remembered:
    """What the last pass left in the status of this scope.

    `hash`: of the desired state. `field_hashes`: kind → those of its fields as it was last made right.
    `version`: of the connection. `token`: the fingerprint of what it carried.
    """

    hash: str | None = None
    version: str | None = None
    token: str | None = None
    healing: Healing | None = None
    field_hashes: Mapping[str, str] = field(default_factory=dict)


class Authorizing:
    """Make one for a pass over a scope."""

    def __init__(self, context: Context, before: Remembered, now: datetime) -> None:
        self._context, self._before, self._now = context, before, now
        self._decision: Decision | None = None
        self._healed = False

    def problem(self, authorization: Authorization | None) -> Problem | None:
        """Why a de-authorized connection is left so for now; None where it may be written."""
        token = self._context.spec.token_fingerprint
        if authorization is None or not authorization.lost or token is None:
            return None
        interval = parse_duration(self._context.spec.interval)
        self._decision = decide_healing(
            self._before.healing, token, authorization.by_person, self._lost_at(authorization), interval, self._now
        )
        return None if self._decision.heal else _told(self._decision)

    def healed(self) -> None:
        """It was written, and is authorized."""
        self._healed = self._decision is not None

    def token(self, seen: Iterable[Observed], failed: bool) -> str | None:
        """Fingerprint of the token that the connection carries; what was known, where it could not be looked at."""
        held = _held(seen)
        if held is None:
            return self._before.token if failed else None
        return held.token

    def healing(self, seen: Iterable[Observed], failed: bool) -> Healing | None:
        """What is to be remembered."""
        if self._decision is not None:
            return self._decision.healing if self._healed or not self._decision.heal else self._before.healing
        held = _held(seen)
        if held is None or held.lost:
            return self._before.healing if failed or held is not None else None
        return still_remembered(self._before.healing, held.token, self._now)

    def _lost_at(self, authorization: Authorization) -> datetime:
        before = self._before.healing
        if before is not None and authorization.modified_at > before.at + _SETTLES_WITHIN:
            return min(authorization.modified_at.replace(microsecond=0), self._now)
        return self._now


def _held(seen: Iterable[Observed]) -> Authorization | None:
    return next((o.authorization for o in seen if o.authorization and o.ownership is Ownership.OURS), None)


def _told(decision: Decision) -> Problem:
    healing, again = decision.healing, decision.next_at.isoformat(timespec="seconds")
    since = (healing.lost_at or healing.at).isoformat(timespec="seconds")
    if is_refused(healing):
        text = (
            f"Qualys refuses token {healing.token}: EventBridge de-authorized the connection {healing.refusals} times "
            f"within an hour of its being authorized, last at {since}"
        )
        return Problem(Reason.TOKEN_REFUSED, f"{text}; it is tried again at {again}", Retry.PERSON)
    text = f"the connection was de-authorized again at {since}, after it had been authorized {healing.times} times"
    return Problem(Reason.CONNECTION_DEAUTHORIZED, f"{text}; the next time is {again}", Retry.PERSON)

"""What a parent's status says of its token: which one is in use, who still carries another, who refuses it. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from zerotouch.api.conditions import Condition, Reason
from zerotouch.api.zerotouch import QualysZeroTouchStatus, TokenStatus
from zerotouch.controller.conditions import condition, make
from zerotouch.controller.index import AccountRecord, Carrier
from zerotouch.controller.rollout import behind_targets, refused_by
from zerotouch.controller.tokens import TokenResult
from zerotouch.plan.render import some

_MOST_TARGETS: Final = 10
_MOST_NAMED: Final = 5
# Waves double and take minutes each: a thousand accounts are done within an hour.
_STUCK_AFTER: Final = timedelta(hours=2)

Target = tuple[AccountRecord, Carrier]


@dataclass(frozen=True)
class TokenView:
    """The token's part of a parent's status."""

    status: TokenStatus | None = None
    conditions: Sequence[Condition] = ()


def token_view(
    result: TokenResult,
    records: Sequence[AccountRecord],
    trial: timedelta,
    before: QualysZeroTouchStatus,
    generation: int,
    now: datetime,
) -> TokenView:
    """`records`: of the declared accounts. `trial`: how long the first target carries a new token alone. `before`: the status."""
    previous = before.conditions
    behind = list(behind_targets(records, result.target)) if result.target and not result.observing else []
    conditions = [_current(result, records, previous, generation, now)]
    if not result.observing:
        failing = [(r, c) for r in records for c in r.view.carriers if c.token == result.target and c.failing]
        conditions.append(_rolled_out(result, behind, failing, trial, previous, generation, now))
    return TokenView(_status(result, behind, before.token), conditions)


def _status(result: TokenResult, behind: list[Target], before: TokenStatus | None) -> TokenStatus | None:
    if result.current is None:
        # The targets carry it all the same, and its expiry is what somebody has to be told of.
        return before and TokenStatus(fingerprint=before.fingerprint, expires_at=before.expires_at)
    return TokenStatus(
        fingerprint=result.current.fingerprint,
        expires_at=result.current.token.expires_at,
        next=result.next.fingerprint if result.next else None,
        behind=len(behind) or None,
        behind_targets=[_name(target) for target in behind[:_MOST_TARGETS]],
    )


def _current(
    result: TokenResult, records: Sequence[AccountRecord], previous: Sequence[Condition], generation: int, now: datetime
) -> Condition:
    refusing = [target for target in refused_by(records) if target[1].token == result.target]
    if refusing:
        text = f"Qualys refuses token {result.target} in {_names(refusing)}: {_advice(result)}"
        return make("TokenCurrent", "False", Reason.TOKEN_REFUSED, text, previous, generation, now)
    if result.expiring is not None:
        return make("TokenCurrent", "False", Reason.TOKEN_EXPIRING, result.expiring, previous, generation, now)
    if result.current is None and result.problem is not None:
        problem = result.problem
        return make("TokenCurrent", "False", problem.reason, problem.message, previous, generation, now)
    return make("TokenCurrent", "True", Reason.SUCCEEDED, _remark(result), previous, generation, now)


def _remark(result: TokenResult) -> str:
    if result.asked_in_vain:
        return "zerotouch.dev/rotateToken does nothing for a token made by hand: to rotate it, store a new one in its Secret"
    if result.current is None or result.current.token.expires_at is not None:
        return ""
    how = "it is rotated only when asked for" if result.minted else "nothing can warn ahead of its expiry"
    return f"the subscription token has no exp: {how}"


def _advice(result: TokenResult) -> str:
    if not result.minted:
        return "store a new one in its Secret"
    if result.mint_again_at is None:
        return "a new one is minted"
    at = result.mint_again_at.isoformat(timespec="seconds")
    return (
        f"so it did with those before; the next one is minted at {at}. Check at Qualys that the subscription has "
        "zero-touch scans enabled and that the user may have tokens, then annotate zerotouch.dev/rotateToken"
    )


def _rolled_out(
    result: TokenResult,
    behind: list[Target],
    failing: list[Target],
    trial: timedelta,
    previous: Sequence[Condition],
    generation: int,
    now: datetime,
) -> Condition:
    if not behind:
        return make("TokenRolledOut", "True", Reason.SUCCEEDED, "", previous, generation, now)
    before = condition(previous, "TokenRolledOut")
    since = before.last_transition_time if before is not None and before.status == "False" else now
    stuck = now - since > _STUCK_AFTER + trial
    text = f"token {result.target} is being rolled out; another one is carried by {_names(behind)}"
    if failing:
        text += f"; deliveries with the new one fail in {_names(failing)}: see Delivering there"
    if stuck:
        text += _expiry(result, now)
    reason = Reason.TOKEN_ROLLOUT_STUCK if stuck else Reason.PROGRESSING
    return make("TokenRolledOut", "False", reason, text, previous, generation, now)


def _expiry(result: TokenResult, now: datetime) -> str:
    """What becomes of those that cannot be reached."""
    expires = result.current.token.expires_at if result.next is not None and result.current is not None else None
    if expires is None or expires <= now:
        return ". Their conditions say why they do not get the new one"
    at = expires.isoformat(timespec="seconds")
    return f". Their conditions say why they do not get the new one; the old one expires at {at}"


def _names(targets: Iterable[Target]) -> str:
    return some([_name(target) for target in targets], _MOST_NAMED, ", ")


def _name(target: Target) -> str:
    record, carrier = target
    return f"{record.account_id}/{carrier.region}"

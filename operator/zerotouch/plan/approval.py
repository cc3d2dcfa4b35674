"""A plan's hash, and what an approval lets through. Pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum, auto
from typing import Any, Final

from zerotouch.api.approval import Approval, ApprovalState
from zerotouch.desired.values import UNKNOWN
from zerotouch.plan.change import Change

_DIGITS: Final = 16


class Answer(Enum):
    """What to do about an approval."""

    NOTHING = auto()
    FORGET = auto()
    APPLY = auto()
    APPLIED = auto()
    REFUSE = auto()


def plan_hash(changes: Iterable[Change]) -> str | None:
    """Stands for everything that a plan would change and for what it found; None where nothing is to be changed.

    External ids count, and cannot be read back from it; tokens are in no plan.
    """
    return _hash(sorted(json.dumps(_canonical(change), sort_keys=True, default=repr) for change in changes))


def hash_of_plans(plans: Mapping[str, str | None]) -> str | None:
    """That of a parent: `plans` are its accounts' by name."""
    return _hash(sorted(f"{name} {plan}" for name, plan in plans.items() if plan is not None))


def decide_approval(asked: str | None, plan: str | None, known: Approval | None) -> Answer:
    """The truth table. `asked`: the annotation. `plan`: the present plan's hash. `known`: the last answer.

    | annotation | answered before | is it the plan? | answer |
    |---|---|---|---|
    | none | - | - | forget |
    | there | no, or another | yes | apply |
    | there | no, or another | no | refuse |
    | there | applying: we were killed | yes: nothing was written | apply |
    | there | applying: we were killed | nothing is left to change | it was applied |
    | there | applying: we were killed | no: what is left, or the world, is another | refuse |
    | there | applied, failed, refused | - | nothing: once is enough |

    After the hash the annotation may say anything behind a slash, which makes another approval of it.
    """
    if asked is None:
        return Answer.FORGET
    begun = known is not None and known.plan == asked
    if begun and known is not None and known.state is not ApprovalState.APPLYING:
        return Answer.NOTHING
    if begun and plan is None:
        return Answer.APPLIED
    return Answer.APPLY if asked.partition("/")[0] == plan else Answer.REFUSE


def passed_over(asked: str | None, known: Approval | None, now: datetime) -> Approval | None:
    """What is remembered of approvals in mode Enforce, in which they mean nothing: whatever stands there is spent.

    Else an old one would let mode Observe write, should the world ever come back to what was approved.
    """
    if asked is None:
        return None
    if known is not None and known.plan == asked and known.state is not ApprovalState.APPLYING:
        return known
    return Approval(plan=asked, state=ApprovalState.REFUSED, at=now)


def annotation_for(plan: str, known: Approval | None) -> str:
    """What the annotation has to say to have this plan applied: something else than what was answered already."""
    spent, _, number = (known.plan if known else "").partition("/")
    if spent != plan:
        return plan
    return f"{plan}/{int(number) + 1 if number.isdecimal() else 2}"


def covers(approved: Iterable[Change], change: Change) -> bool:
    """Whether a change, as it is about to be made, is one of those that were approved.

    What AWS had not chosen yet when the plan was made may have any value now.
    """
    now = _canonical(change)
    return any(_matches(_canonical(one), now) for one in approved if one.resource == change.resource)


def _canonical(change: Change) -> dict[str, Any]:
    resource = change.resource
    return {
        "resource": [resource.region, resource.kind, resource.name],
        "action": change.action.value,
        "differences": {d.path: [d.wanted, d.found] for d in change.differences},
        "content": change.content,
    }


def _matches(approved: Any, now: Any) -> bool:
    if approved is UNKNOWN:
        return True
    if isinstance(approved, Mapping) and isinstance(now, Mapping):
        # What has become known may equal what was found, and is no difference then.
        lacking = (v for k, v in approved.items() if k not in now)
        return now.keys() <= approved.keys() and all(_open(v) for v in lacking) and _all(approved, now)
    if isinstance(approved, list | tuple) and isinstance(now, list | tuple):
        return len(approved) == len(now) and all(_matches(a, n) for a, n in zip(approved, now, strict=True))
    return bool(approved == now)


def _all(approved: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    return all(_matches(approved[key], value) for key, value in now.items())


def _open(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and value[0] is UNKNOWN


def _hash(parts: list[str]) -> str | None:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_DIGITS] if parts else None

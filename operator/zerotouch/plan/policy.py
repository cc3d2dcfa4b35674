"""What of a change is made, and what is only told. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from zerotouch.api.drift import DriftAction, DriftPolicy, DriftRule, Left, Repair
from zerotouch.desired.values import UNKNOWN
from zerotouch.plan.approval import covers
from zerotouch.plan.change import EXISTS, Change, Difference, ResourceID
from zerotouch.plan.fighting import Field, field_of, fought
from zerotouch.plan.render import show_values

Told = tuple[ResourceID, str, str]
"""A difference that was told before: resource, path, and the wanted value as it was shown."""


@dataclass(frozen=True)
class Judge:
    """`held`: fields that others keep changing, left alone for now. `told`: what was only told after the last pass.

    `approved`: the plan that a person approved; then that is made and nothing else.
    """

    policy: DriftPolicy = field(default_factory=DriftPolicy)
    held: Mapping[Field, Repair] = field(default_factory=dict)
    told: frozenset[Told] = frozenset()
    approved: tuple[Change, ...] | None = None

    def left(self, resource: ResourceID, difference: Difference, is_drift: bool) -> Left | None:
        """Why a difference is left as it is; None where it is mended. `is_drift`: it was declared so before.

        Where it is declared anew, what is left is what was only told already and is still wanted so.
        """
        if not is_drift and (resource, difference.path, show_values(difference)[0]) not in self.told:
            return None
        if action_for(self.policy, resource.kind, difference.path) is DriftAction.REPORT:
            return Left.REPORTED
        if is_drift and fought(self.held, field_of(resource, difference)):
            return Left.FIGHTING
        return None

    def split(
        self, change: Change, is_drift: Callable[[ResourceID, Difference], bool]
    ) -> tuple[tuple[Difference, ...], list[tuple[Difference, Left]]]:
        """(what is made, what is left and why)."""
        if self.approved is not None:
            if covers(self.approved, change):
                return change.differences, []
            return (), [(d, Left.OBSERVED) for d in change.differences]
        verdicts = [(d, self.left(change.resource, d, is_drift(change.resource, d))) for d in change.differences]
        return tuple(d for d, why in verdicts if why is None), [(d, why) for d, why in verdicts if why is not None]


def action_for(policy: DriftPolicy, kind: str, path: str) -> DriftAction:
    """The first rule that matches decides. Elements of a list are not told apart."""
    whole = path.partition("[")[0]
    return next((rule.action for rule in policy.rules if _matches(rule, kind, whole)), policy.default)


def keep_found(wanted: Any, found: Any, path: str) -> Any:
    """`wanted`, but with what was found at the path, up to its first bracket; for writes that replace everything."""
    return _kept(wanted, found, path.partition("[")[0])


def waits_for_others(difference: Difference) -> bool:
    """Whether it refers to something that does not exist."""
    return difference.path != EXISTS and difference.wanted is UNKNOWN


def _matches(rule: DriftRule, kind: str, path: str) -> bool:
    if rule.kind is not None and rule.kind != kind:
        return False
    return rule.field is None or path == rule.field or path.startswith(f"{rule.field}.")


def _kept(wanted: Any, found: Any, path: str) -> Any:
    if not path:
        return found
    ours = wanted if isinstance(wanted, Mapping) else {}
    theirs = found if isinstance(found, Mapping) else {}
    # A key may hold dots, as tags do: the longest that fits.
    fits = [key for key in ours.keys() | theirs.keys() if path == key or path.startswith(f"{key}.")]
    if not fits:
        return wanted
    key = max(fits, key=len)
    inner = _kept(ours.get(key), theirs.get(key), path[len(key) + 1 :])
    return {
        **{k: v for k, v in ours.items() if k != key},
        **({} if inner is None and key not in ours else {key: inner}),
    }

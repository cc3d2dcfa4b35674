"""What is mended and what is only told, as tables."""

from datetime import UTC, datetime
from typing import Any

import pytest

from zerotouch.api.drift import DriftAction, DriftPolicy, DriftRule, Left, Repair, ResourceKind
from zerotouch.plan.change import Action, Change, Difference, ResourceID
from zerotouch.plan.policy import Judge, action_for, keep_found
from zerotouch.resources.registry import ACCOUNT_KINDS, REGION_KINDS

RULE = ResourceID("Rule", "us-east-1", "qualys-zerotouch")
STATE = Difference("state", "ENABLED", "DISABLED")
TAGS = Difference("tags.team", "secops", "x")
MEND, REPORT = DriftAction.MEND, DriftAction.REPORT


def policy(*rules: tuple[str | None, str | None, DriftAction], default: DriftAction = MEND) -> DriftPolicy:
    made = [DriftRule(kind=ResourceKind(k) if k else None, field=f, action=a) for k, f, a in rules]
    return DriftPolicy(default=default, rules=made)


def test_every_kind_can_be_named() -> None:
    assert {kind.value for kind in ResourceKind} == {kind.name for kind in (*ACCOUNT_KINDS, *REGION_KINDS)}


@pytest.mark.parametrize(
    ("given", "kind", "path", "action"),
    [
        (policy(), "Rule", "state", MEND),
        (policy(default=REPORT), "Rule", "state", REPORT),
        (policy(("Rule", None, REPORT)), "Rule", "exists", REPORT),
        (policy(("Rule", None, REPORT)), "Connection", "state", MEND),
        (policy((None, "tags", REPORT)), "Rule", "tags.zerotouch.dev/x", REPORT),
        (policy((None, "tags", REPORT)), "Rule", "tagsets", MEND),
        (policy(("Rule", "targets.qualys", REPORT)), "Rule", "targets.qualys.RetryPolicy.x", REPORT),
        (policy(("Rule", "targets.qualys", REPORT)), "Rule", "targets.spy", MEND),
        (policy(("Rule", "state", MEND), ("Rule", None, REPORT)), "Rule", "state", MEND),
        (policy(("Rule", "state", MEND), ("Rule", None, REPORT)), "Rule", "role", REPORT),
        (policy((None, "trust.Statement", REPORT)), "ExecutionRole", "trust.Statement[0].Action", REPORT),
        (policy((None, "attachedPolicies", REPORT)), "ExecutionRole", "attachedPolicies[]", REPORT),
    ],
)
def test_the_first_rule_that_matches_decides(given: DriftPolicy, kind: str, path: str, action: DriftAction) -> None:
    assert action_for(given, kind, path) is action


AT = datetime(2026, 1, 1, tzinfo=UTC)
FIGHT = Repair(region="us-east-1", kind="Rule", name=RULE.name, field="state", count=4, since=AT, last=AT)
HELD = {("us-east-1", "Rule", RULE.name, "state"): FIGHT}
TOLD = frozenset({(RULE, "state", "ENABLED")})
REPORTING = policy((None, "state", REPORT))


@pytest.mark.parametrize(
    ("judge", "is_drift", "left"),
    [
        (Judge(), True, None),
        (Judge(REPORTING), True, Left.REPORTED),
        # Never right yet, or declared anew.
        (Judge(REPORTING), False, None),
        (Judge(REPORTING, told=TOLD), False, Left.REPORTED),
        (Judge(REPORTING, told=frozenset({(RULE, "state", "DISABLED")})), False, None),
        (Judge(told=TOLD), False, None),
        (Judge(held=HELD), True, Left.FIGHTING),
        (Judge(held=HELD), False, None),
        (Judge(REPORTING, HELD), True, Left.REPORTED),
    ],
)
def test_what_is_left(judge: Judge, is_drift: bool, left: Left | None) -> None:
    assert judge.left(RULE, STATE, is_drift) is left


def test_a_change_is_split() -> None:
    made, left = Judge(REPORTING).split(Change(RULE, Action.UPDATE, (STATE, TAGS)), lambda *_: True)
    assert (made, left) == ((TAGS,), [(STATE, Left.REPORTED)])


def test_what_is_declared_anew_is_made_and_the_rest_left_as_the_policy_says() -> None:
    everything = Judge(policy(default=REPORT))
    made, left = everything.split(Change(RULE, Action.UPDATE, (STATE, TAGS)), lambda _, d: d.path == "state")
    assert (made, left) == ((TAGS,), [(STATE, Left.REPORTED)])


@pytest.mark.parametrize(
    ("wanted", "found", "path", "kept"),
    [
        ({"a": 1, "b": 2}, {"a": 3, "b": 4}, "a", {"a": 3, "b": 2}),
        ({"a": {"x": 1, "y": 1}}, {"a": {"x": 2, "y": 2}}, "a.x", {"a": {"x": 2, "y": 1}}),
        ({"a": {}}, {"a": {"spy": 1}}, "a.spy", {"a": {"spy": 1}}),
        ({"a": {"x": 1}}, {"a": {}}, "a.x", {"a": {"x": None}}),
        ({"t": {"z.dev/a": 1}}, {"t": {"z.dev/a": 2}}, "t.z.dev/a", {"t": {"z.dev/a": 2}}),
        ({"a": [{"x": 1}]}, {"a": [{"x": 1}, {"x": 2}]}, "a[1]", {"a": [{"x": 1}, {"x": 2}]}),
        ({"a": 1}, {"a": 2}, "secretValues", {"a": 1}),
    ],
)
def test_what_is_only_told_is_written_as_it_was_found(wanted: Any, found: Any, path: str, kept: Any) -> None:
    assert keep_found(wanted, found, path) == kept

"""Which differences are drift while something else is declared anew, as tables."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotouch.plan.change import EXISTS, Difference
from zerotouch.plan.declared import declared_before, field_hashes
from zerotouch.plan.diff import diff

RULE: dict[str, Any] = {
    "state": "ENABLED",
    "role": None,
    "tags": {"team": "secops"},
    "eventPattern": {"region": ["eu-west-1"], "detail": {"state": ["running"]}},
    "targets": {"qualys": {"Arn": "arn", "DeadLetterConfig": {"Arn": "queue"}}},
    "trust": {"Statement": [{"Effect": "Allow", "Resource": ["a"]}]},
}
ROUTED = {"qualys": {"Arn": "bus", "DeadLetterConfig": {"Arn": "queue"}}}
NO_LETTERS = {"qualys": {"Arn": "arn", "DeadLetterConfig": None}}


def drifted(before: Mapping[str, Any], wanted: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, bool]:
    return {d.path: declared_before(field_hashes(before), wanted, d) for d in diff(wanted, found)}


@pytest.mark.parametrize(
    ("declared", "found", "drift"),
    [
        # Nothing else than drift; nothing else than another declaration.
        ({}, {"state": "DISABLED"}, {"state": True}),
        ({"tags": {"team": "platform"}}, {}, {"tags.team": False}),
        ({"state": "DISABLED"}, {}, {"state": False}),
        # Both, in fields of their own.
        (
            {"tags": {"team": "platform"}},
            {"state": "DISABLED", "role": "arn", "targets": {**RULE["targets"], "spy": {"Arn": "x"}}},
            {"tags.team": False, "state": True, "role": True, "targets.spy": True},
        ),
        # Both in one field: only what was never declared is told apart.
        ({"tags": {"team": "platform"}}, {"tags": {"team": "secops", "x": "1"}}, {"tags.team": False, "tags.x": True}),
        ({"tags": {"team": "platform"}}, {"tags": {"team": "red"}}, {"tags.team": False}),
        (
            {"targets": ROUTED},
            {"targets": {**RULE["targets"], "spy": {"Arn": "x"}}},
            {"targets.qualys.Arn": False, "targets.spy": True},
        ),
        # What is no longer declared was not added by others.
        ({"tags": {}}, {}, {"tags.team": False}),
        ({"tags": {"x": "1"}}, {"tags": {"team": "secops"}}, {"tags.team": False, "tags.x": False}),
        ({"targets": NO_LETTERS}, {}, {"targets.qualys.DeadLetterConfig": False}),
        ({"tags": None}, {}, {"tags": False}),
        # In lists an old element looks like an added one.
        (
            {"trust": {"Statement": [{"Effect": "Allow", "Resource": ["b"]}]}},
            {"trust": {"Statement": [*RULE["trust"]["Statement"], {"Effect": "Deny"}]}},
            {"trust.Statement[0].Resource": False, "trust.Statement[1]": False},
        ),
        # What no declaration has as a field, such as secret values.
        ({"tags": {"team": "platform"}}, {"secretValues": "x"}, {"tags.team": False, "secretValues": True}),
        ({"another": 1}, {"secretValues": "x"}, {"another": False, "secretValues": False}),
    ],
)
def test_what_was_declared_before_and_differs_drifted(
    declared: dict[str, Any], found: dict[str, Any], drift: dict[str, bool]
) -> None:
    assert drifted(RULE, {**RULE, **declared}, {**RULE, **found}) == drift


def test_what_is_gone_or_no_longer_declared() -> None:
    known = field_hashes(RULE)
    assert declared_before(known, {**RULE, "state": "DISABLED"}, Difference(EXISTS, True, False))
    assert not declared_before(known, None, Difference(EXISTS, False, True))


def test_the_hashes_of_a_form_with_other_fields_know_only_those_that_are_the_same() -> None:
    known = field_hashes({"state": "ENABLED", "old": 1})
    wanted = {"state": "ENABLED", "new": 1}
    assert declared_before(known, wanted, Difference("state", "ENABLED", "DISABLED"))
    assert not declared_before(known, wanted, Difference("new", 1, None))


def test_they_are_short() -> None:
    assert len(field_hashes(RULE)) == 4 * (len(RULE) + 4 + 1)


TREES = st.recursive(
    st.none() | st.booleans() | st.text("ab", max_size=2),
    lambda inner: st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3),
    max_leaves=8,
)
FORMS = st.dictionaries(st.text("fg", min_size=1, max_size=2), TREES, max_size=4)


@given(FORMS, FORMS)
def test_all_is_drift_where_nothing_was_declared_anew(wanted: dict[str, Any], found: dict[str, Any]) -> None:
    assert all(drifted(wanted, wanted, found).values())


@given(FORMS, FORMS)
def test_nothing_is_drift_where_all_is_as_it_was_declared(before: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert not any(drifted(before, wanted, before).values())

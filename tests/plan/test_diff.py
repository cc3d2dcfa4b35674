"""The generic difference: tables and properties."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotouch.desired.values import UNKNOWN
from zerotouch.plan.change import Difference
from zerotouch.plan.diff import diff

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)
trees = st.dictionaries(st.text(max_size=4), json_values, max_size=5)


@pytest.mark.parametrize(
    ("wanted", "found", "expected"),
    [
        ({}, {}, ()),
        ({"a": 1}, {"a": 1}, ()),
        ({"a": 1}, {"a": 2}, (Difference("a", 1, 2),)),
        ({"a": 1}, {}, (Difference("a", 1, None),)),
        ({}, {"a": 1}, (Difference("a", None, 1),)),
        ({"a": None}, {}, ()),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, (Difference("a.c", 2, 3),)),
        ({"a": [1, 2]}, {"a": [2, 1]}, (Difference("a", [1, 2], [2, 1]),)),
        ({"a": [{"b": None}]}, {"a": [{}]}, ()),
        ({"a": ["x", "y"]}, {"a": ["x", "z"]}, (Difference("a[]", ["y"], ["z"]),)),
        ({"a": ["x"]}, {"a": ["x", "z"]}, (Difference("a[]", None, ["z"]),)),
        ({"a": ["x"]}, {"a": ["z"]}, (Difference("a", ["x"], ["z"]),)),
        ({"a": []}, {"a": ["z"]}, (Difference("a", [], ["z"]),)),
        ({"a": [{"b": 1}]}, {"a": [{"c": 2}, {"b": 1}]}, (Difference("a[0]", None, {"c": 2}),)),
        ({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1, "c": 3}]}, (Difference("a[0].c", 2, 3),)),
        ({"a": True}, {"a": 1}, (Difference("a", True, 1),)),
        ({"a": UNKNOWN}, {"a": "arn"}, (Difference("a", UNKNOWN, "arn"),)),
        ({"a": {}}, {"a": "x"}, (Difference("a", {}, "x"),)),
    ],
)
def test_table(wanted: Any, found: Any, expected: tuple[Difference, ...]) -> None:
    assert diff(wanted, found) == expected


@given(trees)
def test_a_tree_equals_itself(tree: dict[str, Any]) -> None:
    assert diff(tree, tree) == ()


@given(trees, trees)
def test_turning_it_round_swaps_wanted_and_found(one: dict[str, Any], other: dict[str, Any]) -> None:
    there = {(d.path, repr(d.wanted), repr(d.found)) for d in diff(one, other)}
    back = {(d.path, repr(d.found), repr(d.wanted)) for d in diff(other, one)}
    assert there == back


@given(trees, st.text(min_size=1, max_size=4), st.integers())
def test_one_changed_field_is_the_one_difference(tree: dict[str, Any], key: str, value: int) -> None:
    wanted, found = {**tree, key: value}, {**tree, key: value + 1}
    assert diff(wanted, found) == (Difference(key, value, value + 1),)

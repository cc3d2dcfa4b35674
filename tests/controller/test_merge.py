from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from zerotouch.controller.merge import merge_patch

# Null means removal in a merge patch, so that no object may hold it.
VALUES = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=2), VALUES, max_size=4)


def apply(target: Any, patch: Any) -> Any:
    """RFC 7386, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = apply(result.get(key), value)
    return result


@given(OBJECTS, OBJECTS)
def test_the_patch_leads_from_one_to_the_other(current: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert apply(current, merge_patch(current, wanted)) == wanted


@given(OBJECTS)
def test_nothing_to_do_is_an_empty_patch(current: dict[str, Any]) -> None:
    assert merge_patch(current, current) == {}


def test_only_what_differs_is_sent() -> None:
    current = {"a": 1, "b": {"c": 1, "d": 2}, "gone": [1]}
    assert merge_patch(current, {"a": 1, "b": {"c": 1, "d": 3}}) == {"gone": None, "b": {"d": 3}}

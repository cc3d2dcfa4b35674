from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.controller.accounts import account_spec
from zerotouch.api.account import QualysZeroTouchAccountSpec, QualysZeroTouchAccountStatus, RegionState, State
from zerotouch.controller.merge import merge_patch
from zerotouch.controller.objects import dump

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


RULES = ["rule/theirs to api-destination/theirs"]


def told(*rules: str) -> dict[str, Any]:
    region = RegionState(name="us-east-1", state=State.READY, total=4, delivered_twice_by=list(rules))
    return dump(QualysZeroTouchAccountStatus(regions=[region]))


def test_empty_lists_are_left_out_and_one_that_became_empty_is_removed() -> None:
    assert told() == {"regions": [{"name": "us-east-1", "state": "Ready", "ready": 0, "total": 4}]}
    patched = apply(told(*RULES), merge_patch(told(*RULES), told()))
    assert patched == told()
    region = RegionState(name="us-east-1", state=State.READY)
    found = dump(QualysZeroTouchAccountStatus(regions=[region]))
    assert apply(found, merge_patch(found, dump(QualysZeroTouchAccountStatus()))) == {}


def test_what_was_left_out_is_read_back_the_same() -> None:
    spec = account_spec(tags={}, coverage={"platforms": []})
    written = dump(spec)
    assert "tags" not in written
    assert "platforms" not in written["coverage"]
    assert QualysZeroTouchAccountSpec.model_validate(written) == spec

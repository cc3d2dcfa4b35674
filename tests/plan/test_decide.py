"""The truth table of `decide`, row by row."""

from typing import Any

import pytest

from zerotouch.plan.change import Action, Change, Conflict, Difference, ResourceID
from zerotouch.plan.decide import decide
from zerotouch.plan.ownership import Ownership, by_tags, describe_owner, owner_in, token_in
from zerotouch.plan.render import show, show_change, show_difference

RULE = ResourceID("Rule", "us-east-1", "qualys-zerotouch")
CREATE = Change(RULE, Action.CREATE, (Difference("exists", True, False),))
UPDATE = Change(RULE, Action.UPDATE, (Difference("state", "ENABLED", "DISABLED"),))
DELETE = Change(RULE, Action.DELETE, (Difference("exists", False, True),))
WANTED = {"state": "ENABLED"}
DISABLED = {"state": "DISABLED"}


@pytest.mark.parametrize(
    ("wanted", "found", "ownership", "answer"),
    [
        (None, None, None, None),
        (None, WANTED, Ownership.OURS, DELETE),
        (None, WANTED, Ownership.FOREIGN, None),
        (None, WANTED, Ownership.ADOPTABLE, None),
        (None, WANTED, Ownership.EXTERNAL, None),
        (WANTED, None, None, CREATE),
        (WANTED, {}, Ownership.EXTERNAL, None),
        (WANTED, WANTED, Ownership.OURS, None),
        (WANTED, DISABLED, Ownership.OURS, UPDATE),
    ],
)
def test_table(wanted: Any, found: Any, ownership: Ownership | None, answer: Change | None) -> None:
    assert decide(RULE, wanted, found, ownership, None) == answer


@pytest.mark.parametrize("found", [WANTED, DISABLED])
@pytest.mark.parametrize(("owner", "told"), [("default/other/thing", "default/other/thing"), (None, "our mark")])
def test_what_is_not_ours_is_a_conflict_that_says_what_to_do(found: Any, owner: str | None, told: str) -> None:
    answer = decide(RULE, WANTED, found, Ownership.FOREIGN, owner)
    assert isinstance(answer, Conflict)
    assert told in answer.message
    assert "namePrefix" in answer.message


def test_the_description_carries_owner_and_token() -> None:
    text = describe_owner("default/security/production", "0123456789ab")
    assert owner_in(text) == "default/security/production"
    assert token_in(text) == "0123456789ab"
    assert owner_in("made by hand") is None
    assert token_in(describe_owner("default/security/production")) is None


@pytest.mark.parametrize("longest", ["d" * 16 + "/" + "n" * 63 + "/" + "p" * 200])
def test_the_longest_owner_fits_into_a_description(longest: str) -> None:
    assert len(describe_owner(longest, "0123456789ab")) <= 512


def test_ownership_by_tags() -> None:
    assert by_tags({"zerotouch.dev/owner": "a"}, "a") is Ownership.OURS
    assert by_tags({"zerotouch.dev/owner": "b"}, "a") is Ownership.FOREIGN
    assert by_tags({}, "a") is Ownership.ADOPTABLE
    assert by_tags({"zerotouch.dev/owner": "template/cloudformation"}, "a") is Ownership.ADOPTABLE


def test_rendering_is_short_and_says_what_is_absent() -> None:
    assert show(None) == "(absent)"
    assert show({"b": 1, "a": 2}) == '{"a": 2, "b": 1}'
    assert len(show("x" * 1000)) == 512
    assert show_change(UPDATE) == ("update Rule qualys-zerotouch in us-east-1 (state: wanted ENABLED, found DISABLED)")


@pytest.mark.parametrize(
    ("difference", "kind"),
    [
        (Difference("exists", True, False), "Missing"),
        (Difference("exists", False, True), "Extra"),
        (Difference("a", 1, None), "Missing"),
        (Difference("a", None, 1), "Extra"),
        (Difference("a", 1, 2), "Changed"),
    ],
)
def test_kinds_of_difference(difference: Difference, kind: str) -> None:
    assert difference.kind == kind


def trust(*ids: str) -> dict[str, Any]:
    return {"Condition": {"StringEquals": {"STS:ExternalId": list(ids)}}}


@pytest.mark.parametrize(
    ("difference", "told"),
    [
        (
            Difference("trust.Statement[0]", trust("canary-1"), trust("canary-1", "canary-2")),
            'trust.Statement[0]: wanted {"Condition": {"StringEquals": {"STS:ExternalId": ["(masked)"]}}}, '
            'found {"Condition": {"StringEquals": {"STS:ExternalId": ["(masked)", "(masked, another one)"]}}}',
        ),
        (
            Difference("t.Condition.StringEquals.sts:ExternalId[]", None, ["canary-2"]),
            't.Condition.StringEquals.sts:ExternalId[]: wanted (absent), found ["(masked, another one)"]',
        ),
        (
            Difference("t.sts:ExternalId", "canary-1", "canary-2"),
            "t.sts:ExternalId: wanted (masked), found (masked, another one)",
        ),
        (Difference("exists", True, False), "missing"),
    ],
)
def test_external_ids_are_masked(difference: Difference, told: str) -> None:
    assert show_difference(difference) == told

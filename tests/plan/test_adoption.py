"""Whether what is there already is taken over: every ownership × policy × kind of difference."""

from typing import Any

import pytest

from zerotouch.api.adoption import AdoptionPolicy
from zerotouch.plan.adoption import Adoption
from zerotouch.plan.change import Action, Change, Conflict, Difference, ResourceID
from zerotouch.plan.decide import decide
from zerotouch.plan.ownership import Ownership, by_owner

RULE = ResourceID("Rule", "us-east-1", "qualys-zerotouch")
US = "default/security/production"
OWNER_TAG = "zerotouch.dev/owner"
NEVER, IDENTICAL, ADOPT = AdoptionPolicy.NEVER, AdoptionPolicy.ADOPT_IDENTICAL, AdoptionPolicy.ADOPT
WANTED = {"state": "ENABLED", "tags": {OWNER_TAG: US, "team": "secops"}}


def found(state: str = "ENABLED", **tags: str) -> dict[str, Any]:
    return {"state": state, "tags": tags}


def decided(
    found: Any, policy: AdoptionPolicy, ownership: Ownership = Ownership.ADOPTABLE, owner: str | None = None
) -> Any:
    return decide(RULE, WANTED, found, ownership, owner, Adoption(policy, US))


SAME = found(team="secops")
MARKED = {"state": "ENABLED", "tags": {OWNER_TAG: "template/cloudformation", "team": "secops"}}
LACKS_A_TAG = found()
OTHER_TAG = found(team="other")
FURTHER_TAG = found(team="secops", cost="1")
DISABLED = found("DISABLED", team="secops")


@pytest.mark.parametrize(
    ("there", "policy", "differences"),
    [
        (SAME, IDENTICAL, []),
        (SAME, ADOPT, []),
        (MARKED, IDENTICAL, []),
        (MARKED, ADOPT, []),
        (LACKS_A_TAG, IDENTICAL, ["tags.team"]),
        (LACKS_A_TAG, ADOPT, ["tags.team"]),
        (OTHER_TAG, ADOPT, ["tags.team"]),
        (FURTHER_TAG, ADOPT, ["tags.cost"]),
        (DISABLED, ADOPT, ["state"]),
    ],
)
def test_taken_over(there: Any, policy: AdoptionPolicy, differences: list[str]) -> None:
    owner = there["tags"].get(OWNER_TAG)
    answer = decided(there, policy, owner=owner)
    assert isinstance(answer, Change)
    assert answer.action is Action.ADOPT
    assert answer.differences[0] == Difference("owner", US, owner)
    assert [d.path for d in answer.differences[1:]] == differences


@pytest.mark.parametrize("there", [OTHER_TAG, FURTHER_TAG, DISABLED])
def test_what_differs_is_left_by_adopt_identical_and_told(there: Any) -> None:
    answer = decided(there, IDENTICAL)
    assert isinstance(answer, Conflict)
    assert "adoptionPolicy: Adopt" in answer.message
    assert "wanted" in answer.message


@pytest.mark.parametrize("there", [SAME, MARKED, LACKS_A_TAG, DISABLED])
def test_never_is_never(there: Any) -> None:
    answer = decided(there, NEVER)
    assert isinstance(answer, Conflict)
    assert "adoptionPolicy" in answer.message


@pytest.mark.parametrize("policy", list(AdoptionPolicy))
@pytest.mark.parametrize("owner", ["default/security/other", "events.amazonaws.com", None])
def test_what_is_anothers_is_never_taken_over(policy: AdoptionPolicy, owner: str | None) -> None:
    answer = decided(SAME, policy, Ownership.FOREIGN, owner)
    assert isinstance(answer, Conflict)
    assert "adoptionPolicy" not in answer.message


@pytest.mark.parametrize("policy", list(AdoptionPolicy))
def test_what_satisfies_us_is_left_and_what_is_ours_is_mended(policy: AdoptionPolicy) -> None:
    assert decided({}, policy, Ownership.EXTERNAL) is None
    ours = {"state": "DISABLED", "tags": WANTED["tags"]}
    assert decided(ours, policy, Ownership.OURS) == Change(
        RULE, Action.UPDATE, (Difference("state", "ENABLED", "DISABLED"),)
    )
    assert decide(RULE, None, SAME, Ownership.ADOPTABLE, None, Adoption(policy, US)) is None


def test_a_connection_without_a_token_mark_is_identical_and_with_another_is_not() -> None:
    wanted = {"token": "0123456789ab"}
    assert isinstance(decide(RULE, wanted, {"token": None}, Ownership.ADOPTABLE, None, Adoption(IDENTICAL, US)), Change)
    other = decide(RULE, wanted, {"token": "ba9876543210"}, Ownership.ADOPTABLE, None, Adoption(IDENTICAL, US))
    assert isinstance(other, Conflict)


@pytest.mark.parametrize("found", [None, "made by hand", "Managed by zerotouch; owner=template/terraform"])
def test_a_description_that_holds_the_mark_is_no_difference_and_another_is(found: str | None) -> None:
    marked = {"description": f"Managed by zerotouch; owner={US}"}
    there = {"description": found}
    answer = decide(RULE, marked, there, Ownership.ADOPTABLE, None, Adoption(IDENTICAL, US))
    assert isinstance(answer, Change)
    assert [d.path for d in answer.differences] == ["owner"]
    said = decide(RULE, {"description": "Tells Qualys"}, there, Ownership.ADOPTABLE, None, Adoption(IDENTICAL, US))
    assert isinstance(said, Conflict)


@pytest.mark.parametrize(
    ("owner", "ownership"),
    [
        (US, Ownership.OURS),
        (None, Ownership.ADOPTABLE),
        ("template/cloudformation", Ownership.ADOPTABLE),
        ("template/terraform", Ownership.ADOPTABLE),
        ("template/cloudformation/x", Ownership.FOREIGN),
        ("template/security/production", Ownership.FOREIGN),
        ("default/security/production2", Ownership.FOREIGN),
    ],
)
def test_whose_it_is(owner: str | None, ownership: Ownership) -> None:
    assert by_owner(owner, US) is ownership

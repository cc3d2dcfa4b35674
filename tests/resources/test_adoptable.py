"""What is AWS's own is nobody's to take over, although it bears no mark."""

from dataclasses import replace
from typing import Any

import pytest

from tests.resources.test_partition import context
from zerotouch.aws.calls import RegionAPI
from zerotouch.plan.ownership import Ownership
from zerotouch.resources.association import InventoryAssociation
from zerotouch.resources.rules import observe_rule

US = "default/security/production"


class Answers(RegionAPI):
    """Operation → answer."""

    def __init__(self, **answers: Any) -> None:
        self.name = "us-east-1"
        self._answers = answers

    def call(self, service: str, operation: str, **params: Any) -> Any:
        return self._answers[operation]


@pytest.mark.parametrize(
    ("managed", "ownership"), [({}, Ownership.ADOPTABLE), ({"ManagedBy": "ssm.amazonaws.com"}, Ownership.FOREIGN)]
)
def test_a_rule_that_aws_manages(managed: dict[str, str], ownership: Ownership) -> None:
    rule = {"Arn": "arn:aws:events:us-east-1:111111111111:rule/x", "State": "ENABLED", **managed}
    api = Answers(describe_rule=rule, list_tags_for_resource={"Tags": []}, list_targets_by_rule={"Targets": []})
    observed = observe_rule(api, "x", US)
    assert observed is not None
    assert observed.ownership is ownership


@pytest.mark.parametrize(
    ("name", "ownership"), [("qualys-zerotouch", Ownership.ADOPTABLE), ("AWS-QuickSetup-host", Ownership.FOREIGN)]
)
def test_an_association_of_quick_setup(name: str, ownership: Ownership) -> None:
    listed = {"AssociationId": "a", "AssociationName": name, "Targets": []}
    api = Answers(
        list_associations={"Associations": [listed]},
        list_tags_for_resource={"TagList": []},
        describe_association={"AssociationDescription": listed},
    )
    there = context("aws", "us-east-1")
    ours = replace(there, spec=there.spec.model_copy(update={"name_prefix": name}))
    observed = InventoryAssociation().observe(api, ours)
    assert observed is not None
    assert observed.ownership is ownership

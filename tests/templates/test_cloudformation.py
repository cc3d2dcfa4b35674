"""The CloudFormation templates, without deploying them: complete, clean, and nothing dropped on the way."""

import json
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.match import Match

from zerotouch.api.zerotouch import QualysZeroTouchSpec
from zerotouch.aws.calls import RegionAPI
from zerotouch.desired.context import Context
from zerotouch.resources.base import OptionalKind
from zerotouch.resources.registry import ACCOUNT_KINDS, REGION_KINDS
from zerotouch.templates.cloudformation import region_template, stack_set_template
from zerotouch.templates.generate import as_yaml, shipped
from zerotouch.templates.generate import template as named
from zerotouch.templates.parameters import TOKEN_MOST
from zerotouch.templates.requests import TemplateError
from zerotouch.templates.target import default_spec

DEPLOY = Path(__file__).parents[2] / "deploy"
FULL = {
    "qualys": {"platform": "EU2", "auth": {"subscriptionTokenSecretRef": {"name": "qualys"}}},
    "access": {"permissionsBoundaryName": "bounds"},
    "accounts": [{"id": "111111111111"}],
    "regions": {"names": ["eu-west-1", "us-east-1"]},
    "inventory": {
        "schedule": "cron(0 2 ? * SUN *)",
        "targets": {"tags": [{"key": "scan", "values": ["yes", "y"]}]},
        "collect": {"customInventory": False},
    },
    "delivery": {"invocationRateLimitPerSecond": 7, "retry": {"maximumEventAgeSeconds": 60, "maximumRetryAttempts": 3}},
    "connector": {"existingRoleName": "their-connector"},
    "tags": {"team": "secops"},
    "namePrefix": "another-prefix",
}
MAKERS = [region_template, stack_set_template]


def complaints(template: dict[str, Any]) -> list[Match]:
    """What the command says that `make lint` runs; in its default region, since some lack API destinations."""
    return lint(as_yaml(template), regions=["us-east-1"])


def full_spec(**changes: Any) -> QualysZeroTouchSpec:
    return QualysZeroTouchSpec.model_validate({**FULL, **changes})


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("spec", [default_spec(), full_spec()])
def test_every_kind_is_in_it(make: Any, spec: QualysZeroTouchSpec) -> None:
    kinds = {kind.name for kind in (*ACCOUNT_KINDS, *REGION_KINDS) if not isinstance(kind, OptionalKind)}
    # CloudFormation has a queue's policy apart from the queue.
    assert set(make(spec)["Resources"]) == kinds | {"DeadLetterQueuePolicy"}


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("policy", ["Retain", "Delete"])
def test_cfn_lint_finds_nothing(make: Any, policy: str) -> None:
    assert complaints(make(full_spec(deletionPolicy=policy))) == []


def test_what_is_shipped_is_fresh() -> None:
    for name, content in shipped().items():
        assert (DEPLOY / name).read_text() == content, name


def test_the_specs_values_are_in_it() -> None:
    template = region_template(full_spec())
    resources, parameters = template["Resources"], template["Parameters"]
    assert parameters["APIGatewayURL"]["Default"] == "https://gateway.qg2.apps.qualys.eu"
    assert (parameters["Connector"]["Default"], parameters["ConnectorRoleName"]["Default"]) == (
        "ExistingRole",
        "their-connector",
    )
    association = resources["InventoryAssociation"]["Properties"]
    assert association["ScheduleExpression"] == "cron(0 2 ? * SUN *)"
    assert association["Targets"] == [{"Key": "tag:scan", "Values": ["y", "yes"]}]
    assert association["Parameters"]["customInventory"] == ["Disabled"]
    assert resources["APIDestination"]["Properties"]["InvocationRateLimitPerSecond"] == 7
    (target,) = resources["Rule"]["Properties"]["Targets"]
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 3}
    role = resources["ExecutionRole"]["Properties"]
    assert role["PermissionsBoundary"] == {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/bounds"}
    assert {"Key": "team", "Value": "secops"} in role["Tags"]
    assert resources["Connection"]["Properties"]["Name"] == "another-prefix"


def test_nothing_in_it_belongs_to_one_account_region_or_partition() -> None:
    text = json.dumps(region_template(full_spec())["Resources"])
    assert "arn:aws:" not in text
    assert "111111111111" not in text
    assert "000000000000" not in text
    assert "us-east-1" not in text


def test_the_token_is_asked_for_and_kept_as_a_secret_value_only() -> None:
    template = region_template(full_spec())
    parameter = template["Parameters"]["SubscriptionToken"]
    assert parameter["NoEcho"] is True
    assert "Default" not in parameter
    assert len("Bearer ") + parameter["MaxLength"] == 512 == len("Bearer ") + TOKEN_MOST
    users = [name for name, r in template["Resources"].items() if "${SubscriptionToken}" in json.dumps(r)]
    assert users == ["Connection"]
    http = template["Resources"]["Connection"]["Properties"]["AuthParameters"]["InvocationHttpParameters"]
    assert [h["IsValueSecret"] for h in http["HeaderParameters"]] == [True]


def test_account_wide_resources_are_made_in_the_main_region_only() -> None:
    template = stack_set_template(full_spec())
    conditions = template["Conditions"]
    for kind in (k for k in ACCOUNT_KINDS if not isinstance(k, OptionalKind)):
        condition = template["Resources"][kind.name]["Condition"]
        parts = [c["Condition"] for c in conditions[condition].get("Fn::And", [])] or [condition]
        assert "IsMainRegion" in parts
    for kind in (k for k in REGION_KINDS if not isinstance(k, OptionalKind)):
        assert "MainRegion" not in template["Resources"][kind.name].get("Condition", "")


class Further:
    """A kind that somebody added, with a call for which the templates have no counterpart."""

    name = "Further"
    account_wide = False
    needs: tuple[str, ...] = ()

    def desired(self, context: Context) -> dict[str, Any]:
        return {"a": 1}

    def create(self, api: RegionAPI, context: Context, token: str | None) -> None:
        api.call("events", "create_further", Name=context.prefix)


def test_a_kind_that_templates_do_not_know_is_not_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zerotouch.templates.target.REGION_KINDS", (*REGION_KINDS, Further()))
    with pytest.raises(TemplateError, match="Further: create_further"):
        region_template(default_spec())


def test_a_field_that_a_kind_gains_reaches_the_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cfn-lint then says of a name that CloudFormation does not know."""
    (rule,) = [kind for kind in REGION_KINDS if kind.name == "Rule"]

    def create(api: RegionAPI, context: Context, token: str | None) -> None:
        api.call("events", "put_rule", Name=context.prefix, EventPattern="{}", Novelty="x")

    monkeypatch.setattr(rule, "create", create, raising=False)
    template = region_template(default_spec())
    assert template["Resources"]["Rule"]["Properties"]["Novelty"] == "x"
    assert any("Novelty" in match.message for match in complaints(template))


MAIN_REGION = {"delivery": {"topology": "MainRegion", "mainRegion": "us-east-1"}}


def test_one_region_alone_cannot_have_a_main_region() -> None:
    with pytest.raises(TemplateError, match="use stack-set"):
        region_template(full_spec(**MAIN_REGION))
    with pytest.raises(TemplateError, match="PerRegion"):
        named("main-region", full_spec())


def test_with_a_main_region_only_rules_and_destinations_differ_between_regions() -> None:
    template = stack_set_template(full_spec(**MAIN_REGION))
    assert complaints(template) == []
    assert template["Parameters"]["Regions"]["Default"] == "eu-west-1,us-east-1"
    conditions = {name: resource.get("Condition") for name, resource in template["Resources"].items()}
    assert {name for name, c in conditions.items() if c == "IsOtherRegion"} == {"RuleElsewhere"}
    assert conditions["InventoryAssociation"] == "CollectsInventory"
    assert {n: conditions[n] for n in ("Rule", "Connection", "APIDestination", "ForwardRole")} == dict.fromkeys(
        ("Rule", "Connection", "APIDestination", "ForwardRole"), "IsMainRegion"
    )
    pattern = template["Resources"]["Rule"]["Properties"]["EventPattern"]
    assert pattern["region"] == {"Ref": "Regions"}

"""The shipped templates, deployed by the emulator's CloudFormation: what they make works, and is what the operator wants."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from sandbox.aws.inventory import held
from sandbox.gateway.admin import GatewayAdmin
from tests.reconcile.conftest import REGIONS, Account
from zerotouch.api.spec import DeletionPolicy
from zerotouch.api.zerotouch import QualysZeroTouchSpec
from zerotouch.aws.policy import observe_policy
from zerotouch.plan.change import Action
from zerotouch.resources.base import OptionalKind
from zerotouch.resources.registry import ACCOUNT_KINDS, REGION_KINDS
from zerotouch.templates.cloudformation import region_template, stack_set_template

SHIPPED = Path(__file__).parents[2] / "deploy/cloudformation"
PATIENCE = {"Delay": 1, "MaxAttempts": 60}
SHARED = ("regions", "inventory", "delivery", "connector", "deletionPolicy", "tags", "namePrefix")
CONNECTOR = {"role": {"name": "qualys-connector", "trustedAccountID": "123456789012", "externalID": "e-1"}}
CONNECTOR_PARAMETERS = {
    "Connector": "Role",
    "ConnectorRoleName": "qualys-connector",
    "ConnectorAccountID": "123456789012",
    "ConnectorExternalID": "e-1",
}


def shipped(name: str) -> str:
    """The template, but that the gateway may be on loopback, without TLS."""
    return (SHIPPED / f"{name}.yaml").read_text().replace("^https://", "^https?://")


def deploy(account: Account, template: str, region: str = "us-east-1", **parameters: str) -> Any:
    """Create the stack and wait; answers the client."""
    client = account.client("cloudformation", region)
    given = {"APIGatewayURL": account.input.spec.gateway_url, "SubscriptionToken": account.input.token, **parameters}
    client.create_stack(
        StackName="qualys",
        TemplateBody=template,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
    )
    try:
        client.get_waiter("stack_create_complete").wait(StackName="qualys", WaiterConfig=PATIENCE)
    except WaiterError:
        events = client.describe_stack_events(StackName="qualys")["StackEvents"]
        reasons = [e["ResourceStatusReason"] for e in events if e.get("ResourceStatusReason")]
        raise AssertionError(f"the stack was not made in {region}: {reasons}") from None
    return client


def delete_stack(client: Any) -> None:
    client.delete_stack(StackName="qualys")
    client.get_waiter("stack_delete_complete").wait(StackName="qualys", WaiterConfig=PATIENCE)


def deploy_everywhere(account: Account, **parameters: str) -> list[Any]:
    """What a StackSet does: one stack per region, the main one first."""
    return [deploy(account, shipped("stack-set"), region, **parameters) for region in REGIONS]


def event_arrives(account: Account, gateway: GatewayAdmin, region: str) -> dict[str, Any]:
    instance = account.admin.start_instance(account.id, region)
    return gateway.wait_for_event(lambda e: e["instance"] == instance)


def test_one_region(make_account: Callable[..., Account], gateway: GatewayAdmin) -> None:
    account = make_account(
        regions={"names": ["us-east-1"]}, connector=CONNECTOR, tags={}, adoptionPolicy="AdoptIdentical", mode="Observe"
    )
    deploy(account, shipped("target"), **CONNECTOR_PARAMETERS)
    event = event_arrives(account, gateway, "us-east-1")
    assert (event["account"], event["region"], event["api_key"]) == (account.id, "us-east-1", "QFLOW-SSM-EVALUATION")
    account.admin.set_policy(account.id, observe_policy("aws", account.id, "qualys-zerotouch"))
    report = account.reconcile()
    assert {d.difference.path for s in report.scopes for d in s.drifts} == {"owner"}
    assert [c.message for s in report.scopes for c in s.conflicts] == []
    told = {(d.resource.kind, d.difference.found) for s in report.scopes for d in s.drifts}
    # CloudFormation cannot tag a managed policy.
    kinds = {k.name for k in (*ACCOUNT_KINDS, *REGION_KINDS) if not isinstance(k, OptionalKind)} - {"ConnectorPolicy"}
    assert told == {("ConnectorPolicy", None)} | {(kind, "template/cloudformation") for kind in kinds}


def spec_of(account: Account) -> QualysZeroTouchSpec:
    """What a person would have declared for the account."""
    spec = account.input.spec.model_dump(by_alias=True, mode="json", exclude_none=True)
    own = {key: spec[key] for key in SHARED if key in spec}
    qualys = {"platform": "US2", "auth": {"subscriptionTokenSecretRef": {"name": "qualys"}}}
    return QualysZeroTouchSpec.model_validate({**own, "qualys": qualys, "accounts": [{"id": account.id}]})


def rendered(template: dict[str, Any]) -> str:
    return json.dumps(template).replace("^https://", "^https?://")


def writes(account: Account) -> list[str]:
    return [c["operation"] for c in account.calls() if not c["operation"].startswith(("Describe", "Get", "List"))]


def test_many_regions(make_account: Callable[..., Account], gateway: GatewayAdmin) -> None:
    account = make_account(tags={"team": "secops"}, adoptionPolicy="AdoptIdentical", mode="Observe")
    template = rendered(stack_set_template(spec_of(account)))
    for region in REGIONS:
        deploy(account, template, region)
    for region in REGIONS:
        assert event_arrives(account, gateway, region)["region"] == region
    report = account.reconcile()
    assert [c.message for s in report.scopes for c in s.conflicts] == []
    assert {d.difference.path for s in report.scopes for d in s.drifts} == {"owner"}
    assert sum(held_one.startswith("Role") for held_one in held(account.admin, account.id)) == 1


MAIN_REGION = {"topology": "MainRegion", "mainRegion": REGIONS[0]}


def test_a_main_region_that_delivers_for_the_other(make_account: Callable[..., Account], gateway: GatewayAdmin) -> None:
    account = make_account(tags={}, adoptionPolicy="AdoptIdentical", delivery=MAIN_REGION, mode="Observe")
    for region in REGIONS:
        deploy(account, shipped("main-region"), region, MainRegion=REGIONS[0], Regions=",".join(REGIONS))
    for region in REGIONS:
        assert event_arrives(account, gateway, region)["region"] == region
    report = account.reconcile()
    assert [c.message for s in report.scopes for c in s.conflicts] == []
    assert {d.difference.path for s in report.scopes for d in s.drifts} == {"owner"}
    assert [line for line in held(account.admin, account.id) if "ApiDestination" in line] == [
        f"ApiDestination {REGIONS[0]} qualys-zerotouch"
    ]


def test_the_shipped_stack_set_names_no_regions_and_is_made_as_declared(make_account: Callable[..., Account]) -> None:
    account = make_account(adoptionPolicy="Adopt")
    deploy_everywhere(account)
    report = account.reconcile()
    assert report.ready
    (role,) = [c for s in report.scopes for c in s.changes if c.resource.kind == "ExecutionRole"]
    assert [d.path for d in role.differences] == [
        "owner",
        "inlinePolicies.invoke-qualys.Statement[0].Resource",
        "tags.team",
    ]


def test_from_stack_to_operator(make_account: Callable[..., Account], gateway: GatewayAdmin) -> None:
    """Adopt, then delete the stack, which retains: no gap, nothing twice, and no write but the marks."""
    account = make_account(regions={"names": ["us-east-1"]}, connector=CONNECTOR, adoptionPolicy="AdoptIdentical")
    stack = deploy(account, shipped("target"), **CONNECTOR_PARAMETERS)
    there = held(account.admin, account.id)
    account.admin.forget_calls()
    report = account.reconcile()
    assert report.ready
    assert {c.action for s in report.scopes for c in s.changes} == {Action.ADOPT}
    assert sorted(set(writes(account))) == [
        "AddTagsToResource",
        "TagPolicy",
        "TagQueue",
        "TagResource",
        "TagRole",
        "UpdateApiDestination",
        "UpdateConnection",
    ]
    before = event_arrives(account, gateway, "us-east-1")
    delete_stack(stack)
    assert held(account.admin, account.id) == there
    account.admin.forget_calls()
    assert account.reconcile().ready
    assert writes(account) == []
    after = event_arrives(account, gateway, "us-east-1")
    seen = [e["instance"] for e in gateway.events()]
    assert (seen.count(before["instance"]), seen.count(after["instance"])) == (1, 1)


def test_a_stack_that_is_not_to_be_adopted_is_a_conflict(make_account: Callable[..., Account]) -> None:
    account = make_account(regions={"names": ["us-east-1"]})
    deploy(account, shipped("target"))
    there = held(account.admin, account.id)
    account.admin.forget_calls()
    report = account.reconcile()
    assert {c.resource.kind for s in report.scopes for c in s.conflicts} == {
        "ExecutionRole",
        "InventoryAssociation",
        "Connection",
        "APIDestination",
        "DeadLetterQueue",
        "Rule",
    }
    assert all("adoptionPolicy" in c.message for s in report.scopes for c in s.conflicts)
    assert writes(account) == []
    assert held(account.admin, account.id) == there


def test_a_stack_that_was_changed_by_hand_is_adopted_only_when_told_so(make_account: Callable[..., Account]) -> None:
    account = make_account(regions={"names": ["us-east-1"]}, adoptionPolicy="AdoptIdentical")
    deploy(account, shipped("target"))
    account.client("events").disable_rule(Name="qualys-zerotouch")
    report = account.reconcile()
    (conflict,) = [c for s in report.scopes for c in s.conflicts]
    assert "state: wanted ENABLED, found DISABLED" in conflict.message
    assert account.client("events").describe_rule(Name="qualys-zerotouch")["State"] == "DISABLED"
    account.change(adoptionPolicy="Adopt")
    assert account.reconcile().ready
    assert account.client("events").describe_rule(Name="qualys-zerotouch")["State"] == "ENABLED"


def test_another_objects_resources_are_never_adopted(make_account: Callable[..., Account]) -> None:
    account = make_account(regions={"names": ["us-east-1"]}, adoptionPolicy="Adopt")
    assert account.reconcile().ready
    account.input = replace(account.input, owner="default/security/other")
    account.admin.forget_calls()
    report = account.reconcile()
    assert {c.resource.kind for s in report.scopes for c in s.conflicts} >= {"Rule", "Connection", "ExecutionRole"}
    assert writes(account) == []


def test_a_role_elsewhere_than_on_our_path_is_never_adopted(make_account: Callable[..., Account]) -> None:
    account = make_account(regions={"names": ["us-east-1"]}, adoptionPolicy="Adopt")
    trust = {"Version": "2012-10-17", "Statement": []}
    account.client("iam").create_role(RoleName="qualys-zerotouch-events", AssumeRolePolicyDocument=json.dumps(trust))
    report = account.reconcile()
    assert "ExecutionRole" in {c.resource.kind for s in report.scopes for c in s.conflicts}


def test_the_switches_leave_inventory_and_connector_out(make_account: Callable[..., Account]) -> None:
    account = make_account()
    deploy(account, shipped("target"), Inventory="Disabled")
    sorts = {line.split()[0] for line in held(account.admin, account.id)}
    assert sorts == {"Role", "Rule", "Target", "Connection", "ApiDestination", "Queue"}


def test_deletion_policy_delete_is_the_templates_as_well(make_account: Callable[..., Account]) -> None:
    account = make_account()
    spec = spec_of(account).model_copy(update={"deletion_policy": DeletionPolicy.DELETE})
    stack = deploy(account, rendered(region_template(spec)))
    assert held(account.admin, account.id)
    delete_stack(stack)
    assert held(account.admin, account.id) == []


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"SubscriptionToken": "canary.x.y"}, "SubscriptionToken"),
        ({"SubscriptionToken": f"{'a' * 20}.{'b' * 400}.{'c' * 90}"}, "SubscriptionToken"),
        ({"APIGatewayURL": "https://gateway.example.com/"}, "APIGatewayURL"),
        ({"Connector": "Role"}, "ConnectorAccountID"),
    ],
)
def test_bad_parameters_are_refused_and_the_token_is_not_repeated(
    account: Account, parameters: dict[str, str], says: str
) -> None:
    with pytest.raises(ClientError) as caught:
        deploy(account, shipped("target"), **parameters)
    assert says in str(caught.value)
    assert "canary" not in str(caught.value)
    assert held(account.admin, account.id) == []

"""Whole passes against the emulated AWS, under exactly the documented policy."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.aws.inventory import held
from sandbox.gateway.admin import GatewayAdmin
from tests.reconcile.conftest import REGIONS, Account
from zerotouch.api.account import State
from zerotouch.api.conditions import Reason
from zerotouch.plan.change import Action

# The reads of a steady pass: what the compared fields need, and no more.
GLOBAL_READS = {"GetRole": 1, "ListRolePolicies": 1, "GetRolePolicy": 1, "ListAttachedRolePolicies": 1, "GetPolicy": 1}
REGION_READS = {
    "ListAssociations": 1,
    "ListTagsForResource": 2,
    "DescribeAssociation": 1,
    "DescribeConnection": 1,
    "DescribeApiDestination": 1,
    "ListApiDestinations": 1,
    "ListRuleNamesByTarget": 1,
    "DescribeRule": 1,
    "ListTargetsByRule": 1,
    "GetQueueAttributes": 1,
    "ListQueueTags": 1,
}


def problems(report: Any) -> dict[str, str]:
    return {s.name: s.problem.message for s in report.scopes if s.problem} | (
        {"account": report.problem.message} if report.problem else {}
    )


def test_from_nothing_to_a_delivered_event(account: Account, gateway: GatewayAdmin) -> None:
    report = account.reconcile()
    assert report.ready, problems(report)
    assert {s.name for s in report.scopes} == {"global", *REGIONS}
    assert not any(s.drifts for s in report.scopes)
    instance = account.admin.start_instance(account.id, "eu-west-1")
    event = gateway.wait_for_event(lambda e: e["instance"] == instance)
    assert (event["account"], event["region"], event["state"]) == (account.id, "eu-west-1", "running")
    assert event["api_key"] == "QFLOW-SSM-EVALUATION"


def test_a_steady_pass_writes_nothing_and_reads_only_what_it_compares(account: Account) -> None:
    account.reconcile()
    account.admin.forget_calls()
    assert account.reconcile().ready
    calls = Counter(c["operation"] for c in account.calls() if c["operation"] != "DescribeRegions")
    expected = Counter(GLOBAL_READS)
    for _ in REGIONS:
        expected.update(REGION_READS)
    assert calls == expected


def test_remove_leaves_nothing_of_ours(account: Account) -> None:
    account.reconcile()
    report = account.remove()
    assert not report.left, problems(report)
    assert all(s.gone for s in report.scopes)
    assert leftovers(account) == []


def test_two_passes_make_nothing_twice(account: Account) -> None:
    account.reconcile()
    account.hashes.clear()
    assert account.reconcile().ready
    for region in REGIONS:
        associations = account.client("ssm", region).list_associations()["Associations"]
        assert len(associations) == 1


@pytest.mark.parametrize("step", range(1, 17))
def test_killed_after_any_write_it_converges(make_account: Callable[..., Account], step: int) -> None:
    account = make_account(regions={"names": ["us-east-1"]})
    writes = 0

    def fence() -> bool:
        nonlocal writes
        writes += 1
        return writes <= step

    account.reconciler.reconcile(account.input, account.stop, fence)
    assert account.reconcile().ready
    assert len(account.client("ssm").list_associations()["Associations"]) == 1
    assert not account.remove().left
    assert leftovers(account) == []


def test_a_lost_answer_doubles_nothing(account: Account) -> None:
    for operation in ("CreateRole", "CreateAssociation", "CreateConnection", "CreateApiDestination", "PutRule"):
        account.admin.add_fault("lost", operation=operation, account=account.id)
    account.reconcile()
    assert account.reconcile().ready
    for region in REGIONS:
        assert len(account.client("ssm", region).list_associations()["Associations"]) == 1


def test_a_region_taken_out_is_cleaned(account: Account) -> None:
    account.reconcile()
    account.change(regions={"names": ["us-east-1"]})
    report = account.reconcile()
    assert report.ready or {s.name for s in report.scopes if s.gone} == {"eu-west-1"}
    assert set(account.hashes) == {"global", "us-east-1"}
    assert account.client("events", "eu-west-1").list_rules()["Rules"] == []
    assert account.client("events", "us-east-1").list_rules()["Rules"] != []


def test_retain_leaves_a_region_working(account: Account, gateway: GatewayAdmin) -> None:
    account.reconcile()
    account.change(regions={"names": ["us-east-1"]}, deletionPolicy="Retain")
    account.reconcile()
    assert set(account.hashes) == {"global", "us-east-1"}
    assert account.client("events", "eu-west-1").list_rules()["Rules"] != []


def test_throttling_is_waited_out(account: Account) -> None:
    for service in ("events", "ssm", "iam", "ec2"):
        account.admin.add_fault("throttle", service=service, account=account.id, count=3)
    assert account.reconcile().ready


def test_all_enabled_follows_the_account(make_account: Callable[..., Account]) -> None:
    account = make_account(regions={"selection": "AllEnabled"})
    account.admin.set_regions(account.id, ["us-east-1", "us-west-2", "me-south-1"])
    report = account.reconcile()
    assert report.ready, problems(report)
    assert {s.name for s in report.scopes} == {"global", "us-east-1", "us-west-2", "me-south-1"}


def test_a_region_that_is_not_enabled_is_only_that_region(make_account: Callable[..., Account]) -> None:
    account = make_account(regions={"names": ["us-east-1", "me-south-1", "xx-moon-1"]})
    report = account.reconcile()
    states = {s.name: s.problem.reason if s.problem else None for s in report.scopes}
    assert states == {
        "global": None,
        "us-east-1": None,
        "me-south-1": Reason.REGION_NOT_ENABLED,
        "xx-moon-1": Reason.REGION_UNSUPPORTED,
    }


def test_a_wrong_external_id(account: Account) -> None:
    account.change(access={**account.input.spec.access.model_dump(by_alias=True), "externalID": "wrong"})
    report = account.reconcile()
    assert report.problem is not None
    assert report.problem.reason is Reason.ASSUME_ROLE_DENIED
    assert "wrong" not in report.problem.message
    assert not report.ready


def test_a_missing_permission_names_call_action_and_resource(account: Account) -> None:
    from zerotouch.aws.policy import account_policy

    policy = account_policy("aws", account.id, "qualys-zerotouch")
    policy["Statement"] = [s for s in policy["Statement"] if s["Sid"] not in {"Rule", "RuleLookup"}]
    account.admin.set_policy(account.id, policy)
    report = account.reconcile()
    (problem,) = {s.problem for s in report.scopes if s.name == "us-east-1"}
    assert problem is not None
    assert problem.reason is Reason.ACCESS_DENIED
    for part in ("events:DescribeRule", f"rule/{account.input.spec.name_prefix}", "us-east-1", "request"):
        assert part in problem.message
    good = next(s for s in report.scopes if s.name == "us-east-1")
    assert (good.ready, good.total) == (4, 5)


def test_a_foreign_resource_is_a_conflict_and_stays(account: Account) -> None:
    pattern = '{"source":["aws.health"]}'
    account.client("events").put_rule(Name="qualys-zerotouch", EventPattern=pattern, Description="mine")
    report = account.reconcile()
    region = next(s for s in report.scopes if s.name == "us-east-1")
    assert region.problem is not None
    assert region.problem.reason is Reason.CONFLICT
    assert next(s for s in report.scopes if s.name == "eu-west-1").state is State.READY
    account.remove()
    rule = account.client("events").describe_rule(Name="qualys-zerotouch")
    assert (rule["EventPattern"], rule["Description"]) == (pattern, "mine")


def test_a_foreign_destination_on_our_connection_is_told_and_left(account: Account) -> None:
    account.reconcile()
    events = account.client("events")
    connection = events.describe_connection(Name="qualys-zerotouch")["ConnectionArn"]
    stolen = events.create_api_destination(
        Name="thief", ConnectionArn=connection, InvocationEndpoint="https://evil.example/x", HttpMethod="POST"
    )
    report = account.reconcile()
    region = next(s for s in report.scopes if s.name == "us-east-1")
    assert region.foreign_destinations == (stolen["ApiDestinationArn"],)
    assert region.problem is not None
    assert region.problem.reason is Reason.FOREIGN_API_DESTINATION
    assert events.describe_api_destination(Name="thief")


@pytest.mark.parametrize("name", ["Inventory-Association", "AWS-QuickSetup-SSMHostMgmt-CollectInventory-ab1cd"])
def test_an_inventory_association_for_all_nodes_satisfies_and_is_never_touched(account: Account, name: str) -> None:
    ssm = account.client("ssm")
    made = ssm.create_association(
        Name="AWS-GatherSoftwareInventory",
        AssociationName=name,
        Targets=[{"Key": "InstanceIds", "Values": ["*"]}],
        ScheduleExpression="rate(12 hours)",
    )["AssociationDescription"]
    assert account.reconcile().ready
    assert not account.remove().left
    (left,) = ssm.list_associations()["Associations"]
    assert left["AssociationId"] == made["AssociationId"]
    assert left["AssociationVersion"] == "1"


def test_a_connector_role_of_ours(make_account: Callable[..., Account]) -> None:
    role = {"name": "qualys-connector", "trustedAccountID": "805950163170", "externalID": "qualys-x1"}
    account = make_account(connector={"role": role})
    report = account.reconcile()
    assert report.ready, problems(report)
    iam = account.client("iam")
    attached = iam.list_attached_role_policies(RoleName="qualys-connector")["AttachedPolicies"]
    assert [p["PolicyName"] for p in attached] == ["qualys-zerotouch-connector"]
    assert account.reconcile().ready
    account.change(connector=None)
    report = account.reconcile()
    changed = {(c.resource.kind, c.action) for s in report.scopes for c in s.changes}
    assert ("ConnectorPolicy", Action.DELETE) in changed
    assert [r["RoleName"] for r in iam.list_roles()["Roles"] if r["Path"] == "/zerotouch/"] == [
        "qualys-zerotouch-events"
    ]


def test_an_existing_connector_role_keeps_all_but_our_attachment(make_account: Callable[..., Account]) -> None:
    account = make_account(existing_connector_role="theirs", connector={"existingRoleName": "theirs"})
    iam = account.client("iam")
    iam.create_role(RoleName="theirs", AssumeRolePolicyDocument='{"Version":"2012-10-17","Statement":[]}')
    report = account.reconcile()
    assert report.ready, problems(report)
    assert len(iam.list_attached_role_policies(RoleName="theirs")["AttachedPolicies"]) == 1
    assert not account.remove().left
    assert iam.list_attached_role_policies(RoleName="theirs")["AttachedPolicies"] == []
    assert iam.get_role(RoleName="theirs")


def leftovers(account: Account) -> list[str]:
    """Everything in the account that the operator could have made."""
    found = held(account.admin, account.id, REGIONS)
    for region in REGIONS:
        found += [s["ARN"] for s in account.client("secretsmanager", region).list_secrets()["SecretList"]]
    return found

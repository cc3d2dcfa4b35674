# ruff: noqa: E501 - the table has one line a row
"""Every field that is set, changed in AWS in turn: found, told by its path, and mended by one pass."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.reconcile.conftest import Account

NAME, ROLE = "qualys-zerotouch", "qualys-zerotouch-events"
CONNECTOR = {"role": {"name": "qualys-connector", "trustedAccountID": "123456789012", "externalID": "e-1"}}
WIDE = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
ANYONE = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
)

Break = Callable[[Account], Any]


def association_id(account: Account) -> str:
    (found,) = account.client("ssm").list_associations()["Associations"]
    return str(found["AssociationId"])


def update_association(account: Account, **changes: Any) -> None:
    ssm, identity = account.client("ssm"), association_id(account)
    found = ssm.describe_association(AssociationId=identity)["AssociationDescription"]
    names = ("AssociationName", "DocumentVersion", "ScheduleExpression", "Targets", "Parameters")
    kept = {name: found[name] for name in names if found.get(name)}
    wanted = {k: v for k, v in {**kept, **changes}.items() if v is not None}
    ssm.update_association(AssociationId=identity, **wanted)


def update_target(account: Account, **changes: Any) -> None:
    events = account.client("events")
    (target,) = events.list_targets_by_rule(Rule=NAME)["Targets"]
    wanted = {k: v for k, v in {**target, **changes}.items() if v is not None}
    events.put_targets(Rule=NAME, Targets=[wanted])


def update_rule(account: Account, **changes: Any) -> None:
    events = account.client("events")
    found = events.describe_rule(Name=NAME)
    kept = {k: found[k] for k in ("Name", "EventPattern", "State", "Description") if found.get(k)}
    events.put_rule(**{**kept, **changes})


def update_connection(account: Account, parameters: dict[str, Any] | None = None, **changes: Any) -> None:
    events = account.client("events")
    kept = {"Name": NAME, "AuthorizationType": "API_KEY"}
    auth = {"ApiKeyAuthParameters": {"ApiKeyName": "X-API-KEY", "ApiKeyValue": "v"}}
    header = {"HeaderParameters": [{"Key": "Authorization", "Value": "x", "IsValueSecret": True}]}
    events.update_connection(
        **{**kept, "AuthParameters": {**auth, "InvocationHttpParameters": parameters or header}, **changes}
    )


def ssm_tags(account: Account) -> dict[str, Any]:
    return {"ResourceType": "Association", "ResourceId": association_id(account)}


def rule_arn(account: Account) -> str:
    return str(account.client("events").describe_rule(Name=NAME)["Arn"])


CASES: list[tuple[str, str, str, Break]] = [
    ("InventoryAssociation", "schedule", "rate(7 days)", lambda a: update_association(a, ScheduleExpression="rate(7 days)")),
    ("InventoryAssociation", "name", "wiped", lambda a: update_association(a, AssociationName=None)),
    ("InventoryAssociation", "targets", "one instance", lambda a: update_association(a, Targets=[{"Key": "InstanceIds", "Values": ["i-1"]}])),
    ("InventoryAssociation", "parameters", "one off", lambda a: update_association(a, Parameters={"applications": ["Disabled"]})),
    ("InventoryAssociation", "documentVersion", "pinned", lambda a: update_association(a, DocumentVersion="1")),
    ("InventoryAssociation", "onlyAtCron", "set", lambda a: update_association(a, ScheduleExpression="cron(0 2 ? * SUN *)", ApplyOnlyAtCronInterval=True)),
    ("InventoryAssociation", "tags", "changed", lambda a: a.client("ssm").add_tags_to_resource(**ssm_tags(a), Tags=[{"Key": "team", "Value": "x"}])),
    ("InventoryAssociation", "tags", "removed", lambda a: a.client("ssm").remove_tags_from_resource(**ssm_tags(a), TagKeys=["team"])),
    ("InventoryAssociation", "exists", "deleted", lambda a: a.client("ssm").delete_association(AssociationId=association_id(a))),
    ("Connection", "headers", "renamed", lambda a: update_connection(a, {"HeaderParameters": [{"Key": "X-Other", "Value": "x", "IsValueSecret": True}]})),
    ("Connection", "headers", "not secret", lambda a: update_connection(a, {"HeaderParameters": [{"Key": "Authorization", "Value": "x", "IsValueSecret": False}]})),
    ("Connection", "queryStrings", "added", lambda a: update_connection(a, {"HeaderParameters": [{"Key": "Authorization", "Value": "x", "IsValueSecret": True}], "QueryStringParameters": [{"Key": "q", "Value": "1", "IsValueSecret": False}]})),
    ("Connection", "bodies", "added", lambda a: update_connection(a, {"HeaderParameters": [{"Key": "Authorization", "Value": "x", "IsValueSecret": True}], "BodyParameters": [{"Key": "b", "Value": "1", "IsValueSecret": False}]})),
    ("Connection", "apiKeyName", "renamed", lambda a: update_connection(a, AuthParameters={"ApiKeyAuthParameters": {"ApiKeyName": "Z", "ApiKeyValue": "v"}, "InvocationHttpParameters": {"HeaderParameters": [{"Key": "Authorization", "Value": "x", "IsValueSecret": True}]}})),
    ("Connection", "authorizationType", "basic", lambda a: update_connection(a, AuthorizationType="BASIC", AuthParameters={"BasicAuthParameters": {"Username": "u", "Password": "p"}})),
    ("Connection", "state", "de-authorized", lambda a: a.client("events").deauthorize_connection(Name=NAME)),
    ("APIDestination", "endpoint", "elsewhere", lambda a: a.client("events").update_api_destination(Name=NAME, InvocationEndpoint="https://evil.example/x")),
    ("APIDestination", "method", "PUT", lambda a: a.client("events").update_api_destination(Name=NAME, HttpMethod="PUT")),
    ("APIDestination", "rateLimitPerSecond", "1", lambda a: a.client("events").update_api_destination(Name=NAME, InvocationRateLimitPerSecond=1)),
    ("Rule", "state", "disabled", lambda a: a.client("events").disable_rule(Name=NAME)),
    ("Rule", "eventPattern", "widened", lambda a: update_rule(a, EventPattern='{"source": ["aws.ec2"]}')),
    ("Rule", "description", "changed", lambda a: update_rule(a, Description="changed")),
    ("Rule", "schedule", "added", lambda a: update_rule(a, ScheduleExpression="rate(1 hour)")),
    ("Rule", "tags", "changed", lambda a: a.client("events").tag_resource(ResourceARN=rule_arn(a), Tags=[{"Key": "team", "Value": "x"}])),
    ("Rule", "targets", "removed", lambda a: a.client("events").remove_targets(Rule=NAME, Ids=["qualys"])),
    ("Rule", "targets", "a second one", lambda a: a.client("events").put_targets(Rule=NAME, Targets=[{"Id": "spy", "Arn": "arn:aws:sqs:us-east-1:123456789012:spy"}])),
    ("Rule", "targets", "retry policy", lambda a: update_target(a, RetryPolicy={"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60})),
    ("Rule", "targets", "an input", lambda a: update_target(a, Input='{"x": 1}')),
    ("ExecutionRole", "trust", "widened", lambda a: a.client("iam").update_assume_role_policy(RoleName=ROLE, PolicyDocument=ANYONE)),
    ("ExecutionRole", "inlinePolicies", "widened", lambda a: a.client("iam").put_role_policy(RoleName=ROLE, PolicyName="invoke-qualys", PolicyDocument=WIDE)),
    ("ExecutionRole", "inlinePolicies", "added", lambda a: a.client("iam").put_role_policy(RoleName=ROLE, PolicyName="more", PolicyDocument=WIDE)),
    ("ExecutionRole", "inlinePolicies", "removed", lambda a: a.client("iam").delete_role_policy(RoleName=ROLE, PolicyName="invoke-qualys")),
    ("ExecutionRole", "attachedPolicies", "added", lambda a: a.client("iam").attach_role_policy(RoleName=ROLE, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")),
    ("ExecutionRole", "tags", "changed", lambda a: a.client("iam").tag_role(RoleName=ROLE, Tags=[{"Key": "team", "Value": "x"}])),
    ("ConnectorRole", "trust", "widened", lambda a: a.client("iam").update_assume_role_policy(RoleName="qualys-connector", PolicyDocument=ANYONE)),
    ("ConnectorRole", "inlinePolicies", "added", lambda a: a.client("iam").put_role_policy(RoleName="qualys-connector", PolicyName="more", PolicyDocument=WIDE)),
    ("ConnectorPolicy", "document", "widened", lambda a: a.client("iam").create_policy_version(PolicyArn=f"arn:aws:iam::{a.id}:policy/zerotouch/{NAME}-connector", PolicyDocument=WIDE, SetAsDefault=True)),
    ("ConnectorPolicy", "attachedTo", "detached", lambda a: a.client("iam").detach_role_policy(RoleName="qualys-connector", PolicyArn=f"arn:aws:iam::{a.id}:policy/zerotouch/{NAME}-connector")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "field", "how", "change"), CASES, ids=[f"{c[0]}.{c[1]}-{c[2]}" for c in CASES])
def test_found_told_and_mended(
    make_account: Callable[..., Account], kind: str, field: str, how: str, change: Break
) -> None:
    account = make_account(regions={"names": ["us-east-1"]}, connector=CONNECTOR)
    assert account.reconcile().ready
    change(account)
    report = account.reconcile()
    drifts = [drift for scope in report.scopes for drift in scope.drifts]
    assert {d.resource.kind for d in drifts} == {kind}
    assert any(d.difference.path.split(".")[0] == field for d in drifts), [d.difference.path for d in drifts]
    if not all(d.mended for d in drifts):
        # De-authorizing and authorizing a connection take AWS a moment.
        report = account.reconcile()
    assert report.ready
    again = account.reconcile()
    assert again.ready
    assert all(scope.changes == () for scope in again.scopes)

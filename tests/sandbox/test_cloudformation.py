"""CloudFormation types that the sandbox adds: names, Ref and GetAtt as the template reference documents them."""

import json
import re
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from sandbox.aws.admin import Admin

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
AUTH = {
    "ApiKeyAuthParameters": {"ApiKeyName": "X-API-KEY", "ApiKeyValue": "canary-key"},
    "InvocationHttpParameters": {
        "HeaderParameters": [{"Key": "Authorization", "Value": "Bearer canary", "IsValueSecret": True}]
    },
}
CONNECTION = {"Type": "AWS::Events::Connection", "Properties": {"AuthorizationType": "API_KEY", "AuthParameters": AUTH}}
DESTINATION = {
    "Type": "AWS::Events::ApiDestination",
    "Properties": {
        "Name": "d",
        "ConnectionArn": {"Fn::GetAtt": ["C", "Arn"]},
        "InvocationEndpoint": "https://example.com/x",
        "HttpMethod": "POST",
        "InvocationRateLimitPerSecond": "7",
    },
}
ASSOCIATION = {
    "Type": "AWS::SSM::Association",
    "Properties": {
        "Name": "AWS-GatherSoftwareInventory",
        "AssociationName": "inventory",
        "ScheduleExpression": "rate(30 minutes)",
        "Targets": [{"Key": "InstanceIds", "Values": ["*"]}],
        "Parameters": {"applications": ["Enabled"]},
        "Tags": [{"Key": "k", "Value": "v"}],
    },
}
PATIENCE = {"Delay": 1, "MaxAttempts": 60}


class NotMade(Exception):
    """The stack was rolled back; the reasons of its resources."""


class Stack:
    """One stack of one account."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def create(self, resources: dict[str, Any], name: str = "s", **sections: Any) -> dict[str, str]:
        """Answers the outputs. Raises NotMade where the stack was rolled back."""
        body = json.dumps({"Resources": resources, **sections})
        self.client.create_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
        try:
            self.client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=PATIENCE)
        except WaiterError:
            events = self.client.describe_stack_events(StackName=name)["StackEvents"]
            raise NotMade([e["ResourceStatusReason"] for e in events if e.get("ResourceStatusReason")]) from None
        return self.outputs(name)

    def update(self, resources: dict[str, Any]) -> None:
        self.client.update_stack(StackName="s", TemplateBody=json.dumps({"Resources": resources}))
        self.client.get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig=PATIENCE)

    def delete(self) -> None:
        self.client.delete_stack(StackName="s")
        self.client.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig=PATIENCE)

    def outputs(self, name: str = "s") -> dict[str, str]:
        (stack,) = self.client.describe_stacks(StackName=name)["Stacks"]
        return {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}


@pytest.fixture
def stack(admin: Admin, account_id: str) -> Stack:
    return Stack(admin.client("cloudformation", account_id))


def outputs(*wanted: tuple[str, str | None]) -> dict[str, Any]:
    """One output for each (resource, attribute); without an attribute its Ref."""
    values = {
        f"{name}{attribute or 'Ref'}": {"Fn::GetAtt": [name, attribute]} if attribute else {"Ref": name}
        for name, attribute in wanted
    }
    return {key: {"Value": value} for key, value in values.items()}


def test_a_connection_and_a_destination(admin: Admin, account_id: str, stack: Stack) -> None:
    attributes = (("C", None), ("C", "Arn"), ("C", "SecretArn"), ("C", "ArnForPolicy"), ("D", None), ("D", "Arn"))
    told = stack.create({"C": CONNECTION, "D": DESTINATION}, Outputs=outputs(*attributes))
    events = admin.client("events", account_id)
    connection = events.describe_connection(Name=told["CRef"])
    assert re.fullmatch(rf"arn:aws:events:us-east-1:{account_id}:connection/{told['CRef']}/{UUID}", told["CArn"])
    assert told["CArn"] == connection["ConnectionArn"]
    assert told["CSecretArn"] == connection["SecretArn"]
    assert told["CArnForPolicy"] == told["CArn"].rpartition("/")[0]
    assert told["CRef"].startswith("s-C-")
    (header,) = connection["AuthParameters"]["InvocationHttpParameters"]["HeaderParameters"]
    assert header == {"Key": "Authorization", "IsValueSecret": True}
    destination = events.describe_api_destination(Name=told["DRef"])
    assert (told["DRef"], told["DArn"]) == ("d", destination["ApiDestinationArn"])
    assert destination["InvocationRateLimitPerSecond"] == 7


def test_an_association(admin: Admin, account_id: str, stack: Stack) -> None:
    told = stack.create({"A": ASSOCIATION}, Outputs=outputs(("A", None), ("A", "AssociationId")))
    assert told["ARef"] == told["AAssociationId"]
    ssm = admin.client("ssm", account_id)
    found = ssm.describe_association(AssociationId=told["ARef"])["AssociationDescription"]
    assert (found["AssociationName"], found["Parameters"]) == ("inventory", {"applications": ["Enabled"]})
    tags = ssm.list_tags_for_resource(ResourceType="Association", ResourceId=told["ARef"])["TagList"]
    assert {"Key": "k", "Value": "v"} in tags


def test_updates_change_what_is_there(admin: Admin, account_id: str, stack: Stack) -> None:
    stack.create({"C": CONNECTION, "D": DESTINATION, "A": ASSOCIATION})
    events, ssm = admin.client("events", account_id), admin.client("ssm", account_id)
    before = events.describe_api_destination(Name="d")["ApiDestinationArn"]
    (association,) = ssm.list_associations()["Associations"]
    changed = {
        "C": {**CONNECTION, "Properties": {**CONNECTION["Properties"], "Description": "new"}},
        "D": {**DESTINATION, "Properties": {**DESTINATION["Properties"], "InvocationRateLimitPerSecond": 9}},
        "A": {**ASSOCIATION, "Properties": {**ASSOCIATION["Properties"], "ScheduleExpression": "rate(1 hour)"}},
    }
    stack.update(changed)
    destination = events.describe_api_destination(Name="d")
    assert (destination["ApiDestinationArn"], destination["InvocationRateLimitPerSecond"]) == (before, 9)
    (connection,) = events.list_connections()["Connections"]
    assert events.describe_connection(Name=connection["Name"])["Description"] == "new"
    found = ssm.describe_association(AssociationId=association["AssociationId"])["AssociationDescription"]
    assert found["ScheduleExpression"] == "rate(1 hour)"


def test_deletion_removes_and_retention_keeps(admin: Admin, account_id: str, stack: Stack) -> None:
    kept = {**ASSOCIATION, "DeletionPolicy": "RetainExceptOnCreate"}
    stack.create({"C": CONNECTION, "D": DESTINATION, "A": kept})
    stack.delete()
    events = admin.client("events", account_id)
    assert events.list_connections()["Connections"] == []
    assert events.list_api_destinations()["ApiDestinations"] == []
    assert len(admin.client("ssm", account_id).list_associations()["Associations"]) == 1


ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {"RoleName": "r", "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
}
POLICY = {
    "Type": "AWS::IAM::ManagedPolicy",
    "Properties": {"ManagedPolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": []}},
}
RULE = {"Type": "AWS::Events::Rule", "Properties": {"Name": "u", "EventPattern": {"source": ["aws.ec2"]}}}


@pytest.mark.parametrize("resource", [ROLE, POLICY, RULE, DESTINATION, ASSOCIATION], ids=lambda r: str(r["Type"]))
def test_a_name_that_is_taken_fails_the_stack(stack: Stack, resource: dict[str, Any]) -> None:
    needed = {"C": CONNECTION} if resource is DESTINATION else {}
    stack.create({"X": resource, **needed}, "first")
    with pytest.raises(NotMade):
        stack.create({"X": resource, **needed}, "second")


def test_a_boundary_is_kept(admin: Admin, account_id: str, stack: Stack) -> None:
    boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
    stack.create({"R": {**ROLE, "Properties": {**ROLE["Properties"], "PermissionsBoundary": boundary}}})
    role = admin.client("iam", account_id).get_role(RoleName="r")["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary


def test_a_policy_for_a_role_that_does_not_exist_fails_the_stack(stack: Stack) -> None:
    with pytest.raises(NotMade):
        stack.create({"P": {**POLICY, "Properties": {**POLICY["Properties"], "Roles": ["nobody"]}}})


def test_conditions_know_the_region(admin: Admin, account_id: str, stack: Stack) -> None:
    here = {"Here": {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}}
    elsewhere = {"Elsewhere": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}}
    conditional = {"R": {**ROLE, "Condition": "Here"}, "P": {**POLICY, "Condition": "Elsewhere"}}
    stack.create(conditional, Conditions={**here, **elsewhere})
    iam = admin.client("iam", account_id)
    assert iam.get_role(RoleName="r")
    assert iam.list_policies(Scope="Local")["Policies"] == []

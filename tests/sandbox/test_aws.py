"""The emulator against what AWS documents: each behaviour that the operator relies on, one at a time.

Sources: API references of EventBridge, Systems Manager, IAM and EC2; answers of the real service recorded in the snapshots
of LocalStack and in the code of terraform-provider-aws, where the references are silent.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox.aws.admin import Admin
from sandbox.gateway.admin import GatewayAdmin
from sandbox.processes import wait_until
from sandbox.state import Sandbox

PATTERN = '{"source": ["aws.ec2"], "detail-type": ["EC2 Instance State-change Notification"], "detail": {"state": ["running"]}}'
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
INVENTORY = "AWS-GatherSoftwareInventory"
ALL_NODES = [{"Key": "InstanceIds", "Values": ["*"]}]
EVENTS_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def refused(code: str, call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code
    return str(caught.value.response["Error"]["Message"])


def auth(secret: bool = True) -> dict[str, Any]:
    header = {"Key": "Authorization", "Value": "Bearer canary", "IsValueSecret": secret}
    return {
        "ApiKeyAuthParameters": {"ApiKeyName": "X-API-KEY", "ApiKeyValue": "canary-key"},
        "InvocationHttpParameters": {"HeaderParameters": [header]},
    }


def execution_role(iam: Any) -> str:
    """A role with which EventBridge may call any API destination."""
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(EVENTS_TRUST))["Role"]
    allow = {"Effect": "Allow", "Action": "events:InvokeApiDestination", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [allow]}
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps(policy))
    return str(role["Arn"])


@pytest.fixture
def events(admin: Admin, account_id: str) -> Any:
    return admin.client("events", account_id)


@pytest.fixture
def ssm(admin: Admin, account_id: str) -> Any:
    return admin.client("ssm", account_id)


@pytest.fixture
def iam(admin: Admin, account_id: str) -> Any:
    return admin.client("iam", account_id)


@pytest.fixture
def connection(events: Any) -> str:
    answer = events.create_connection(Name="c", AuthorizationType="API_KEY", AuthParameters=auth())
    return str(answer["ConnectionArn"])


def test_a_connection_is_authorized_at_once_and_its_arn_has_a_uuid(events: Any) -> None:
    answer = events.create_connection(Name="c", AuthorizationType="API_KEY", AuthParameters=auth())
    assert answer["ConnectionState"] == "AUTHORIZED"
    assert re.fullmatch(rf"arn:aws:events:us-east-1:\d{{12}}:connection/c/{UUID}", answer["ConnectionArn"])


def test_secret_values_are_never_answered(events: Any, connection: str) -> None:
    answer = events.describe_connection(Name="c")
    assert "canary" not in json.dumps(answer, default=str)
    assert answer["AuthParameters"]["ApiKeyAuthParameters"] == {"ApiKeyName": "X-API-KEY"}
    (header,) = answer["AuthParameters"]["InvocationHttpParameters"]["HeaderParameters"]
    assert header == {"Key": "Authorization", "IsValueSecret": True}
    assert answer["SecretArn"].startswith("arn:aws:secretsmanager:us-east-1:")


def test_a_value_that_is_not_secret_is_answered(events: Any) -> None:
    events.create_connection(Name="c", AuthorizationType="API_KEY", AuthParameters=auth(secret=False))
    answer = events.describe_connection(Name="c")
    (header,) = answer["AuthParameters"]["InvocationHttpParameters"]["HeaderParameters"]
    assert header["Value"] == "Bearer canary"


def test_a_second_connection_of_that_name_is_refused(events: Any, connection: str) -> None:
    refused(
        "ResourceAlreadyExistsException",
        events.create_connection,
        Name="c",
        AuthorizationType="API_KEY",
        AuthParameters=auth(),
    )


def test_an_update_keeps_the_secret(events: Any, connection: str) -> None:
    before = events.describe_connection(Name="c")["SecretArn"]
    events.update_connection(Name="c", AuthorizationType="API_KEY", AuthParameters=auth())
    assert events.describe_connection(Name="c")["SecretArn"] == before


def test_what_is_missing_is_told(events: Any, ssm: Any, iam: Any) -> None:
    refused("ResourceNotFoundException", events.describe_connection, Name="none")
    refused("ResourceNotFoundException", events.describe_api_destination, Name="none")
    refused("ResourceNotFoundException", events.describe_rule, Name="none")
    refused("ResourceNotFoundException", events.list_targets_by_rule, Rule="none")
    refused("ResourceNotFoundException", events.remove_targets, Rule="none", Ids=["x"])
    refused("AssociationDoesNotExist", ssm.describe_association, AssociationId="00000000-0000-0000-0000-000000000000")
    refused("NoSuchEntity", iam.get_role, RoleName="none")
    refused("NoSuchEntity", iam.attach_role_policy, RoleName="none", PolicyArn="arn:aws:iam::aws:policy/none")


def test_an_api_destination_has_a_uuid_and_a_default_rate(events: Any, connection: str) -> None:
    arguments = {"ConnectionArn": connection, "InvocationEndpoint": "https://a.example/x", "HttpMethod": "POST"}
    arn = events.create_api_destination(Name="d", **arguments)["ApiDestinationArn"]
    assert re.fullmatch(rf"arn:aws:events:us-east-1:\d{{12}}:api-destination/d/{UUID}", arn)
    assert events.describe_api_destination(Name="d")["InvocationRateLimitPerSecond"] == 300


def test_an_endpoint_without_tls_is_refused(events: Any, connection: str) -> None:
    arguments = {"ConnectionArn": connection, "InvocationEndpoint": "http://a.example/x", "HttpMethod": "POST"}
    refused("ValidationException", events.create_api_destination, Name="d", **arguments)


def test_put_rule_is_a_full_replace(events: Any) -> None:
    events.put_rule(Name="r", EventPattern=PATTERN, Description="text", State="DISABLED")
    events.put_rule(Name="r", EventPattern=PATTERN)
    rule = events.describe_rule(Name="r")
    assert ("Description" not in rule, rule["State"]) == (True, "ENABLED")


def test_a_rule_with_targets_cannot_be_deleted_and_a_second_deletion_succeeds(events: Any) -> None:
    events.put_rule(Name="r", EventPattern=PATTERN)
    events.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": "arn:aws:sqs:us-east-1:123456789012:q"}])
    assert "targets" in refused("ValidationException", events.delete_rule, Name="r")
    events.remove_targets(Rule="r", Ids=["t"])
    events.delete_rule(Name="r")
    events.delete_rule(Name="r")


def test_rules_of_a_target_are_those_of_one_bus(events: Any, account_id: str) -> None:
    arn = "arn:aws:sqs:us-east-1:123456789012:q"
    events.create_event_bus(Name="b")
    for rule, bus in (("r", "default"), ("on-b", "b")):
        events.put_rule(Name=rule, EventBusName=bus, EventPattern=PATTERN)
        events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "t", "Arn": arn}])
    assert events.list_rule_names_by_target(TargetArn=arn)["RuleNames"] == ["r"]
    assert events.list_rule_names_by_target(TargetArn=arn, EventBusName="b")["RuleNames"] == ["on-b"]
    assert events.list_rule_names_by_target(TargetArn=f"{arn}2")["RuleNames"] == []


def test_an_association_update_nulls_what_it_leaves_out(ssm: Any) -> None:
    created = ssm.create_association(
        Name=INVENTORY, AssociationName="a-name", Targets=ALL_NODES, ScheduleExpression="rate(30 minutes)"
    )["AssociationDescription"]
    ssm.update_association(AssociationId=created["AssociationId"], ScheduleExpression="rate(1 hour)")
    found = ssm.describe_association(AssociationId=created["AssociationId"])["AssociationDescription"]
    assert (found.get("AssociationName"), found.get("Targets"), found["AssociationVersion"]) == (None, None, "2")


def test_a_second_association_for_all_nodes_is_refused_but_names_are_not_unique(ssm: Any) -> None:
    ssm.create_association(Name=INVENTORY, AssociationName="a-name", Targets=ALL_NODES)
    message = refused("ValidationException", ssm.create_association, Name=INVENTORY, Targets=ALL_NODES)
    assert "Multiple apply all associations" in message
    tagged = [{"Key": "tag:a", "Values": ["b"]}]
    ssm.create_association(Name=INVENTORY, AssociationName="a-name", Targets=tagged)
    assert len(ssm.list_associations()["Associations"]) == 2


def test_a_list_of_associations_holds_no_parameters(ssm: Any) -> None:
    ssm.create_association(Name=INVENTORY, Targets=ALL_NODES, Parameters={"applications": ["Enabled"]})
    (found,) = ssm.list_associations()["Associations"]
    assert "Parameters" not in found
    assert found["Targets"] == ALL_NODES


def test_constraints_of_the_service_models_are_checked(events: Any, ssm: Any) -> None:
    refused("ValidationException", events.put_rule, Name="r" * 65, EventPattern=PATTERN)
    refused("ValidationException", events.put_rule, Name="a b", EventPattern=PATTERN)
    long = auth()
    long["InvocationHttpParameters"]["HeaderParameters"][0]["Value"] = "x" * 513
    refused("ValidationException", events.create_connection, Name="c", AuthorizationType="API_KEY", AuthParameters=long)
    refused("ValidationException", ssm.create_association, Name=INVENTORY, AssociationName="a")


def test_a_role_with_a_policy_cannot_be_deleted(iam: Any) -> None:
    execution_role(iam)
    refused("DeleteConflict", iam.delete_role, RoleName="r")


def test_regions_that_are_not_enabled(admin: Admin, account_id: str) -> None:
    admin.set_regions(account_id, ["us-east-1"])
    answer = admin.client("ec2", account_id).describe_regions(AllRegions=True)["Regions"]
    status = {r["RegionName"]: r["OptInStatus"] for r in answer}
    assert (status["us-east-1"], status["eu-west-1"]) == ("opt-in-not-required", "not-opted-in")
    refused("UnrecognizedClientException", admin.client("events", account_id, "eu-west-1").list_rules)


def test_an_instance_start_passes_through_its_states_and_is_delivered_with_the_headers(
    admin: Admin, cloud: Sandbox, gateway: GatewayAdmin, events: Any, iam: Any, account_id: str
) -> None:
    role = execution_role(iam)
    parameters = auth()
    parameters["InvocationHttpParameters"]["HeaderParameters"][0]["Value"] = f"Bearer {gateway.mint()}"
    parameters["ApiKeyAuthParameters"]["ApiKeyValue"] = "QFLOW-SSM-EVALUATION"
    connection = events.create_connection(Name="c", AuthorizationType="API_KEY", AuthParameters=parameters)
    destination = events.create_api_destination(
        Name="d",
        ConnectionArn=connection["ConnectionArn"],
        InvocationEndpoint=f"{cloud.gateway_url}/qflow/aws-eb",
        HttpMethod="POST",
    )["ApiDestinationArn"]
    every_state = json.loads(PATTERN)
    del every_state["detail"]
    events.put_rule(Name="r", EventPattern=json.dumps(every_state))
    events.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": destination, "RoleArn": role}])
    instance = admin.start_instance(account_id, "us-east-1")
    for state in ("pending", "running"):
        gateway.wait_for_event(lambda e, s=state: e["instance"] == instance and e["state"] == s)  # type: ignore[misc]
    # EventBridge promises no order.
    assert {e["state"] for e in gateway.events() if e["instance"] == instance} == {"pending", "running"}


def test_a_refused_token_deauthorizes_the_connection(
    admin: Admin, cloud: Sandbox, events: Any, iam: Any, account_id: str
) -> None:
    role = execution_role(iam)
    connection = events.create_connection(Name="c", AuthorizationType="API_KEY", AuthParameters=auth())
    destination = events.create_api_destination(
        Name="d",
        ConnectionArn=connection["ConnectionArn"],
        InvocationEndpoint=f"{cloud.gateway_url}/qflow/aws-eb",
        HttpMethod="POST",
    )["ApiDestinationArn"]
    events.put_rule(Name="r", EventPattern=PATTERN)
    events.put_targets(Rule="r", Targets=[{"Id": "t", "Arn": destination, "RoleArn": role}])
    admin.start_instance(account_id, "us-east-1")
    wait_until(lambda: events.describe_connection(Name="c")["ConnectionState"] == "DEAUTHORIZED")


def test_instances_as_ssm_sees_them(admin: Admin, ssm: Any, account_id: str) -> None:
    fine, lost, unmanaged, stopped = (admin.start_instance(account_id, "us-east-1") for _ in range(4))
    admin.set_agent(account_id, "us-east-1", lost, ping="ConnectionLost", inventory_age=90_000.0)
    admin.set_agent(account_id, "us-east-1", unmanaged, ping=None)
    admin.client("ec2", account_id).stop_instances(InstanceIds=[stopped])
    managed = [{"Key": "ResourceType", "Values": ["EC2Instance"]}]
    known = ssm.describe_instance_information(Filters=managed)["InstanceInformationList"]
    assert {i["InstanceId"]: i["PingStatus"] for i in known} == {fine: "Online", lost: "ConnectionLost"}
    assert {(i["PlatformName"], i["PlatformVersion"]) for i in known} == {("Amazon Linux", "2023")}
    entities = {e["Id"]: e["Data"]["AWS:InstanceInformation"] for e in ssm.get_inventory()["Entities"]}
    states = {identity: item["Content"][0]["InstanceStatus"] for identity, item in entities.items()}
    assert states == {fine: "Active", lost: "ConnectionLost", stopped: "Stopped"}
    entries = ssm.list_inventory_entries(InstanceId=fine, TypeName="AWS:InstanceInformation")
    assert entries["Entries"][0]["PlatformType"] == "Linux"
    refused(
        "InvalidInstanceId", ssm.describe_instance_information, Filters=[{"Key": "InstanceIds", "Values": ["nope"]}]
    )


def test_inventory_by_type_and_status(admin: Admin, ssm: Any, account_id: str) -> None:
    fine, stale, never, lost = (admin.start_instance(account_id, "us-east-1") for _ in range(4))
    admin.set_agent(account_id, "us-east-1", stale, inventory_age=90_000.0)
    admin.set_agent(account_id, "us-east-1", never, inventory_age=None)
    admin.set_agent(account_id, "us-east-1", lost, ping="ConnectionLost")
    name = "AWS:InstanceDetailedInformation"
    active = [{"Key": "AWS:InstanceInformation.InstanceStatus", "Values": ["Active"], "Type": "Equal"}]
    found = ssm.get_inventory(ResultAttributes=[{"TypeName": name}], Filters=active)["Entities"]
    data = {entity["Id"]: entity["Data"] for entity in found}
    assert data.keys() == {fine, stale, never}
    # The agent reports itself; what an association collects is missing until one has run.
    assert data[never] == {}
    assert data[stale][name]["CaptureTime"] < data[fine][name]["CaptureTime"]
    refused("InvalidTypeNameException", ssm.get_inventory, ResultAttributes=[{"TypeName": "AWS:Nothing"}])


def test_default_host_management_is_a_service_setting(ssm: Any) -> None:
    name = "/ssm/managed-instance/default-ec2-instance-management-role"
    assert ssm.get_service_setting(SettingId=name)["ServiceSetting"]["Status"] == "Default"
    ssm.update_service_setting(SettingId=name, SettingValue="AWSSystemsManagerDefaultEC2InstanceManagementRole")
    assert ssm.get_service_setting(SettingId=name)["ServiceSetting"]["Status"] == "Customized"


def test_pages_of_instances(admin: Admin, account_id: str) -> None:
    ec2 = admin.client("ec2", account_id)
    started = {admin.start_instance(account_id, "us-east-1") for _ in range(6)}
    profiled = admin.start_instance(account_id, "us-east-1", IamInstanceProfile={"Name": "ssm"})
    first = ec2.describe_instances(MaxResults=5)
    second = ec2.describe_instances(MaxResults=5, NextToken=first["NextToken"])
    both = [i for page in (first, second) for r in page["Reservations"] for i in r["Instances"]]
    assert {i["InstanceId"] for i in both} == {*started, profiled}
    assert [i["InstanceId"] for i in both if i.get("IamInstanceProfile")] == [profiled]
    assert len(first["Reservations"]) == 5
    assert "NextToken" not in second
    refused("InvalidParameterValue", ec2.describe_instances, MaxResults=4)


def test_pages(admin: Admin, ssm: Any, account_id: str) -> None:
    started = {admin.start_instance(account_id, "us-east-1") for _ in range(6)}
    first = ssm.describe_instance_information(MaxResults=5)
    second = ssm.describe_instance_information(MaxResults=5, NextToken=first["NextToken"])
    both = [*first["InstanceInformationList"], *second["InstanceInformationList"]]
    assert {i["InstanceId"] for i in both} == started
    assert "NextToken" not in second


def test_iam_is_enforced_with_resources_and_pass_role(admin: Admin, account_id: str) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "events:Put*", "Resource": f"arn:aws:events:*:{account_id}:rule/mine"},
        ],
    }
    iam = admin.client("iam", account_id)
    iam.create_user(UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="u")["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
    events = session.client("events", endpoint_url=admin.endpoint)
    events.put_rule(Name="mine", EventPattern=PATTERN)
    refused("AccessDeniedException", events.put_rule, Name="theirs", EventPattern=PATTERN)
    refused("AccessDeniedException", events.list_rules)
    target = {
        "Id": "t",
        "Arn": f"arn:aws:events:us-east-1:{account_id}:api-destination/d/x",
        "RoleArn": f"arn:aws:iam::{account_id}:role/r",
    }
    message = refused("AccessDeniedException", events.put_targets, Rule="mine", Targets=[target])
    assert "iam:PassRole" in message

"""The emulated events that tell of changes: CloudTrail's, those of connections, and how they travel between buses.

Sources: CloudTrail and EventBridge user guides; API references of LookupEvents, PutPermission and PutTargets.
"""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from sandbox.aws.admin import Admin
from sandbox.processes import wait_until
from tests.sandbox.test_aws import EVENTS_TRUST, auth, refused

CENTRAL = "777777777777"
CLOUDTRAIL = json.dumps({"detail-type": ["AWS API Call via CloudTrail"]})


class Bus:
    """A bus of the central account with a rule and a queue behind it."""

    def __init__(self, admin: Admin, name: str) -> None:
        self.admin, self.name = admin, name
        self.events, self.sqs = admin.client("events", CENTRAL), admin.client("sqs", CENTRAL)
        self.arn = self.events.create_event_bus(Name=name)["EventBusArn"]
        self.url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.queue_arn = f"arn:aws:sqs:us-east-1:{CENTRAL}:{name}"
        rule = self.events.put_rule(Name="r", EventBusName=name, EventPattern='{"source": [{"prefix": ""}]}')
        self.events.put_targets(Rule="r", EventBusName=name, Targets=[{"Id": "q", "Arn": self.queue_arn}])
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule["RuleArn"]}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        self.sqs.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy})

    def admit(self, account: str) -> None:
        allow = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "events:PutEvents", "Resource": self.arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "a", **allow}]})
        self.events.put_permission(EventBusName=self.name, Policy=policy)

    def received(self) -> list[dict[str, Any]]:
        found = []
        while messages := self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(m["Body"]) for m in messages]
        return found


@pytest.fixture
def bus(admin: Admin, account_id: str) -> Bus:
    return Bus(admin, f"b{account_id}")


@pytest.fixture
def forwarding(admin: Admin, account_id: str, bus: Bus) -> Callable[[str, str], None]:
    """Makes a rule in a region of the account that forwards to the central bus."""

    def make(region: str, pattern: str = CLOUDTRAIL) -> None:
        iam = admin.client("iam", account_id)
        iam.create_role(RoleName="f", AssumeRolePolicyDocument=json.dumps(EVENTS_TRUST))
        allow = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus.arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        iam.put_role_policy(RoleName="f", PolicyName="p", PolicyDocument=policy)
        events = admin.client("events", account_id, region)
        events.put_rule(Name="detect", EventPattern=pattern)
        target = {"Id": "c", "Arn": bus.arn, "RoleArn": f"arn:aws:iam::{account_id}:role/f"}
        events.put_targets(Rule="detect", Targets=[target])
        bus.received()

    return make


def test_a_write_travels_to_the_central_queue_and_keeps_account_and_region(
    admin: Admin, account_id: str, bus: Bus, forwarding: Callable[..., None]
) -> None:
    bus.admit(account_id)
    forwarding("eu-west-1")
    events = admin.client("events", account_id, "eu-west-1")
    events.put_rule(Name="r", EventPattern='{"source": ["x"]}')
    events.describe_rule(Name="r")
    (event,) = bus.received()
    assert (event["account"], event["region"], event["source"]) == (account_id, "eu-west-1", "aws.events")
    detail = event["detail"]
    assert (detail["eventName"], detail["requestParameters"]["name"]) == ("PutRule", "r")
    assert detail["userIdentity"]["arn"] == f"arn:aws:iam::{account_id}:root"
    assert "errorCode" not in detail


def test_without_the_bus_policy_nothing_arrives(
    admin: Admin, account_id: str, bus: Bus, forwarding: Callable[..., None]
) -> None:
    forwarding("us-east-1")
    admin.client("events", account_id).put_rule(Name="r", EventPattern='{"source": ["x"]}')
    assert bus.received() == []


@pytest.mark.parametrize("other", [{"Effect": "Deny"}, {"Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}])
def test_a_role_that_eventbridge_may_not_assume_any_more_forwards_nothing(
    admin: Admin, account_id: str, bus: Bus, forwarding: Callable[..., None], other: dict[str, Any]
) -> None:
    bus.admit(account_id)
    forwarding("us-east-1")
    events, iam = admin.client("events", account_id), admin.client("iam", account_id)
    allow: dict[str, Any] = EVENTS_TRUST["Statement"][0]  # type: ignore[assignment]
    ours = {"Condition": {"StringEquals": {"aws:SourceAccount": account_id}}}
    for changes, arrived in ((ours, 1), (other, 0), ({}, 1)):
        trust = {"Version": "2012-10-17", "Statement": [{**allow, **changes}]}
        iam.update_assume_role_policy(RoleName="f", PolicyDocument=json.dumps(trust))
        bus.received()
        events.put_rule(Name="r", EventPattern='{"source": ["x"]}')
        assert len(bus.received()) == arrived


def test_an_event_makes_one_hop(admin: Admin, account_id: str, bus: Bus, forwarding: Callable[..., None]) -> None:
    bus.admit(account_id)
    forwarding("us-east-1")
    second = Bus(admin, f"{bus.name}-second")
    second.admit(CENTRAL)
    iam = admin.client("iam", CENTRAL)
    name = f"hop{account_id}"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(EVENTS_TRUST))
    allow = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*"}
    iam.put_role_policy(
        RoleName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    )
    abroad = admin.client("events", CENTRAL, "eu-west-1").create_event_bus(Name=bus.name)["EventBusArn"]
    target = {"Id": "h", "Arn": abroad, "RoleArn": f"arn:aws:iam::{CENTRAL}:role/{name}"}
    bus.events.put_targets(Rule="r", EventBusName=bus.name, Targets=[target])
    bus.received()
    admin.client("events", account_id).put_rule(Name="r", EventPattern='{"source": ["x"]}')
    assert len(bus.received()) == 1


def test_iam_is_told_in_one_region_and_refusals_carry_their_code(
    admin: Admin, account_id: str, bus: Bus, forwarding: Callable[..., None]
) -> None:
    bus.admit(account_id)
    forwarding("us-east-1", json.dumps({"source": ["aws.iam"]}))
    iam = admin.client("iam", account_id, "eu-west-1")
    iam.tag_role(RoleName="f", Tags=[{"Key": "a", "Value": "b"}])
    refused("NoSuchEntity", iam.tag_role, RoleName="none", Tags=[{"Key": "a", "Value": "b"}])
    told = [(e["region"], e["detail"]["eventName"], e["detail"].get("errorCode")) for e in bus.received()]
    assert told == [("us-east-1", "TagRole", None), ("us-east-1", "TagRole", "NoSuchEntity")]


def test_who_did_it(admin: Admin, account_id: str) -> None:
    iam = admin.client("iam", account_id)
    iam.create_user(UserName="alice")
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=json.dumps(allow))
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")
    events = session.client("events", endpoint_url=admin.endpoint)
    events.create_connection(Name="c", AuthorizationType="API_KEY", AuthParameters=auth())
    trail = admin.client("cloudtrail", account_id)
    by_name = [{"AttributeKey": "EventName", "AttributeValue": "CreateConnection"}]
    (found,) = trail.lookup_events(LookupAttributes=by_name)["Events"]
    detail = json.loads(found["CloudTrailEvent"])
    assert detail["userIdentity"]["arn"] == f"arn:aws:iam::{account_id}:user/alice"
    assert "canary" not in found["CloudTrailEvent"]
    two = [*by_name, {"AttributeKey": "ReadOnly", "AttributeValue": "false"}]
    refused("InvalidLookupAttributesException", trail.lookup_events, LookupAttributes=two)
    admin.set_trail(account_id, lookup_delay=600.0)
    assert trail.lookup_events(LookupAttributes=by_name)["Events"] == []


def test_states_of_a_connection_need_no_trail(
    admin: Admin, account_id: str, bus: Bus, forwarding: Callable[..., None]
) -> None:
    bus.admit(account_id)
    admin.set_trail(account_id, logging=False)
    forwarding("us-east-1", json.dumps({"source": ["aws.events"]}))
    events = admin.client("events", account_id)
    events.create_connection(Name="c", AuthorizationType="API_KEY", AuthParameters=auth())
    events.deauthorize_connection(Name="c")
    told = [(e["detail-type"], e["detail"]["ConnectionName"]) for e in bus.received()]
    assert ("Connection Authorized", "c") in told
    assert told[-1] == ("Connection Deauthorized", "c")


def test_a_trail_may_be_late(admin: Admin, account_id: str, bus: Bus, forwarding: Callable[..., None]) -> None:
    bus.admit(account_id)
    forwarding("us-east-1")
    admin.set_trail(account_id, event_delay=1.0)
    admin.client("events", account_id).put_rule(Name="r", EventPattern='{"source": ["x"]}')
    assert bus.received() == []
    wait_until(lambda: len(bus.received()) == 1)


def test_a_bus_as_target_takes_no_inputs_and_needs_a_role(admin: Admin, account_id: str, bus: Bus) -> None:
    events = admin.client("events", account_id)
    events.put_rule(Name="r", EventPattern=CLOUDTRAIL)
    refused("ValidationException", events.put_targets, Rule="r", Targets=[{"Id": "t", "Arn": bus.arn}])
    target = {"Id": "t", "Arn": bus.arn, "RoleArn": f"arn:aws:iam::{account_id}:role/f", "Input": "{}"}
    refused("ValidationException", events.put_targets, Rule="r", Targets=[target])


def test_a_bus_policy_has_a_size(admin: Admin, bus: Bus) -> None:
    many = [f"{n:012d}" for n in range(1, 1001)]
    allow = {"Effect": "Allow", "Principal": {"AWS": many}, "Action": "events:PutEvents", "Resource": bus.arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    refused("PolicyLengthExceededException", bus.events.put_permission, EventBusName=bus.name, Policy=policy)

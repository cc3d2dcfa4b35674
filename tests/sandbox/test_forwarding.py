"""A rule whose target is the default bus of another region of the same account, in the emulator.

Source: EventBridge user guide, "Sending and receiving events between Regions"; API reference, PutTargets and Target.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.aws.admin import Admin
from sandbox.processes import wait_until
from tests.sandbox.test_aws import EVENTS_TRUST, PATTERN, refused

HERE, THERE, FURTHER = "eu-west-1", "us-east-1", "us-west-2"
Put = Callable[..., None]


@pytest.fixture
def role(admin: Admin, account_id: str) -> str:
    """It may put events on any bus."""
    iam = admin.client("iam", account_id)
    arn = iam.create_role(RoleName="f", AssumeRolePolicyDocument=json.dumps(EVENTS_TRUST))["Role"]["Arn"]
    allow(iam, "*")
    return str(arn)


def allow(iam: Any, resource: str) -> None:
    statement = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="f", PolicyName="p", PolicyDocument=document)


@pytest.fixture
def put(admin: Admin, account_id: str, role: str) -> Put:
    """Hand started instances from the bus of one region to that of another."""

    def put(region: str, to: str, **changes: Any) -> None:
        events = admin.client("events", account_id, region)
        events.put_rule(Name="r", EventPattern=PATTERN)
        target = {"Id": "t", "Arn": f"arn:aws:events:{to}:{account_id}:event-bus/default", "RoleArn": role, **changes}
        events.put_targets(Rule="r", Targets=[{k: v for k, v in target.items() if v is not None}])

    return put


class Inbox:
    """What arrives at the default bus of a region."""

    def __init__(self, admin: Admin, account: str, region: str) -> None:
        self._sqs = admin.client("sqs", account, region)
        self._url = self._sqs.create_queue(QueueName="inbox")["QueueUrl"]
        queue = f"arn:aws:sqs:{region}:{account}:inbox"
        rule = f"arn:aws:events:{region}:{account}:rule/inbox"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        events = admin.client("events", account, region)
        events.put_rule(Name="inbox", EventPattern=PATTERN)
        events.put_targets(Rule="inbox", Targets=[{"Id": "q", "Arn": queue}])
        self._found: list[dict[str, Any]] = []

    def found(self) -> list[dict[str, Any]]:
        for message in self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", []):
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
            self._found.append(json.loads(message["Body"]))
        return self._found

    def instances(self) -> list[str]:
        return [event["detail"]["instance-id"] for event in self.found()]


def test_account_and_region_stay_and_the_id_is_new(admin: Admin, account_id: str, put: Put) -> None:
    here, there = Inbox(admin, account_id, HERE), Inbox(admin, account_id, THERE)
    put(HERE, THERE)
    instance = admin.start_instance(account_id, HERE)
    wait_until(lambda: there.instances() == [instance] == here.instances())
    ((before,), (after,)) = (here.found(), there.found())
    assert (after["account"], after["region"]) == (account_id, HERE)
    assert after["id"] != before["id"]
    assert after["detail"] == before["detail"]


def test_an_event_is_handed_on_only_once(admin: Admin, account_id: str, put: Put) -> None:
    there, further = Inbox(admin, account_id, THERE), Inbox(admin, account_id, FURTHER)
    put(HERE, THERE)
    put(THERE, FURTHER)
    handed, own = admin.start_instance(account_id, HERE), admin.start_instance(account_id, THERE)
    wait_until(lambda: sorted(there.instances()) == sorted([handed, own]))
    wait_until(lambda: further.instances() == [own])


def test_without_the_right_nothing_is_handed_over(admin: Admin, account_id: str, put: Put) -> None:
    there = Inbox(admin, account_id, THERE)
    put(HERE, THERE)
    iam, bus = admin.client("iam", account_id), f"arn:aws:events:{THERE}:{account_id}:event-bus"
    allow(iam, f"{bus}/other")
    admin.start_instance(account_id, HERE)
    allow(iam, f"{bus}/default")
    second = admin.start_instance(account_id, HERE)
    wait_until(lambda: there.instances() == [second])


@pytest.mark.parametrize(
    "unfit",
    [
        {"RoleArn": None},
        {"RetryPolicy": {"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60}},
        {"Input": "{}"},
        {"InputPath": "$.detail"},
    ],
    ids=lambda unfit: next(iter(unfit)),
)
def test_what_a_bus_as_target_refuses(put: Put, unfit: dict[str, Any]) -> None:
    refused("ValidationException", put, region=HERE, to=THERE, **unfit)


def test_a_bus_is_no_target_of_its_own_rules(put: Put) -> None:
    refused("ValidationException", put, region=HERE, to=HERE)


def test_a_bus_that_does_not_exist_and_a_dead_letter_queue_are_taken(account_id: str, put: Put) -> None:
    put(HERE, THERE, Arn=f"arn:aws:events:{THERE}:{account_id}:event-bus/none")
    put(HERE, THERE, DeadLetterConfig={"Arn": f"arn:aws:sqs:{HERE}:{account_id}:dead"})

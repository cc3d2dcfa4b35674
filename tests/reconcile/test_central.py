"""The operator's own bus, rule and queue: made, mended field by field, read and removed under the documented policy."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from sandbox.aws.admin import BASE_ACCOUNT, Admin
from sandbox.deployment import BUS_ARN
from tests.reconcile.conftest import Account
from zerotouch.api.conditions import Reason
from zerotouch.aws.calls import Pass
from zerotouch.aws.errors import Retry
from zerotouch.plan.signal import parse_message
from zerotouch.reconcile.central import CentralEvents
from zerotouch.reconcile.reconciler import Reconciler
from zerotouch.resources.central import Central, fits

NAME = "zerotouch"
CENTRAL = Central(BUS_ARN, "default", ("111111111111",))
ANYONE = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
)


@pytest.fixture
def central(reconciler: Reconciler, admin: Admin) -> Iterator[CentralEvents]:
    admin.set_queue_times(BASE_ACCOUNT, deleted=0.0)
    events = CentralEvents(reconciler.home, Pass(threading.Event(), lambda: True))
    yield events
    assert events.remove(CENTRAL) is None


@pytest.fixture
def right(central: CentralEvents) -> CentralEvents:
    assert central.reconcile(CENTRAL) is None
    return central


def client(admin: Admin, service: str) -> Any:
    return admin.client(service, BASE_ACCOUNT)


def queue_url(admin: Admin) -> str:
    return str(client(admin, "sqs").get_queue_url(QueueName=NAME)["QueueUrl"])


def set_attribute(admin: Admin, **attributes: str) -> None:
    client(admin, "sqs").set_queue_attributes(QueueUrl=queue_url(admin), Attributes=attributes)


def untarget(admin: Admin) -> None:
    client(admin, "events").remove_targets(Rule=NAME, EventBusName=NAME, Ids=["zerotouch"])


def snapshot(admin: Admin) -> Any:
    events, sqs = client(admin, "events"), client(admin, "sqs")
    bus = events.describe_event_bus(Name=NAME)
    rule = events.describe_rule(Name=NAME, EventBusName=NAME)
    targets = events.list_targets_by_rule(Rule=NAME, EventBusName=NAME)["Targets"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue_url(admin), AttributeNames=["All"])["Attributes"]
    tags = [events.list_tags_for_resource(ResourceARN=arn)["Tags"] for arn in (bus["Arn"], rule["Arn"])]
    return (
        json.loads(bus["Policy"]),
        (rule["State"], rule["EventPattern"], targets),
        {k: attributes[k] for k in ("MessageRetentionPeriod", "VisibilityTimeout", "SqsManagedSseEnabled")},
        json.loads(attributes["Policy"]),
        [*tags, sqs.list_queue_tags(QueueUrl=queue_url(admin)).get("Tags")],
    )


BREAKS: dict[str, Callable[[Admin], Any]] = {
    "bus policy widened": lambda a: client(a, "events").put_permission(EventBusName=NAME, Policy=ANYONE),
    "bus policy removed": lambda a: client(a, "events").remove_permission(EventBusName=NAME, RemoveAllPermissions=True),
    "rule disabled": lambda a: client(a, "events").disable_rule(Name=NAME, EventBusName=NAME),
    "rule narrowed": lambda a: client(a, "events").put_rule(
        Name=NAME, EventBusName=NAME, EventPattern='{"source": ["x"]}'
    ),
    "target removed": untarget,
    "queue policy widened": lambda a: set_attribute(a, Policy=ANYONE),
    "queue retention": lambda a: set_attribute(a, MessageRetentionPeriod="60"),
    "queue visibility": lambda a: set_attribute(a, VisibilityTimeout="0"),
    "queue encryption": lambda a: set_attribute(a, SqsManagedSseEnabled="false"),
    "queue tags": lambda a: client(a, "sqs").tag_queue(QueueUrl=queue_url(a), Tags={"more": "x"}),
    "queue deleted": lambda a: client(a, "sqs").delete_queue(QueueUrl=queue_url(a)),
    "bus deleted": lambda a: client(a, "events").delete_event_bus(Name=NAME),
}


@pytest.mark.parametrize("how", BREAKS)
def test_what_is_broken_is_mended(right: CentralEvents, admin: Admin, how: str) -> None:
    before = snapshot(admin)
    BREAKS[how](admin)
    assert right.reconcile(CENTRAL) is None
    assert snapshot(admin) == before


def test_a_steady_look_writes_nothing(right: CentralEvents, admin: Admin) -> None:
    admin.forget_calls()
    assert right.reconcile(CENTRAL) is None
    operations = sorted(c["operation"] for c in admin.calls(BASE_ACCOUNT))
    assert operations == [
        "DescribeEventBus",
        "DescribeRule",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ListQueueTags",
        "ListTagsForResource",
        "ListTagsForResource",
        "ListTargetsByRule",
    ]


def test_exactly_the_declared_accounts_are_admitted(right: CentralEvents, admin: Admin) -> None:
    assert right.reconcile(replace(CENTRAL, accounts=("111111111111", "222222222222"))) is None
    (statement,) = snapshot(admin)[0]["Statement"]
    assert statement["Principal"] == {"AWS": ["111111111111", "222222222222"]}
    assert right.reconcile(replace(CENTRAL, organization="o-abcdefghij")) is None
    (statement,) = snapshot(admin)[0]["Statement"]
    assert statement["Principal"] == {"AWS": "*"}
    assert statement["Condition"]["StringEquals"] == {"aws:PrincipalOrgID": "o-abcdefghij"}


def test_with_no_account_nobody_is_admitted(right: CentralEvents, admin: Admin) -> None:
    assert right.reconcile(replace(CENTRAL, accounts=())) is None
    assert "Policy" not in client(admin, "events").describe_event_bus(Name=NAME)
    assert right.reconcile(CENTRAL) is None
    assert snapshot(admin)[0]["Statement"][0]["Principal"] == {"AWS": ["111111111111"]}


def test_a_queues_name_cannot_be_used_again_at_once(right: CentralEvents, admin: Admin) -> None:
    admin.set_queue_times(BASE_ACCOUNT, deleted=60.0)
    BREAKS["queue deleted"](admin)
    problem = right.reconcile(CENTRAL)
    assert problem is not None
    assert problem.retry is Retry.SOON
    admin.set_queue_times(BASE_ACCOUNT, deleted=0.0)
    assert right.reconcile(CENTRAL) is None


def test_a_thousand_accounts_need_the_organization(central: CentralEvents) -> None:
    many = replace(CENTRAL, accounts=tuple(f"{n:012d}" for n in range(1000)))
    problem = central.reconcile(many)
    assert problem is not None
    assert problem.reason is Reason.QUOTA_EXCEEDED
    assert "ZEROTOUCH_EVENTS_ORGANIZATION_ID" in problem.message
    assert fits(replace(many, organization="o-abcdefghij"))
    assert fits(replace(CENTRAL, accounts=tuple(f"{n:012d}" for n in range(600))))


def test_what_is_not_ours_is_left_alone(central: CentralEvents, admin: Admin) -> None:
    url = client(admin, "sqs").create_queue(QueueName=NAME, tags={"theirs": "x"})["QueueUrl"]
    problem = central.reconcile(CENTRAL)
    assert problem is not None
    assert problem.reason is Reason.CONFLICT
    assert central.remove(CENTRAL) is None
    assert client(admin, "sqs").list_queue_tags(QueueUrl=url)["Tags"] == {"theirs": "x"}
    client(admin, "sqs").delete_queue(QueueUrl=url)


def test_a_change_in_an_account_arrives_with_its_author(
    make_account: Callable[..., Account], central: CentralEvents, admin: Admin
) -> None:
    account = make_account(detection={"busARN": BUS_ARN}, regions={"names": ["eu-west-1"]})
    declared = replace(CENTRAL, accounts=(account.id,))
    assert central.reconcile(declared) is None
    assert account.reconcile().ready
    drain(central, declared)
    account.client("events", "eu-west-1").disable_rule(Name="qualys-zerotouch")
    (message,) = central.receive(declared)
    signal = parse_message(message.body)
    assert signal is not None
    assert signal.author is not None
    assert (signal.account, signal.region, signal.what) == (account.id, "eu-west-1", "DisableRule")
    assert signal.author.principal == f"arn:aws:iam::{account.id}:root"
    central.delete(declared, [message])
    # Mending it is our own doing, and causes no event.
    assert account.reconcile().ready
    account.client("iam").tag_role(RoleName="qualys-zerotouch-events", Tags=[{"Key": "a", "Value": "b"}])
    (message,) = central.receive(declared)
    assert (signal := parse_message(message.body)) is not None
    assert signal.what == "TagRole"


def drain(central: CentralEvents, declared: Central) -> None:
    """Until nothing more comes: creating a connection tells of its states."""
    while messages := central.receive(declared):
        central.delete(declared, messages)
        if len(messages) < 10:
            return

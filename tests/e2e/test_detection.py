"""Drift by event: seconds instead of an interval, with its author; and what a queue that others write to can do."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from sandbox.aws.admin import BASE_ACCOUNT
from sandbox.deployment import Replica
from tests.e2e.tenant import OBJECT, Tenant
from zerotouch.aws.policy import account_policy, attribution_policy
from zerotouch.plan.fighting import REPAIRS

NAME, ROLE = "qualys-zerotouch", "qualys-zerotouch-events"
WIDE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


class Person:
    """Alice, who may do anything in the account."""

    def __init__(self, tenant: Tenant, account: str) -> None:
        iam = tenant.aws.client("iam", account)
        iam.create_user(UserName="alice")
        iam.put_user_policy(UserName="alice", PolicyName="all", PolicyDocument=json.dumps(WIDE))
        key = iam.create_access_key(UserName="alice")["AccessKey"]
        self.arn = f"arn:aws:iam::{account}:user/alice"
        self._endpoint = tenant.aws.endpoint
        self._session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"])

    def client(self, service: str, region: str = "us-east-1") -> Any:
        return self._session.client(service, region, endpoint_url=self._endpoint)


def watched(tenant: Tenant, **spec: Any) -> str:
    """An account whose changes are told by events, right and quiet."""
    account = tenant.account()
    tenant.credentials()
    detection = spec.pop("detection", {"events": {}})
    tenant.apply(account, regions={"names": ["us-east-1"]}, **{"interval": "1h", **spec, "detection": detection})
    tenant.ready()
    tenant.wait(lambda: tenant.condition(tenant.object(), "Detecting").get("status") == "True")
    return account


def passes(operator: Replica) -> float:
    lines = [line for line in operator.metrics().splitlines() if line.startswith("zerotouch_passes_total{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def received(operator: Replica, result: str) -> float:
    name = f'zerotouch_drift_events_total{{result="{result}"}} '
    return next(float(line.removeprefix(name)) for line in operator.metrics().splitlines() if line.startswith(name))


def recent(tenant: Tenant, account: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tenant.child(account)["status"].get("recentDrifts", [])
    return found


def send(tenant: Tenant, *bodies: str) -> None:
    sqs = tenant.aws.client("sqs", BASE_ACCOUNT)
    url = sqs.get_queue_url(QueueName="zerotouch")["QueueUrl"]
    for start in range(0, len(bodies), 10):
        entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[start : start + 10])]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)


def disable_rule(person: Person) -> None:
    person.client("events").disable_rule(Name=NAME)


def remove_target(person: Person) -> None:
    person.client("events").remove_targets(Rule=NAME, Ids=["qualys"])


def widen_role(person: Person) -> None:
    person.client("iam").put_role_policy(RoleName=ROLE, PolicyName="more", PolicyDocument=json.dumps(WIDE))


def rewrite_connection(person: Person) -> None:
    header = {"Key": "X-Other", "Value": "canary-value", "IsValueSecret": True}
    key = {"ApiKeyName": "X-API-KEY", "ApiKeyValue": "canary-value"}
    parameters = {"ApiKeyAuthParameters": key, "InvocationHttpParameters": {"HeaderParameters": [header]}}
    person.client("events").update_connection(Name=NAME, AuthorizationType="API_KEY", AuthParameters=parameters)


def delete_association(person: Person) -> None:
    ssm = person.client("ssm")
    (found,) = ssm.list_associations()["Associations"]
    ssm.delete_association(AssociationId=found["AssociationId"])


CHANGES: list[tuple[str, Callable[[Person], None], str]] = [
    ("Rule", disable_rule, "events:DisableRule"),
    ("Rule", remove_target, "events:RemoveTargets"),
    ("ExecutionRole", widen_role, "iam:PutRolePolicy"),
    ("Connection", rewrite_connection, "events:UpdateConnection"),
    ("InventoryAssociation", delete_association, "ssm:DeleteAssociation"),
]


def test_what_a_person_changes_is_mended_within_seconds_and_the_author_is_told(
    operator: Replica, tenant: Tenant
) -> None:
    account = watched(tenant)
    alice = Person(tenant, account)
    for number, (kind, change, call) in enumerate(CHANGES, start=1):
        change(alice)

        def mended(number: int = number) -> bool:
            return len(recent(tenant, account)) == number

        tenant.wait(mended)
        newest = recent(tenant, account)[0]
        assert (newest["kind"], newest["detectedBy"]) == (kind, "event")
        assert newest["author"].startswith(f"{alice.arn} from 127.0.0.1 by {call} at ")
        assert "occurredAt" in newest

        def told(kind: str = kind, call: str = call) -> list[str]:
            return [text for text in tenant.events("Drifted") if text.startswith(f"{kind} ") and call in text]

        tenant.wait(lambda told=told: len(told()) == 1)  # type: ignore[misc]
        assert f"changed by {alice.arn}" in told()[0]
    tenant.ready()
    assert tenant.child(account)["status"]["readyRegions"] == "1/1"
    shown = tenant.kubectl("get", "qzta,events", "-o", "yaml") + operator.log() + operator.metrics()
    assert "canary-value" not in shown
    assert "alice" not in operator.metrics()
    assert 'zerotouch_drift_detect_seconds_count{source="event"}' in operator.metrics()


def test_who_keeps_changing_it_back_is_named(operator: Replica, tenant: Tenant) -> None:
    account = watched(tenant)
    alice = Person(tenant, account)
    for number in range(1, REPAIRS + 1):
        disable_rule(alice)
        tenant.wait(lambda number=number: len(recent(tenant, account)) == number)  # type: ignore[misc]
    disable_rule(alice)
    told = tenant.until("Fighting", f"put right {REPAIRS} times", "qzta", f"{OBJECT}-{account}")
    assert f"; last known change by {alice.arn} from 127.0.0.1 by events:DisableRule at " in told["message"]
    assert tenant.told("Fighting") == [told["message"]]
    assert "alice" not in operator.metrics()


def test_the_operators_own_writes_cause_no_pass(operator: Replica, tenant: Tenant) -> None:
    account = watched(tenant)
    alice = Person(tenant, account)
    rewrite_connection(alice)
    tenant.wait(lambda: len(recent(tenant, account)) == 1)
    tenant.wait(lambda: received(operator, "own") > 0)
    before, foreign = passes(operator), received(operator, "foreign")
    # What comes after them in the queue was read after them.
    send(
        tenant,
        json.dumps({"account": account, "region": "us-east-1", "detail-type": "x", "time": "2026-01-01T00:00:00Z"}),
    )
    tenant.wait(lambda: received(operator, "foreign") > foreign)
    assert passes(operator) == before
    assert len(recent(tenant, account)) == 1


def test_forged_messages_cause_few_passes_and_no_writes(operator: Replica, tenant: Tenant) -> None:
    account = watched(tenant)
    forged = {
        "source": "aws.events",
        "detail-type": "AWS API Call via CloudTrail",
        "account": account,
        "region": "us-east-1",
        "detail": {
            "eventSource": "events.amazonaws.com",
            "eventName": "PutRule",
            "eventTime": "2026-01-02T03:04:05Z",
            "userIdentity": {"arn": "arn:aws:iam::1:user/mallory"},
            "requestParameters": {"name": NAME},
        },
    }
    foreign = [{**forged, "account": "999999999998"}, {**forged, "region": "eu-west-1"}]
    foreign += [{**forged, "detail": {**forged["detail"], "requestParameters": {"name": "theirs"}}}]  # type: ignore[dict-item]
    junk = ["", "[" * 10_000, "null", '{"account": 7}', "\u0000", "x" * 100_000]
    before, malformed = passes(operator), received(operator, "malformed")
    tenant.aws.forget_calls()
    send(tenant, *[b or "-" for b in junk if b != "\u0000"], *map(json.dumps, foreign), *[json.dumps(forged)] * 500)
    tenant.wait(lambda: received(operator, "malformed") >= malformed + 5)
    queue = tenant.aws.client("sqs", BASE_ACCOUNT)
    url = queue.get_queue_url(QueueName="zerotouch")["QueueUrl"]

    def empty() -> bool:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = queue.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return all(value == "0" for value in found.values())

    tenant.wait(empty)
    calls = [c for c in tenant.aws.calls(account) if c["service"] != "sts"]
    assert passes(operator) - before <= 11
    assert not [c for c in calls if not c["operation"].startswith(("Describe", "Get", "List"))]
    assert len(calls) <= 11 * 14
    assert {c["region"] for c in calls} == {"us-east-1"}
    assert recent(tenant, account) == []
    tenant.ready()


def test_what_sqs_reads_back_late_is_looked_at_once_more(operator: Replica, tenant: Tenant) -> None:
    account = watched(tenant, delivery={"deadLetterQueue": "Managed"})
    tenant.aws.set_queue_times(account, late=30.0)
    alice = Person(tenant, account)
    sqs = alice.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{NAME}-dead-letters")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    tenant.wait(lambda: len(recent(tenant, account)) == 1, timeout=120)
    (found,) = recent(tenant, account)
    assert (found["kind"], found["field"], found["detectedBy"]) == ("DeadLetterQueue", "policy", "event")
    assert found["author"].startswith(f"{alice.arn} from 127.0.0.1 by sqs:SetQueueAttributes at ")


def test_a_lost_queue_is_told_and_made_anew_and_polling_goes_on(operator: Replica, tenant: Tenant) -> None:
    account = watched(tenant, interval="30s")
    sqs = tenant.aws.client("sqs", BASE_ACCOUNT)
    tenant.aws.add_fault("deny", service="sqs", operation="CreateQueue", count=1)
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="zerotouch")["QueueUrl"])
    tenant.wait(lambda: tenant.condition(tenant.object(), "Detecting").get("status") == "False")
    told = tenant.condition(tenant.object(), "Detecting")
    assert told["message"].startswith("changes are found at the interval only, not told by events: sqs:")
    disable_rule(Person(tenant, account))
    tenant.wait(lambda: [d["detectedBy"] for d in recent(tenant, account)] == ["poll"])
    tenant.wait(lambda: tenant.condition(tenant.object(), "Detecting").get("status") == "True", timeout=180)
    tenant.ready()
    tenant.aws.client("events", account).remove_targets(Rule=NAME, Ids=["qualys"])
    tenant.wait(lambda: len(recent(tenant, account)) == 2)


def test_a_queue_that_may_not_be_read_is_told_once_and_asked_ever_more_rarely(
    operator: Replica, tenant: Tenant
) -> None:
    account = watched(tenant)
    with tenant.history("qzt", '{.status.conditions[?(@.type=="Detecting")].status}') as told:
        tenant.aws.forget_calls()
        tenant.aws.add_fault("deny", service="sqs", operation="ReceiveMessage", count=3)
        tenant.wait(lambda: tenant.condition(tenant.object(), "Detecting").get("status") == "False")
        tenant.wait(lambda: "zerotouch_drift_queue_reachable 0.0" in operator.metrics())
        disable_rule(Person(tenant, account))
        tenant.wait(lambda: [d["detectedBy"] for d in recent(tenant, account)] == ["event"])
        tenant.wait(lambda: tenant.condition(tenant.object(), "Detecting").get("status") == "True")
        assert [status for status, _ in itertools.groupby(told())] == [["True"], ["False"], ["True"]]
    # Once because of it, and perhaps once because it was time.
    assert sum(c["operation"] == "DescribeEventBus" for c in tenant.aws.calls(BASE_ACCOUNT)) <= 2
    tenant.wait(lambda: "zerotouch_drift_queue_reachable 1.0" in operator.metrics())


def test_what_is_in_the_queue_is_told_while_its_bus_cannot_be_looked_after(operator: Replica, tenant: Tenant) -> None:
    account = watched(tenant)
    tenant.aws.add_fault("deny", account=BASE_ACCOUNT, service="events", operation="DescribeEventBus", count=1)
    # Another account has the bus's policy looked at.
    tenant.apply(account, tenant.account(2), regions={"names": ["us-east-1"]}, interval="1h", detection={"events": {}})
    tenant.wait(lambda: tenant.condition(tenant.object(), "Detecting").get("status") == "False")
    disable_rule(Person(tenant, account))
    tenant.wait(lambda: [d["detectedBy"] for d in recent(tenant, account)] == ["event"])
    assert tenant.condition(tenant.object(), "Detecting")["status"] == "False"
    tenant.wait(lambda: "zerotouch_drift_queue_reachable 1.0" in operator.metrics())


@pytest.mark.parametrize("late", [False, True], ids=["at once", "the history is late"])
def test_without_events_the_author_is_asked_of_the_history(operator: Replica, tenant: Tenant, late: bool) -> None:
    account = watched(tenant, detection={"events": {}, "attribution": True})
    policy = account_policy("aws", account, NAME)
    policy["Statement"] += attribution_policy()["Statement"]
    tenant.aws.set_policy(account, policy)
    tenant.aws.set_trail(account, logging=False, lookup_delay=30.0 if late else 0.0)
    alice = Person(tenant, account)
    disable_rule(alice)
    tenant.annotate("qzt", OBJECT, "zerotouch.dev/requestedAt=now")
    tenant.wait(lambda: len(recent(tenant, account)) == 1)
    tenant.wait(lambda: "author" in recent(tenant, account)[0], timeout=120)
    (found,) = recent(tenant, account)
    assert found["detectedBy"] == "poll"
    assert found["author"].startswith(f"{alice.arn} from 127.0.0.1 by events:DisableRule at ")
    assert f"Rule {NAME} in us-east-1: {alice.arn}" in tenant.told("DriftAttributed")[0]
    lookups = [c for c in tenant.aws.calls(account) if c["operation"] == "LookupEvents"]
    assert len(lookups) <= 2


def test_a_slow_search_for_an_author_holds_up_nothing(operator: Replica, tenant: Tenant) -> None:
    account = watched(tenant, detection={"events": {}, "attribution": True})
    policy = account_policy("aws", account, NAME)
    policy["Statement"] += attribution_policy()["Statement"]
    tenant.aws.set_policy(account, policy)
    tenant.aws.add_fault("delay", account=account, operation="LookupEvents", seconds=15.0)
    alice = Person(tenant, account)
    tenant.aws.set_trail(account, logging=False)
    disable_rule(alice)
    tenant.annotate("qzt", OBJECT, "zerotouch.dev/requestedAt=now")
    tenant.wait(lambda: len(recent(tenant, account)) == 1)
    tenant.aws.set_trail(account, logging=True)
    remove_target(alice)
    tenant.wait(lambda: len(recent(tenant, account)) == 2)
    newest, first = recent(tenant, account)
    assert newest["detectedBy"] == "event"
    assert "author" not in first
    tenant.wait(lambda: "author" in recent(tenant, account)[1])


def test_an_account_that_turns_events_off_is_neither_watched_nor_admitted(operator: Replica, tenant: Tenant) -> None:
    account = watched(tenant)
    events = tenant.aws.client("events", BASE_ACCOUNT)
    assert account in events.describe_event_bus(Name="zerotouch")["Policy"]
    tenant.patch({"detection": None})
    tenant.wait(lambda: account not in events.describe_event_bus(Name="zerotouch").get("Policy", ""))
    tenant.wait(lambda: not [r for r in tenant.held(account) if "detection" in r])
    tenant.ready()
    assert tenant.condition(tenant.object(), "Detecting") == {}

"""The managed dead-letter queue: made before the rule, for that rule alone, kept right without rewriting, removed with care."""

import json
from collections.abc import Callable

from sandbox.aws.inventory import held
from sandbox.gateway.admin import GatewayAdmin
from sandbox.processes import wait_until
from tests.reconcile.conftest import Account
from zerotouch.api.conditions import Reason
from zerotouch.aws.errors import Retry

NAME = "qualys-zerotouch-dead-letters"
ONE_REGION = {"names": ["us-east-1"]}
NO_RETRIES = {"maximumRetryAttempts": 0, "maximumEventAgeSeconds": 60}


def writes(account: Account, service: str) -> list[str]:
    """In the order in which they were made."""
    reads = ("Describe", "Get", "List", "Receive")
    return [c["operation"] for c in account.calls() if c["service"] == service and not c["operation"].startswith(reads)]


def attributes(account: Account) -> dict[str, str]:
    sqs = account.client("sqs")
    url = sqs.get_queue_url(QueueName=NAME)["QueueUrl"]
    found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return found


def waiting(account: Account) -> int:
    return int(attributes(account)["ApproximateNumberOfMessages"])


def lose_an_event(account: Account, gateway: GatewayAdmin) -> None:
    gateway.add_fault("/qflow/aws-eb", "403")
    before = waiting(account)
    account.admin.start_instance(account.id, "us-east-1")
    wait_until(lambda: waiting(account) > before)


def test_a_lost_event_becomes_a_letter(make_account: Callable[..., Account], gateway: GatewayAdmin) -> None:
    account = make_account(regions=ONE_REGION, delivery={"retry": NO_RETRIES})
    assert account.reconcile().ready
    lose_an_event(account, gateway)


def test_it_is_there_before_the_rule_and_for_that_rule_alone(account: Account) -> None:
    assert account.reconcile().ready
    order = [c["operation"] for c in account.calls() if c["operation"] in {"CreateQueue", "PutTargets"}]
    assert order.index("CreateQueue") < order.index("PutTargets")
    (statement,) = json.loads(attributes(account)["Policy"])["Statement"]
    rule = f"arn:aws:events:us-east-1:{account.id}:rule/qualys-zerotouch"
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": [rule]}}
    assert (attributes(account)["MessageRetentionPeriod"], attributes(account)["SqsManagedSseEnabled"]) == (
        "1209600",
        "true",
    )


def test_attributes_that_read_back_late_are_neither_drift_nor_written_again(
    make_account: Callable[..., Account], an_hour_later: Callable[[], None]
) -> None:
    account = make_account(regions=ONE_REGION)
    assert account.reconcile().ready
    an_hour_later()
    url = account.client("sqs").get_queue_url(QueueName=NAME)["QueueUrl"]
    account.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
    account.admin.forget_calls()
    assert [d.difference.path for s in account.reconcile().scopes for d in s.drifts] == ["retentionSeconds"]
    account.admin.set_queue_times(account.id, late=3600)
    for _ in range(3):
        report = account.reconcile()
        assert report.ready
        assert not any(s.drifts or s.changes for s in report.scopes)
    assert writes(account, "sqs") == ["SetQueueAttributes"]


def test_a_queue_of_others_is_a_conflict_and_left(make_account: Callable[..., Account]) -> None:
    account = make_account(regions=ONE_REGION)
    sqs = account.client("sqs")
    url = sqs.create_queue(QueueName=NAME, Attributes={"MessageRetentionPeriod": "60"})["QueueUrl"]
    report = account.reconcile()
    (region,) = (s for s in report.scopes if s.name == "us-east-1")
    assert region.problem is not None
    assert (region.problem.reason, region.ready, region.total) == (Reason.CONFLICT, 4, 5)
    assert "is not ours" in region.problem.message
    account.remove()
    names = ["MessageRetentionPeriod"]
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"] == {names[0]: "60"}


def test_switching_it_off_lets_the_rule_go_first_and_tells_what_was_in_it(
    make_account: Callable[..., Account], gateway: GatewayAdmin
) -> None:
    account = make_account(regions=ONE_REGION, delivery={"retry": NO_RETRIES})
    assert account.reconcile().ready
    lose_an_event(account, gateway)
    account.admin.forget_calls()
    account.change(delivery={"retry": NO_RETRIES, "deadLetterQueue": "None"})
    report = account.reconcile()
    assert report.ready
    order = [c["operation"] for c in account.calls() if c["operation"] in {"DeleteQueue", "PutTargets"}]
    assert order == ["PutTargets", "DeleteQueue"]
    assert [loss for s in report.scopes for loss in s.losses] == [
        f"1 dead letters with DeadLetterQueue {NAME} in us-east-1"
    ]
    (target,) = account.client("events").list_targets_by_rule(Rule="qualys-zerotouch")["Targets"]
    assert "DeadLetterConfig" not in target
    assert not [h for h in held(account.admin, account.id) if h.startswith("Queue")]
    account.admin.forget_calls()
    assert account.reconcile().ready
    assert [c["operation"] for c in account.calls() if c["service"] == "sqs"] == ["GetQueueAttributes"]


def test_switching_it_on_again_waits_until_the_name_is_free(make_account: Callable[..., Account]) -> None:
    account = make_account(regions=ONE_REGION)
    assert account.reconcile().ready
    account.change(delivery={"deadLetterQueue": "None"})
    assert account.reconcile().ready
    account.change(delivery={"deadLetterQueue": "Managed"})
    report = account.reconcile()
    (problem,) = (s.problem for s in report.scopes if s.problem)
    assert (problem.reason, problem.retry) == (Reason.NOT_YET_CONSISTENT, Retry.SOON)
    account.admin.set_queue_times(account.id, deleted=0)
    assert account.reconcile().ready


def test_a_foreign_queue_is_not_deleted_when_it_is_switched_off(make_account: Callable[..., Account]) -> None:
    account = make_account(regions=ONE_REGION, delivery={"deadLetterQueue": "None"})
    account.client("sqs").create_queue(QueueName=NAME)
    assert account.reconcile().ready
    assert f"Queue us-east-1 {NAME}" in held(account.admin, account.id)


def test_without_the_right_to_it_the_rule_is_made_all_the_same(
    make_account: Callable[..., Account], gateway: GatewayAdmin
) -> None:
    from zerotouch.aws.policy import account_policy

    account = make_account(regions=ONE_REGION)
    policy = account_policy("aws", account.id, "qualys-zerotouch")
    policy["Statement"] = [s for s in policy["Statement"] if s["Sid"] != "DeadLetters"]
    account.admin.set_policy(account.id, policy)
    report = account.reconcile()
    (problem,) = (s.problem for s in report.scopes if s.problem)
    assert problem.reason is Reason.ACCESS_DENIED
    assert "sqs:GetQueueUrl" in problem.message
    instance = account.admin.start_instance(account.id, "us-east-1")
    assert gateway.wait_for_event(lambda e: e["instance"] == instance)

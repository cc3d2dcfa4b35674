"""The emulated AWS checked against what AWS documents of deliveries: metrics, retries, dead letters; and of SQS queues."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws.admin import Admin
from sandbox.gateway.admin import GatewayAdmin
from sandbox.processes import wait_until
from sandbox.state import Sandbox

REGION, NAME = "us-east-1", "r"
WIDE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class Target:
    """A rule whose target is the gateway, with a queue for dead letters."""

    def __init__(self, admin: Admin, account: str, gateway_url: str, token: str) -> None:
        self.admin, self.account = admin, account
        self.events, self.sqs = self.client("events"), self.client("sqs")
        iam = self.client("iam")
        role = iam.create_role(RoleName="invoke", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        iam.put_role_policy(RoleName="invoke", PolicyName="p", PolicyDocument=json.dumps(WIDE))
        auth = {"ApiKeyAuthParameters": {"ApiKeyName": "X-API-KEY", "ApiKeyValue": "QFLOW-SSM-EVALUATION"}}
        header = {"Key": "Authorization", "Value": f"Bearer {token}", "IsValueSecret": True}
        auth["InvocationHttpParameters"] = {"HeaderParameters": [header]}  # type: ignore[dict-item]
        connection = self.events.create_connection(Name=NAME, AuthorizationType="API_KEY", AuthParameters=auth)
        destination = self.events.create_api_destination(
            Name=NAME,
            ConnectionArn=connection["ConnectionArn"],
            InvocationEndpoint=f"{gateway_url}/qflow/aws-eb",
            HttpMethod="POST",
        )
        pattern = {"source": ["aws.ec2"], "detail": {"state": ["running"]}}
        self.rule = self.events.put_rule(Name=NAME, EventPattern=json.dumps(pattern))["RuleArn"]
        self.queue = self.sqs.create_queue(QueueName="dead")["QueueUrl"]
        self.queue_arn = f"arn:aws:sqs:{REGION}:{account}:dead"
        self.target = {"Id": "t", "Arn": destination["ApiDestinationArn"], "RoleArn": role}

    def client(self, service: str) -> Any:
        return self.admin.client(service, self.account, REGION)

    def aim(self, retries: int = 0) -> None:
        policy = {"MaximumRetryAttempts": retries, "MaximumEventAgeInSeconds": 60}
        target = {**self.target, "RetryPolicy": policy, "DeadLetterConfig": {"Arn": self.queue_arn}}
        self.events.put_targets(Rule=NAME, Targets=[target])

    def open_queue(self, source: str | None = None) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": source or self.rule}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.sqs.set_queue_attributes(QueueUrl=self.queue, Attributes={"Policy": policy})

    def start(self) -> str:
        return self.admin.start_instance(self.account, REGION)

    def letters(self) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10, VisibilityTimeout=0,
            MessageAttributeNames=["All"], MessageSystemAttributeNames=["SentTimestamp"],
        )  # fmt: skip
        return list(answer.get("Messages", []))

    def metric(self, name: str) -> float | None:
        """Sum of the last minutes; None where there is no datapoint."""
        query = {
            "Id": "m",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Events",
                    "MetricName": name,
                    "Dimensions": [{"Name": "RuleName", "Value": NAME}],
                },
                "Period": 60,
                "Stat": "Sum",
            },
        }
        now = time.time()
        answer = self.client("cloudwatch").get_metric_data(
            MetricDataQueries=[query], StartTime=now - 600, EndTime=now + 60
        )
        values = answer["MetricDataResults"][0]["Values"]
        return float(sum(values)) if values else None

    def metrics(self) -> dict[str, float]:
        names = (
            "MatchedEvents", "TriggeredRules", "Invocations", "InvocationAttempts", "SuccessfulInvocationAttempts",
            "RetryInvocationAttempts", "FailedInvocations", "InvocationsSentToDlq", "InvocationsFailedToBeSentToDlq",
        )  # fmt: skip
        return {name: value for name in names if (value := self.metric(name)) is not None}


@pytest.fixture
def target(cloud: Sandbox, admin: Admin, gateway: GatewayAdmin, account_id: str) -> Target:
    return Target(admin, account_id, cloud.gateway_url, gateway.mint())


@pytest.fixture
def fail(gateway: GatewayAdmin) -> Callable[..., None]:
    """The gateway's next answers to events."""
    gateway.clear()

    def add(kind: str, count: int = 1) -> None:
        gateway.add_fault("/qflow/aws-eb", kind, count=count)

    return add


def test_a_delivery_counts_and_zeroes_are_not_published(target: Target, gateway: GatewayAdmin) -> None:
    gateway.clear()
    target.aim()
    assert target.metrics() == {}
    instance = target.start()
    gateway.wait_for_event(lambda e: e["instance"] == instance)
    wait_until(lambda: target.metric("Invocations") is not None)
    names = ("MatchedEvents", "TriggeredRules", "Invocations", "InvocationAttempts", "SuccessfulInvocationAttempts")
    assert target.metrics() == dict.fromkeys(names, 1.0)


def test_a_retried_delivery_is_no_failure(target: Target, fail: Callable[..., None]) -> None:
    target.aim(retries=3)
    fail("500", 2)
    target.start()
    wait_until(lambda: target.metric("SuccessfulInvocationAttempts") is not None)
    found = target.metrics()
    assert (found["InvocationAttempts"], found["RetryInvocationAttempts"], found["Invocations"]) == (3.0, 2.0, 1.0)
    assert "FailedInvocations" not in found
    assert target.letters() == []


def test_what_is_given_up_becomes_a_letter_with_its_reason(target: Target, fail: Callable[..., None]) -> None:
    target.open_queue()
    target.aim(retries=1)
    fail("500", 2)
    instance = target.start()
    wait_until(lambda: target.letters() != [])
    (letter,) = target.letters()
    assert json.loads(letter["Body"])["detail"]["instance-id"] == instance
    told = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert (told["RULE_ARN"], told["TARGET_ARN"]) == (target.rule, target.target["Arn"])
    assert (told["ERROR_CODE"], told["RETRY_ATTEMPTS"]) == ("SDK_CLIENT_ERROR", "1")
    assert told["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts"
    assert "500" in told["ERROR_MESSAGE"]
    assert abs(time.time() - int(letter["Attributes"]["SentTimestamp"]) / 1000) < 60
    found = target.metrics()
    assert (found["FailedInvocations"], found["InvocationsSentToDlq"]) == (1.0, 1.0)
    assert len(target.letters()) == 1, "a look with VisibilityTimeout=0 takes nothing away"


def test_a_refusal_for_good_is_not_retried(target: Target, fail: Callable[..., None]) -> None:
    target.open_queue()
    target.aim(retries=4)
    fail("403")
    target.start()
    wait_until(lambda: target.letters() != [])
    told = target.letters()[0]["MessageAttributes"]
    assert told["RETRY_ATTEMPTS"]["StringValue"] == "0"
    assert "EXHAUSTED_RETRY_CONDITION" not in told


@pytest.mark.parametrize("policy", ["none", "another rule's"])
def test_a_queue_that_does_not_let_the_rule_in_gets_nothing(
    target: Target, fail: Callable[..., None], policy: str
) -> None:
    if policy != "none":
        target.open_queue(target.rule + "-other")
    target.aim()
    fail("500")
    target.start()
    wait_until(lambda: target.metric("InvocationsFailedToBeSentToDlq") is not None)
    assert target.letters() == []
    assert target.metric("InvocationsSentToDlq") is None


def test_a_name_cannot_be_used_again_at_once(admin: Admin, account_id: str) -> None:
    sqs = admin.client("sqs", account_id, REGION)
    sqs.delete_queue(QueueUrl=sqs.create_queue(QueueName="q")["QueueUrl"])
    with pytest.raises(ClientError) as refused:
        sqs.create_queue(QueueName="q")
    assert refused.value.response["Error"]["Code"] == "AWS.SimpleQueueService.QueueDeletedRecently"
    admin.set_queue_times(account_id, deleted=0)
    assert sqs.create_queue(QueueName="q")["QueueUrl"]


def test_attributes_may_be_read_back_late(admin: Admin, account_id: str) -> None:
    admin.set_queue_times(account_id, late=3600)
    sqs = admin.client("sqs", account_id, REGION)
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"MessageRetentionPeriod": "60"})
    names = ["MessageRetentionPeriod"]
    assert sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"] == {names[0]: "345600"}
    admin.set_queue_times(account_id, late=0)
    assert sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"] == {names[0]: "60"}


def test_one_sort_of_encryption_at_a_time(admin: Admin, account_id: str) -> None:
    sqs = admin.client("sqs", account_id, REGION)
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    names = ["SqsManagedSseEnabled", "KmsMasterKeyId"]

    def encryption() -> dict[str, str]:
        found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return found

    assert encryption() == {"SqsManagedSseEnabled": "true"}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"KmsMasterKeyId": "alias/aws/sqs"})
    assert encryption() == {"SqsManagedSseEnabled": "false", "KmsMasterKeyId": "alias/aws/sqs"}
    with pytest.raises(ClientError):
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"SqsManagedSseEnabled": "true"})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"SqsManagedSseEnabled": "true", "KmsMasterKeyId": ""})
    assert encryption() == {"SqsManagedSseEnabled": "true"}


def test_a_queue_that_does_not_exist_says_so(admin: Admin, account_id: str) -> None:
    with pytest.raises(ClientError) as refused:
        admin.client("sqs", account_id, REGION).get_queue_url(QueueName="none")
    assert refused.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue"

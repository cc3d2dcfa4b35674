"""The patterns against events as AWS documents them; matched by the emulator's own engine."""

import json
from typing import Any

import pytest

from zerotouch.api.account import QualysZeroTouchAccountSpec
from zerotouch.desired.context import Context
from zerotouch.resources.detection_pattern import iam_pattern, our_session, region_pattern

ACCOUNT = "111111111111"
# EventBridge quotas: the default size of an event pattern.
MOST_CHARACTERS = 2048


def context(scope: str = "eu-west-1", prefix: str = "qualys-zerotouch", **changes: Any) -> Context:
    spec = {
        "accountID": ACCOUNT,
        "parent": {"name": "production", "uid": "u"},
        "access": {"roleARN": f"arn:aws:iam::{ACCOUNT}:role/path/zt", "stsRegion": "us-east-1"},
        "gatewayURL": "https://gateway.example",
        "regions": {"names": ["eu-west-1"]},
        "inventory": {},
        "delivery": {},
        "deletionPolicy": "Retain",
        "interval": "5m",
        "namePrefix": prefix,
        **changes,
    }
    return Context(
        QualysZeroTouchAccountSpec.model_validate(spec), "default/security/production", "aws", scope, ("eu-west-1",)
    )


def call(source: str, operation: str, region: str = "eu-west-1", by: str | None = "someone", **parameters: Any) -> Any:
    detail: dict[str, Any] = {"eventName": operation, "requestParameters": parameters}
    if by is not None:
        detail["userIdentity"] = {"type": "IAMUser", "arn": by}
    return {
        "source": source,
        "detail-type": "AWS API Call via CloudTrail",
        "account": ACCOUNT,
        "region": region,
        "detail": detail,
    }


def state(kind: str, **detail: Any) -> Any:
    return {
        "source": "aws.events",
        "detail-type": kind,
        "account": ACCOUNT,
        "region": "eu-west-1",
        "detail": {"Timestamp": "2026-01-02 03:04:05 +0000 UTC", **detail},
    }


def matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    from ministack.services import eventbridge

    record = {
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
        "Account": event["account"],
        "Region": event["region"],
    }
    return bool(eventbridge._matches_pattern(json.dumps(pattern), record))


OURS = [
    call("aws.events", "DisableRule", name="qualys-zerotouch"),
    call("aws.events", "PutTargets", rule="qualys-zerotouch"),
    call("aws.events", "PutTargets", by=None, rule="qualys-zerotouch-detection"),
    call("aws.events", "TagResource", resourceARN=f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/qualys-zerotouch"),
    call("aws.events", "UpdateConnection", name="qualys-zerotouch"),
    call("aws.events", "UpdateApiDestination", name="qualys-zerotouch"),
    call("aws.ssm", "CreateAssociation", name="AWS-GatherSoftwareInventory"),
    call("aws.ssm", "CreateAssociationBatch", entries=[{"name": "Other"}, {"name": "AWS-GatherSoftwareInventory"}]),
    call("aws.ssm", "UpdateAssociation", associationId="x"),
    call("aws.ssm", "DeleteAssociation", associationId="x"),
    call("aws.ssm", "AddTagsToResource", resourceType="Association", resourceId="x"),
    call(
        "aws.sqs", "SetQueueAttributes", queueUrl=f"https://sqs.eu-west-1.amazonaws.com/{ACCOUNT}/qualys-zerotouch-dlq"
    ),
    call("aws.secretsmanager", "PutSecretValue", secretId="events!connection/qualys-zerotouch/0c1d"),
    state("Connection Deauthorized", ConnectionName="qualys-zerotouch"),
    state("API Destination Deactivated", ApiDestinationName="qualys-zerotouch"),
]
FOREIGN = [
    call("aws.events", "PutRule", name="theirs"),
    call("aws.events", "PutRule", name="x-qualys-zerotouch"),
    call("aws.ssm", "UpdateInstanceAssociationStatus", associationId="x", instanceId="i-1"),
    call("aws.ssm", "AddTagsToResource", resourceType="Parameter", resourceId="x"),
    call("aws.sqs", "SetQueueAttributes", queueUrl="https://sqs.eu-west-1.amazonaws.com/1/theirs"),
    call("aws.s3", "PutBucketPolicy", name="qualys-zerotouch"),
    call("aws.events", "DisableRule", region="us-east-1", name="qualys-zerotouch"),
    state("Connection Deauthorized", ConnectionName="theirs"),
    state("Scheduled Event"),
]


@pytest.mark.parametrize("event", OURS, ids=lambda e: f"{e['detail-type']} {e['detail'].get('eventName', '')}")
def test_what_names_our_resources_is_told(event: dict[str, Any]) -> None:
    assert matches(region_pattern(context()), event)


@pytest.mark.parametrize("event", FOREIGN, ids=lambda e: f"{e['detail-type']} {e['detail'].get('eventName', '')}")
def test_what_does_not_is_left_out(event: dict[str, Any]) -> None:
    assert not matches(region_pattern(context()), event)


@pytest.mark.parametrize("event", OURS)
def test_nothing_of_our_own_session_and_nothing_that_failed(event: dict[str, Any]) -> None:
    if "eventName" not in event["detail"]:
        return
    ours = {**event, "detail": {**event["detail"], "userIdentity": {"arn": our_session(context())}}}
    failed = {**event, "detail": {**event["detail"], "errorCode": "AccessDenied"}}
    another = {**event, "detail": {**event["detail"], "userIdentity": {"arn": our_session(context()) + "x"}}}
    assert [matches(region_pattern(context()), e) for e in (ours, failed, another)] == [False, False, True]


def test_our_session_has_no_path() -> None:
    assert our_session(context()) == f"arn:aws:sts::{ACCOUNT}:assumed-role/zt/zerotouch-default.security.production"


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"roleName": "qualys-zerotouch-events"}, True),
        ({"roleName": "connector-of-qualys"}, True),
        ({"roleName": "theirs"}, False),
        ({"policyArn": f"arn:aws:iam::{ACCOUNT}:policy/zerotouch/qualys-zerotouch-connector"}, True),
        ({"policyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}, False),
    ],
)
def test_iam(parameters: dict[str, str], told: bool) -> None:
    pattern = iam_pattern(context("global", connector={"existingRoleName": "connector-of-qualys"}))
    assert matches(pattern, call("aws.iam", "AttachRolePolicy", "us-east-1", **parameters)) is told


def test_the_longest_patterns_are_admitted() -> None:
    longest = context("global", "q" * 32, connector={"existingRoleName": "c" * 64})
    for pattern in (region_pattern(longest), iam_pattern(longest)):
        assert len(json.dumps(pattern, separators=(",", ":"))) <= MOST_CHARACTERS

"""Events as AWS documents them, and anything else: never an exception, never something that is not told."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.resources.test_detection_pattern import ACCOUNT, call, state
from zerotouch.plan.signal import Named, Sort, parse_message, parse_record

WHO = "arn:aws:iam::111111111111:user/alice"


def message(event: dict[str, Any], **more: Any) -> str:
    detail = {
        "eventSource": event["source"].replace("aws.", "") + ".amazonaws.com",
        "eventTime": "2026-01-02T03:04:05Z",
        "sourceIPAddress": "203.0.113.7",
        **event["detail"],
        **more,
    }
    return json.dumps({**event, "time": "2026-01-02T03:04:06Z", "detail": detail})


@pytest.mark.parametrize(
    ("event", "sort", "name"),
    [
        (call("aws.events", "DisableRule", name="r"), Sort.RULE, "r"),
        (call("aws.events", "PutTargets", rule="r"), Sort.RULE, "r"),
        (call("aws.events", "TagResource", resourceARN="arn:aws:events:x:1:rule/bus/r"), Sort.RULE, "r"),
        (call("aws.events", "UpdateConnection", name="c"), Sort.CONNECTION, "c"),
        (call("aws.events", "DeleteApiDestination", name="d"), Sort.DESTINATION, "d"),
        (call("aws.ssm", "DeleteAssociation", associationId="x"), Sort.ASSOCIATION, ""),
        (call("aws.ssm", "AddTagsToResource", resourceType="Association"), Sort.ASSOCIATION, ""),
        (call("aws.iam", "PutRolePolicy", roleName="r", policyName="inline"), Sort.ROLE, "r"),
        (call("aws.iam", "CreatePolicyVersion", policyArn="arn:aws:iam::1:policy/a/p"), Sort.POLICY, "p"),
        (call("aws.sqs", "DeleteQueue", queueUrl="https://sqs/1/q"), Sort.QUEUE, "q"),
        (call("aws.secretsmanager", "PutSecretValue", secretId="events!connection/c/1"), Sort.CONNECTION, "c"),
        (state("Connection Deauthorized", ConnectionName="c"), Sort.CONNECTION, "c"),
        (state("API Destination Deactivated", ApiDestinationName="d"), Sort.DESTINATION, "d"),
    ],
)
def test_what_is_named(event: dict[str, Any], sort: Sort, name: str) -> None:
    signal = parse_message(message(event))
    assert signal is not None
    assert signal.named == {Named(sort, name)}
    assert (signal.account, signal.region) == (ACCOUNT, "eu-west-1")


def test_who_when_from_where_and_by_which_call() -> None:
    signal = parse_message(message(call("aws.events", "PutTargets", by=WHO, rule="r")))
    assert signal is not None
    assert signal.author is not None
    author = signal.author
    assert (author.principal, author.source, author.call) == (WHO, "203.0.113.7", "events:PutTargets")
    assert author.at.isoformat() == "2026-01-02T03:04:05+00:00"


@pytest.mark.parametrize("identity", [None, {}, {"type": "AWSService", "invokedBy": "ssm.amazonaws.com"}, "x", []])
def test_an_identity_may_lack_anything(identity: Any) -> None:
    signal = parse_message(message(call("aws.events", "PutRule", name="r"), userIdentity=identity))
    assert signal is not None
    assert signal.session is None
    assert signal.named


def test_a_record_of_the_history() -> None:
    event = json.loads(message(call("aws.events", "PutRule", by=WHO, name="r"), errorCode="AccessDenied"))
    record = {**event["detail"], "recipientAccountId": ACCOUNT, "awsRegion": "eu-west-1"}
    signal = parse_record(json.dumps(record))
    assert signal is not None
    assert signal.failed


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(["account", "region", "time", "source", "detail-type", "detail"])
INNER = st.sampled_from(["eventName", "eventSource", "eventTime", "userIdentity", "requestParameters", "errorCode"])


@given(JSON)
def test_any_json(value: Any) -> None:
    for parse in (parse_message, parse_record):
        assert parse(json.dumps(value)) is None


@given(st.text())
def test_any_text(text: str) -> None:
    for parse in (parse_message, parse_record):
        assert parse(text) is None


@given(st.dictionaries(KEYS, JSON), st.dictionaries(INNER, JSON))
def test_an_event_with_anything_in_its_fields(outer: dict[str, Any], inner: dict[str, Any]) -> None:
    good = json.loads(message(call("aws.events", "PutRule", by=WHO, name="r")))
    event = {**good, **outer}
    if isinstance(event["detail"], dict):
        event["detail"] = {**event["detail"], **inner}
    signal = parse_message(json.dumps(event))
    for named in signal.named if signal else ():
        assert len(named.name) <= 256
        assert named.name.isprintable()


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00", "now"]
)
def test_a_time_that_cannot_be(time: str) -> None:
    assert parse_message(json.dumps({**state("Connection Deauthorized", ConnectionName="c"), "time": time})) is None
    assert parse_message(message(call("aws.events", "PutRule", by=WHO, name="r"), eventTime=time)) is None


def test_nesting_without_end() -> None:
    assert parse_message("[" * 200_000) is None
    assert parse_message(json.dumps({"account": "x" * 300_000})) is None

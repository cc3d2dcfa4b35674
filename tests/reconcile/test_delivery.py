"""The evidence of deliveries: one call of CloudWatch a region and look, letters that stay, and nothing of their content."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.aws.inventory import held
from sandbox.gateway.admin import GatewayAdmin
from sandbox.processes import wait_until
from tests.reconcile.conftest import Account
from zerotouch.aws.policy import observe_policy
from zerotouch.reconcile.delivery import METRICS, Activity, DeliveryFinding, activity_of

T0 = datetime(2026, 1, 1, tzinfo=UTC)
NO_RETRIES = {"maximumRetryAttempts": 0, "maximumEventAgeSeconds": 60}
ONE_REGION = {"names": ["us-east-1"]}


def at(minute: int) -> datetime:
    return T0 + timedelta(minutes=minute)


@pytest.mark.parametrize(
    ("series", "success", "failure"),
    [
        ({}, None, None),
        ({"MatchedEvents": {1: 5}}, None, None),
        ({"Invocations": {1: 2}, "SuccessfulInvocationAttempts": {1: 2}}, 1, None),
        ({"Invocations": {1: 2, 3: 1}}, 3, None),
        ({"Invocations": {1: 2}, "FailedInvocations": {1: 2}}, None, 1),
        ({"Invocations": {1: 2}, "FailedInvocations": {1: 1}}, None, 1),
        ({"Invocations": {2: 2}, "FailedInvocations": {1: 1}}, None, 1),
        ({"SuccessfulInvocationAttempts": {2: 1}, "FailedInvocations": {1: 1}}, 2, 1),
        # A failure that is told as a letter only, or as lost only, is one all the same.
        ({"Invocations": {1: 1}, "InvocationsSentToDlq": {1: 1}}, None, 1),
        ({"Invocations": {1: 1}, "InvocationsFailedToBeSentToDlq": {1: 1}}, None, 1),
        ({"RetryInvocationAttempts": {1: 3}}, None, 1),
        ({"RetryInvocationAttempts": {1: 3}, "SuccessfulInvocationAttempts": {1: 1}}, 1, None),
        ({"RetryInvocationAttempts": {1: 3, 2: 1}, "SuccessfulInvocationAttempts": {1: 1}}, 1, 2),
        ({"Invocations": {1: 0}, "FailedInvocations": {1: 0}}, None, None),
    ],
)
def test_what_the_numbers_say(
    series: Mapping[str, Mapping[int, float]], success: int | None, failure: int | None
) -> None:
    found = activity_of({name: {at(m): v for m, v in points.items()} for name, points in series.items()})
    assert found.last_success_at == (None if success is None else at(success))
    assert found.last_failure_at == (None if failure is None else at(failure))


def test_a_missing_point_is_not_a_zero() -> None:
    assert activity_of({}) == Activity()
    assert activity_of({"MatchedEvents": {at(1): 2, at(2): 3}}) == Activity(matched=5, last_matched_at=at(2))


points = st.dictionaries(st.integers(0, 5).map(at), st.integers(0, 9).map(float), max_size=4)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(METRICS, points)))
def test_success_is_never_claimed_without_evidence(series: dict[str, dict[datetime, float]]) -> None:
    found = activity_of(series)
    if found.last_success_at is not None:
        when = found.last_success_at
        proven = series.get("SuccessfulInvocationAttempts", {}).get(when, 0)
        invoked = series.get("Invocations", {}).get(when, 0)
        failed = [n for name in METRICS[3:] for n in series.get(name, {}).values()]
        assert proven > 0 or (invoked > 0 and not any(failed))
    bad = ("FailedInvocations", "InvocationsSentToDlq", "InvocationsFailedToBeSentToDlq")
    newest = max((t for name in bad for t, n in series.get(name, {}).items() if n > 0), default=None)
    assert newest is None or (found.last_failure_at is not None and found.last_failure_at >= newest)


def look(account: Account, region: str = "us-east-1") -> DeliveryFinding:
    account.input = replace(account.input, due_surveys=frozenset({"delivery"}))
    surveyed = account.reconcile().surveyed("delivery")[region]
    assert surveyed.problem is None, surveyed.problem
    found: DeliveryFinding = surveyed.found
    return found


def start(account: Account) -> str:
    return account.admin.start_instance(account.id, "us-east-1")


def activity(account: Account) -> Activity:
    return look(account).activity or Activity()


def test_a_delivery_is_seen(make_account: Callable[..., Account], gateway: GatewayAdmin) -> None:
    gateway.clear()
    account = make_account(regions=ONE_REGION)
    assert activity(account) == Activity()
    instance = start(account)
    gateway.wait_for_event(lambda e: e["instance"] == instance)
    wait_until(lambda: activity(account).last_success_at is not None)
    found = activity(account)
    assert (found.matched, found.delivered, found.given_up, found.last_failure_at) == (1, 1, None, None)


def test_a_letter_tells_why_and_stays(make_account: Callable[..., Account], gateway: GatewayAdmin) -> None:
    gateway.clear()
    account = make_account(regions=ONE_REGION, delivery={"retry": NO_RETRIES})
    assert look(account).waiting == 0
    gateway.add_fault("/qflow/aws-eb", "403")
    instance = start(account)
    wait_until(lambda: look(account).waiting == 1)
    found = look(account)
    (letter,) = found.letters
    assert letter.code == "SDK_CLIENT_ERROR"
    assert "403" in letter.message
    assert instance not in repr(found), "the content of a letter is nobody's business"
    assert found.activity is not None
    assert (found.activity.given_up, found.activity.lettered, found.activity.lost) == (1, 1, None)
    assert found.activity.last_success_at is None
    assert look(account).waiting == 1


def test_a_credential_in_a_letter_is_not_shown(make_account: Callable[..., Account]) -> None:
    account = make_account(regions=ONE_REGION)
    assert look(account).waiting == 0
    sqs, token = account.client("sqs"), account.input.token or ""
    url = sqs.get_queue_url(QueueName="qualys-zerotouch-dead-letters")["QueueUrl"]
    said = {
        "ERROR_CODE": f"CODE {token}",
        "ERROR_MESSAGE": f"answered 401 to Authorization: Bearer {token}\nX-API-KEY: canary",
    }
    attributes = {name: {"DataType": "String", "StringValue": text} for name, text in said.items()}
    sqs.send_message(QueueUrl=url, MessageBody="canary-body", MessageAttributes=attributes)
    found = look(account)
    (letter,) = found.letters
    assert (letter.code, letter.message) == ("CODE ***", "answered 401 to Authorization: *** *** X-API-KEY: ***")
    assert token not in repr(found)
    assert "canary" not in repr(found)


def test_a_rule_of_others_is_not_looked_at(make_account: Callable[..., Account]) -> None:
    account = make_account(regions=ONE_REGION)
    account.client("events").put_rule(Name="qualys-zerotouch", EventPattern='{"source": ["aws.ec2"]}')
    found = look(account)
    assert (found.rule_state, found.activity) == (None, None)


def test_a_region_that_hands_its_events_on_says_where_to(
    make_account: Callable[..., Account], gateway: GatewayAdmin
) -> None:
    gateway.clear()
    account = make_account(delivery={"topology": "MainRegion", "mainRegion": "us-east-1"})
    wait_until(lambda: account.reconcile().ready)
    instance = account.admin.start_instance(account.id, "eu-west-1")
    gateway.wait_for_event(lambda e: e["instance"] == instance)
    wait_until(lambda: (look(account).activity or Activity()).last_success_at is not None)
    main, other = look(account), look(account, "eu-west-1")
    assert (main.forwards_to, main.connection_state) == (None, "AUTHORIZED")
    assert (other.forwards_to, other.connection_state, other.waiting) == ("us-east-1", None, 0)
    assert other.activity is not None
    assert (other.activity.matched, other.activity.delivered) == (1, 1)


def test_what_cannot_be_handed_on_becomes_a_letter_where_it_started(make_account: Callable[..., Account]) -> None:
    account = make_account(delivery={"topology": "MainRegion", "mainRegion": "us-east-1"})
    wait_until(lambda: account.reconcile().ready)
    iam, role = account.client("iam"), "qualys-zerotouch-forward"
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    iam.delete_role_policy(RoleName=role, PolicyName=policy)
    account.admin.start_instance(account.id, "eu-west-1")
    wait_until(lambda: look(account, "eu-west-1").waiting == 1)
    assert look(account, "eu-west-1").letters[0].code == "NO_PERMISSIONS"
    assert look(account).waiting == 0


def test_one_call_of_cloudwatch_and_none_of_the_queue_while_it_is_empty(account: Account) -> None:
    assert account.reconcile().ready
    account.admin.forget_calls()
    assert account.reconcile().ready
    steady = calls_by_region(account)
    account.admin.forget_calls()
    look(account)
    extra = {region: counts - steady[region] for region, counts in calls_by_region(account).items()}
    assert {r: dict(c) for r, c in extra.items() if c} == {
        region: {"monitoring:GetMetricData": 1} for region in ("us-east-1", "eu-west-1")
    }


def calls_by_region(account: Account) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    for call in account.calls():
        if call["service"] != "ec2":
            counts.setdefault(call["region"], Counter())[f"{call['service']}:{call['operation']}"] += 1
    return counts


def test_cloudwatch_can_be_left_out(make_account: Callable[..., Account]) -> None:
    account = make_account(regions=ONE_REGION, delivery={"evidence": {"metrics": False}})
    assert look(account).activity is None
    assert [c for c in account.calls() if c["service"] == "monitoring"] == []


def test_rights_to_read_suffice(make_account: Callable[..., Account], gateway: GatewayAdmin) -> None:
    gateway.clear()
    account = make_account(regions=ONE_REGION, delivery={"retry": NO_RETRIES})
    assert account.reconcile().ready
    account.admin.set_policy(account.id, observe_policy("aws", account.id, "qualys-zerotouch"))
    account.change(mode="Observe")
    before = held(account.admin, account.id)
    gateway.add_fault("/qflow/aws-eb", "403")
    start(account)
    wait_until(lambda: look(account).letters != ())
    assert held(account.admin, account.id) == before


def test_a_right_that_lacks_is_the_surveys_problem_alone(make_account: Callable[..., Account]) -> None:
    from zerotouch.aws.policy import account_policy

    account = make_account(regions=ONE_REGION)
    policy: dict[str, Any] = account_policy("aws", account.id, "qualys-zerotouch")
    policy["Statement"] = [s for s in policy["Statement"] if s["Sid"] != "Evidence"]
    account.admin.set_policy(account.id, policy)
    account.input = replace(account.input, due_surveys=frozenset({"delivery"}))
    report = account.reconcile()
    assert report.ready
    problem = report.surveyed("delivery")["us-east-1"].problem
    assert problem is not None
    assert "cloudwatch:GetMetricData" in problem.message

"""What holds for a whole account or region is told as what it is, stays in its place, and is not tried at full speed."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.reconcile.conftest import Account
from zerotouch.api.account import State
from zerotouch.api.conditions import Reason
from zerotouch.aws.errors import Retry
from zerotouch.reconcile.report import AccountReport, Problem

HERE, THERE = "us-east-1", "eu-west-1"
ALWAYS = 10_000
Make = Callable[..., Account]


def problem_in(report: AccountReport, region: str) -> Problem:
    problem = next(s.problem for s in report.scopes if s.name == region)
    assert problem is not None
    return problem


def tries(account: Account, operation: str) -> int:
    """How often it was called in the faulty region since the calls were forgotten."""
    return sum(c["operation"] == operation and c["region"] == THERE for c in account.calls())


CASES = [
    ("quota", "CreateConnection", Reason.QUOTA_EXCEEDED, "the quota of connections of the region is used up"),
    ("quota", "CreateApiDestination", Reason.QUOTA_EXCEEDED, "the quota of API destinations of the region is used up"),
    ("quota", "PutRule", Reason.QUOTA_EXCEEDED, "the quota of rules of the event bus is used up"),
    ("quota", "CreateAssociation", Reason.QUOTA_EXCEEDED, "the quota of State Manager associations of the region"),
    ("entry", "PutTargets", Reason.QUOTA_EXCEEDED, "the quota of targets of a rule is used up"),
    ("unsupported", "CreateConnection", Reason.REGION_UNSUPPORTED, "take the region out of spec.regions"),
    ("scp", "CreateConnection", Reason.DENIED_BY_SCP, "service_control_policy/p-2kgnabcd"),
    ("scp-implicit", "CreateConnection", Reason.DENIED_BY_SCP, "an SCP of the organization does not allow it"),
    ("boundary", "CreateConnection", Reason.ACCESS_DENIED, "the permissions boundary of the operator's role"),
    ("session", "CreateConnection", Reason.ACCESS_DENIED, "a session policy without events:CreateConnection"),
    ("explicit", "CreateConnection", Reason.ACCESS_DENIED, "a policy denies events:CreateConnection"),
    ("suspended", "CreateConnection", Reason.ACCOUNT_SUSPENDED, "the account is suspended"),
]


@pytest.mark.parametrize(("kind", "operation", "reason", "says"), CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_what_needs_a_person_is_told_and_tried_once_a_pass(
    account: Account, kind: str, operation: str, reason: Reason, says: str
) -> None:
    account.admin.add_fault(kind, operation=operation, account=account.id, region=THERE, count=ALWAYS)
    for _ in range(2):
        account.admin.forget_calls()
        report = account.reconcile()
        told = problem_in(report, THERE)
        assert (told.reason, told.retry) == (reason, Retry.PERSON)
        for part in (says, f"{operation} in {account.id}/{THERE}", "request "):
            assert part in told.message
        assert {s.name: s.state for s in report.scopes if s.name != THERE} == {
            "global": State.READY,
            HERE: State.READY,
        }
        assert tries(account, operation) == 1


def test_what_waits_for_a_refused_resource_is_not_tried(account: Account) -> None:
    account.admin.add_fault("quota", operation="CreateConnection", account=account.id, region=THERE, count=ALWAYS)
    account.reconcile()
    assert tries(account, "CreateApiDestination") == 0
    assert tries(account, "PutRule") == 0
    assert tries(account, "CreateAssociation") == 1


def test_a_throttle_is_no_quota_and_is_tried_again_at_once(account: Account) -> None:
    account.admin.add_fault("throttle", operation="CreateConnection", account=account.id, region=THERE, count=2)
    assert account.reconcile().ready
    assert tries(account, "CreateConnection") == 3


def test_a_throttle_that_does_not_end_is_left_to_the_next_pass(account: Account) -> None:
    account.admin.add_fault("throttle", operation="CreateConnection", account=account.id, region=THERE, count=ALWAYS)
    told = problem_in(account.reconcile(), THERE)
    assert (told.reason, told.retry) == (Reason.THROTTLED, Retry.SOON)
    assert tries(account, "CreateConnection") == 5


def test_when_the_reason_is_gone_the_region_becomes_right(account: Account) -> None:
    account.admin.add_fault("scp", service="events", account=account.id, region=THERE, count=ALWAYS)
    assert not account.reconcile().ready
    account.admin.clear_faults()
    assert account.reconcile().ready


@pytest.mark.parametrize(
    ("kind", "reason", "says"),
    [
        ("deny", Reason.ASSUME_ROLE_DENIED, "suspended or closed"),
        ("scp", Reason.DENIED_BY_SCP, "an SCP of the organization denies it"),
        ("suspended", Reason.ACCOUNT_SUSPENDED, "take it out of spec.accounts"),
    ],
)
def test_an_account_that_lets_nobody_in_is_asked_once_a_pass(
    make_account: Make, kind: str, reason: Reason, says: str
) -> None:
    account = make_account()
    # The edge knows a call to assume a role by its caller only, which is the operator itself.
    account.admin.add_fault(kind, service="sts", operation="AssumeRole", count=1)
    account.admin.forget_calls()
    report = account.reconcile()
    assert report.problem is not None
    assert (report.problem.reason, report.problem.retry) == (reason, Retry.PERSON)
    assert says in report.problem.message
    assert "canary" not in report.problem.message
    assert [c["operation"] for c in account.admin.calls() if c["service"] == "sts"] == ["AssumeRole"]
    assert account.reconcile().ready


def test_credentials_that_end_before_their_time_are_renewed(account: Account) -> None:
    assert account.reconcile().ready
    account.admin.forget_calls()
    account.admin.add_fault("expired", service="ssm", account=account.id, region=THERE, count=1)
    assert account.reconcile().ready
    assumed: list[Any] = [c for c in account.admin.calls() if c["operation"] == "AssumeRole"]
    assert len(assumed) == 1

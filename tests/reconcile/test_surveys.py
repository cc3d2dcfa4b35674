"""Surveys run when they are due, after the region's pass, only read, and never make a region not ready."""

from dataclasses import replace

import pytest

from tests.reconcile.conftest import Account
from zerotouch.api.conditions import Reason
from zerotouch.aws.errors import AWSError, Call, Retry
from zerotouch.reconcile import survey

DUE = frozenset({"delivery"})


def surveying(account: Account) -> Account:
    account.input = replace(account.input, due_surveys=DUE)
    return account


def test_none_runs_that_is_not_due(account: Account) -> None:
    report = account.reconcile()
    assert report.ready
    assert report.surveyed("delivery") == {}


def test_each_region_once_and_never_the_account_wide_scope(account: Account) -> None:
    report = surveying(account).reconcile()
    assert sorted(report.surveyed("delivery")) == ["eu-west-1", "us-east-1"]


def test_it_sees_what_the_pass_left(account: Account) -> None:
    assert account.reconcile().ready
    account.client("events").disable_rule(Name="qualys-zerotouch")
    found = surveying(account).reconcile().surveyed("delivery")["us-east-1"].found
    assert (found.connection_state, found.rule_state) == ("AUTHORIZED", "ENABLED")


def test_it_runs_in_mode_observe_too_and_not_in_a_removal(account: Account) -> None:
    assert account.reconcile().ready
    account.client("events").disable_rule(Name="qualys-zerotouch")
    surveying(account).change(mode="Observe")
    assert account.reconcile().surveyed("delivery")["us-east-1"].found.rule_state == "DISABLED"
    account.change(mode="Enforce")
    assert account.remove().surveyed("delivery") == {}


class Failing:
    name = "delivery"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def run(self, *_: object) -> None:
        raise self._error


@pytest.mark.parametrize(
    ("error", "reason", "retry"),
    [
        (
            AWSError(Call("1" * 12, "us-east-1", "s", "o"), Reason.THROTTLED, Retry.SOON, "Throttling", "slow down"),
            Reason.THROTTLED,
            Retry.SOON,
        ),
        (KeyError("canary"), Reason.INTERNAL_ERROR, Retry.BUG),
    ],
)
def test_its_failure_is_its_own(
    account: Account, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: Reason, retry: Retry
) -> None:
    monkeypatch.setattr(survey, "SURVEYS", (Failing(error),))
    report = surveying(account).reconcile()
    assert report.ready
    problem = report.surveyed("delivery")["us-east-1"].problem
    assert problem is not None
    assert (problem.reason, problem.retry) == (reason, retry)
    assert "canary" not in problem.message

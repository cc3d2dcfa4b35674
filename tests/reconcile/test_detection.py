"""Drift by event: the kinds in the member account, under the documented policy."""

import json
from collections.abc import Callable
from dataclasses import replace

from tests.reconcile.conftest import Account
from tests.reconcile.drift.model import BUS
from zerotouch.reconcile.report import AccountReport

RULE, IAM_RULE, ROLE = "qualys-zerotouch-detection", "qualys-zerotouch-detection-iam", "qualys-zerotouch-detection"
ON = {"detection": {"busARN": BUS}, "regions": {"names": ["eu-west-1"]}}


def test_iam_is_watched_where_its_events_appear(make_account: Callable[..., Account]) -> None:
    account = make_account(**ON)
    assert account.reconcile().ready
    names = {region: _rules(account, region) for region in ("us-east-1", "eu-west-1")}
    assert names == {"us-east-1": [IAM_RULE], "eu-west-1": ["qualys-zerotouch", RULE]}
    role = account.client("iam").get_role_policy(RoleName=ROLE, PolicyName="tell-zerotouch")["PolicyDocument"]
    assert role["Statement"] == [{"Effect": "Allow", "Action": ["events:PutEvents"], "Resource": [BUS]}]


def test_a_removed_region_keeps_the_rule_for_iam(make_account: Callable[..., Account]) -> None:
    account = make_account(**{**ON, "regions": {"names": ["us-east-1", "eu-west-1"]}})
    assert account.reconcile().ready
    account.change(regions={"names": ["eu-west-1"]})
    assert account.reconcile().ready
    assert _rules(account, "us-east-1") == [IAM_RULE]


def test_when_off_nothing_is_asked_and_switching_off_removes_it(make_account: Callable[..., Account]) -> None:
    account = make_account(regions={"names": ["eu-west-1"]})
    assert account.reconcile().ready
    account.admin.forget_calls()
    assert account.reconcile().ready
    off = len(account.calls())
    account.change(**ON)
    assert account.reconcile().ready
    account.change(detection=None)
    assert account.reconcile().ready
    assert _rules(account, "us-east-1") == []
    assert "qualys-zerotouch-detection" not in json.dumps(account.client("iam").list_roles(), default=str)
    account.admin.forget_calls()
    assert account.reconcile().ready
    assert len(account.calls()) == off


def test_a_steady_pass_reads_what_it_compares(make_account: Callable[..., Account]) -> None:
    account = make_account(**ON)
    assert account.reconcile().ready
    account.admin.forget_calls()
    assert account.reconcile().ready
    more = [c["operation"] for c in account.calls() if c["service"] == "events" and c["region"] == "us-east-1"]
    assert sorted(more) == ["DescribeRule", "ListTagsForResource", "ListTargetsByRule"]


def test_removal_leaves_nothing(make_account: Callable[..., Account]) -> None:
    account = make_account(**ON)
    assert account.reconcile().ready
    assert account.remove().clean
    assert _rules(account, "us-east-1") == _rules(account, "eu-west-1") == []


def _rules(account: Account, region: str) -> list[str]:
    return sorted(rule["Name"] for rule in account.client("events", region).list_rules()["Rules"])


def test_a_pass_over_one_region_touches_no_other(make_account: Callable[..., Account]) -> None:
    account = make_account(**{**ON, "regions": {"names": ["us-east-1", "eu-west-1"]}})
    assert account.reconcile().ready
    for region in ("us-east-1", "eu-west-1"):
        account.client("events", region).disable_rule(Name="qualys-zerotouch")
    account.client("iam").tag_role(RoleName="qualys-zerotouch-events", Tags=[{"Key": "team", "Value": "x"}])
    account.admin.forget_calls()
    report = scopes_pass(account, "eu-west-1")
    assert [(s.name, len(s.drifts), s.state.value) for s in report.scopes] == [("eu-west-1", 1, "Ready")]
    calls = [c for c in account.calls() if c["service"] != "ec2"]
    assert {c["region"] for c in calls} == {"eu-west-1"}
    report = scopes_pass(account, "global")
    assert [(s.name, len(s.drifts), s.state.value) for s in report.scopes] == [("global", 1, "Ready")]
    assert account.client("events").describe_rule(Name="qualys-zerotouch")["State"] == "DISABLED"


def test_a_pass_over_iam_alone_takes_nothing_from_regions_that_are_retained(
    make_account: Callable[..., Account],
) -> None:
    account = make_account(**{**ON, "regions": {"names": ["us-east-1", "eu-west-1"]}, "deletionPolicy": "Retain"})
    assert account.reconcile().ready
    account.change(regions={"names": ["eu-west-1"]})
    assert account.reconcile().ready
    report = scopes_pass(account, "global")
    assert [(s.name, s.changes, s.state.value) for s in report.scopes] == [("global", (), "Ready")]


def scopes_pass(account: Account, *scopes: str) -> AccountReport:
    given = replace(account.input, previous=account.hashes, versions=account.versions)
    return account.reconciler.reconcile_scopes(given, scopes, account.stop)

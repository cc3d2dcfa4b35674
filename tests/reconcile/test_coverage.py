"""The coverage survey against the emulated AWS, under exactly the documented policy: what it finds, and what it costs."""

import copy
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.reconcile.conftest import Account
from zerotouch.api.conditions import Reason
from zerotouch.api.coverage import Gap
from zerotouch.aws.policy import HOST_MANAGEMENT, account_policy, observe_policy
from zerotouch.plan.funnel import Funnel
from zerotouch.reconcile import coverage
from zerotouch.reconcile.report import AccountReport

REGION = "us-east-1"
READS = {"DescribeInstances", "DescribeInstanceInformation", "GetInventory", "GetServiceSetting"}
Make = Callable[..., Account]


def survey(account: Account) -> AccountReport:
    """A pass with the survey due; the calls before are forgotten."""
    account.admin.forget_calls()
    account.input = replace(account.input, due_surveys=frozenset({"coverage"}))
    return account.reconcile()


def found(report: AccountReport, region: str = REGION) -> Funnel:
    surveyed = report.surveyed("coverage")[region]
    assert surveyed.problem is None, surveyed.problem
    assert isinstance(surveyed.found, Funnel)
    return surveyed.found


def reads(account: Account) -> dict[str, int]:
    return dict(Counter(c["operation"] for c in account.calls() if c["operation"] in READS))


def start(account: Account, age: float = 86_400.0, options: Mapping[str, Any] | None = None, **agent: Any) -> str:
    """An instance that was launched so long ago."""
    instance = account.admin.start_instance(account.id, REGION, **(options or {}))
    account.admin.set_age(account.id, REGION, instance, age)
    if agent:
        account.admin.set_agent(account.id, REGION, instance, **agent)
    return instance


@pytest.fixture
def one_region(make_account: Make) -> Account:
    return make_account(regions={"names": [REGION]})


def test_a_region_without_instances_costs_one_call(one_region: Account) -> None:
    report = survey(one_region)
    assert found(report) == Funnel()
    assert reads(one_region) == {"DescribeInstances": 1}


def test_a_covered_fleet_costs_three_calls_a_region_and_is_not_looked_at_unless_due(account: Account) -> None:
    start(account)
    report = survey(account)
    assert found(report) == Funnel(running=1, online=1, inventoried=1, covered=1)
    assert found(report, "eu-west-1") == Funnel()
    assert reads(account) == {"DescribeInstances": 2, "DescribeInstanceInformation": 1, "GetInventory": 1}
    account.input = replace(account.input, due_surveys=frozenset())
    account.admin.forget_calls()
    account.reconcile()
    assert reads(account) == {}


def test_every_way_to_be_lost_is_told_with_the_instance(one_region: Account) -> None:
    account = one_region
    start(account)
    stopped = start(account)
    account.client("ec2").stop_instances(InstanceIds=[stopped])
    expected = {
        start(account, ping=None): Gap.NOT_MANAGED,
        start(account, ping="ConnectionLost", ping_age=7200.0): Gap.AGENT_OFFLINE,
        start(account, inventory_age=None): Gap.NEVER_INVENTORIED,
        start(account, inventory_age=3 * 3600.0): Gap.INVENTORY_STALE,
    }
    report = survey(account)
    funnel = found(report)
    assert {u.id: u.gap for u in funnel.uncovered} == expected
    assert (funnel.running, funnel.online, funnel.inventoried, funnel.covered) == (5, 3, 1, 1)
    assert report.ready
    told = {u.gap: u.message for u in funnel.uncovered}
    lost_at = datetime.now(UTC) - timedelta(hours=2)
    assert told[Gap.AGENT_OFFLINE].startswith(f"SSM agent offline since {lost_at:%Y-%m-%d}") or lost_at.hour == 23
    assert "older than 2h" in told[Gap.INVENTORY_STALE]
    assert told[Gap.NOT_MANAGED].endswith("neither an instance profile nor Default Host Management")
    assert reads(account) == dict.fromkeys(READS, 1)


def test_default_host_management_is_asked_for_only_where_it_tells_something(one_region: Account) -> None:
    account = one_region
    start(account, options={"IamInstanceProfile": {"Name": "ssm"}}, ping=None)
    (instance,) = found(survey(account)).uncovered
    assert "although it has an instance profile" in instance.message
    assert "GetServiceSetting" not in reads(account)
    start(account, ping=None)
    account.client("ssm").update_service_setting(SettingId=HOST_MANAGEMENT, SettingValue="role")
    messages = [u.message for u in found(survey(account)).uncovered]
    assert any("although Default Host Management is on" in message for message in messages)
    assert reads(account)["GetServiceSetting"] == 1


def test_an_instance_that_has_just_started_is_given_time(one_region: Account) -> None:
    start(one_region, age=60.0, ping=None)
    funnel = found(survey(one_region))
    assert (funnel.starting, funnel.uncovered) == (1, ())
    one_region.change(coverage={"gracePeriod": "30s"})
    assert found(survey(one_region)).gaps == {Gap.NOT_MANAGED: 1}


def test_platforms_and_an_age_of_ones_own(one_region: Account) -> None:
    account = one_region
    old = start(account, platform_name="Ubuntu", platform_version="16.04")
    start(account, platform_name="Ubuntu", platform_version="22.04", inventory_age=20 * 3600.0)
    allowed = [{"name": "Amazon Linux"}, {"name": "Ubuntu", "versions": ["22.*"]}]
    account.change(coverage={"platforms": allowed, "inventoryMaxAge": "24h"})
    (instance,) = found(survey(account)).uncovered
    assert (instance.id, instance.gap) == (old, Gap.PLATFORM_NOT_ALLOWED)
    assert "Ubuntu 16.04" in instance.message


def test_a_targeted_association_means_only_its_instances(one_region: Account) -> None:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "scan", "Value": "yes"}]}]
    start(one_region, options={"TagSpecifications": tags})
    start(one_region, ping=None)
    one_region.change(inventory={"targets": {"tags": [{"key": "scan", "values": ["yes", "also"]}]}})
    assert found(survey(one_region)) == Funnel(running=1, online=1, inventoried=1, covered=1)


def test_the_schedule_in_force_says_what_is_stale(make_account: Make) -> None:
    account = make_account(regions={"names": [REGION]})
    account.client("ssm").create_association(
        Name="AWS-GatherSoftwareInventory",
        AssociationName="Inventory-Association",
        Targets=[{"Key": "InstanceIds", "Values": ["*"]}],
        ScheduleExpression="rate(12 hours)",
    )
    start(account, inventory_age=20 * 3600.0)
    assert found(survey(account)).covered == 1


def test_what_is_collected_says_where_to_look(one_region: Account) -> None:
    start(one_region)
    one_region.change(inventory={"collect": {"instanceDetailedInformation": False, "awsComponents": False}})
    assert found(survey(one_region)).covered == 1


def test_many_instances_are_read_in_pages(one_region: Account) -> None:
    one_region.admin.start_instance(one_region.id, REGION, MinCount=120, MaxCount=120)
    assert found(survey(one_region)).covered == 120
    assert reads(one_region) == {"DescribeInstances": 1, "DescribeInstanceInformation": 3, "GetInventory": 3}


def test_the_number_of_reads_is_bounded_and_what_was_not_read_is_not_judged(
    one_region: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "MOST_INSTANCES", 100)
    one_region.admin.start_instance(one_region.id, REGION, MinCount=180, MaxCount=180)
    funnel = found(survey(one_region))
    assert (funnel.truncated, funnel.uncovered, funnel.running) == (True, (), 100)
    assert reads(one_region) == {"DescribeInstances": 1, "DescribeInstanceInformation": 3, "GetInventory": 3}


@pytest.mark.slow
def test_as_many_instances_as_are_looked_at(one_region: Account) -> None:
    one_region.admin.start_instance(one_region.id, REGION, MinCount=5000, MaxCount=5000)
    assert found(survey(one_region)).covered == 5000
    assert reads(one_region) == {"DescribeInstances": 5, "DescribeInstanceInformation": 100, "GetInventory": 100}


@pytest.mark.parametrize("missing", ["Coverage", "CoverageHostManagement"])
def test_a_missing_permission_is_told_and_the_region_stays_ready(one_region: Account, missing: str) -> None:
    policy = copy.deepcopy(account_policy("aws", one_region.id, "qualys-zerotouch"))
    policy["Statement"] = [s for s in policy["Statement"] if s["Sid"] != missing]
    one_region.admin.set_policy(one_region.id, policy)
    start(one_region, ping=None)
    report = survey(one_region)
    problem = report.surveyed("coverage")[REGION].problem
    assert problem is not None
    assert problem.reason is Reason.ACCESS_DENIED
    assert "DescribeInstances" in problem.message or "GetServiceSetting" in problem.message
    assert report.ready


def test_a_region_that_fails_is_only_that_region(account: Account) -> None:
    account.admin.add_fault("deny", operation="DescribeInstances", account=account.id, region="eu-west-1")
    start(account)
    report = survey(account)
    assert found(report).covered == 1
    assert report.surveyed("coverage")["eu-west-1"].problem is not None
    assert report.ready


def test_rights_to_read_suffice(one_region: Account) -> None:
    one_region.admin.set_policy(one_region.id, observe_policy("aws", one_region.id, "qualys-zerotouch"))
    start(one_region, ping=None)
    one_region.change(mode="Observe")
    assert found(survey(one_region)).gaps == {Gap.NOT_MANAGED: 1}

"""What others have set up beside us: rules that would deliver twice, rival inventory associations. Told, and never touched."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.aws.inventory import held
from tests.reconcile.conftest import REGIONS, Account
from tests.reconcile.test_import import MAIN, NEWER, OLDER, PATTERN, make_newer, make_stack, qualys_template
from tests.reconcile.test_pass import REGION_READS, problems
from tests.reconcile.test_templates import writes
from zerotouch.api.conditions import Reason
from zerotouch.reconcile.report import AccountReport, ScopeReport

NAME = "qualys-zerotouch"
DOCUMENT = "AWS-GatherSoftwareInventory"
TAGGED = [{"Key": "tag:team", "Values": ["a"]}]


def there(report: AccountReport, region: str = MAIN) -> ScopeReport:
    return next(s for s in report.scopes if s.name == region)


def told(report: AccountReport, region: str = MAIN) -> list[tuple[str, str]]:
    """(rule, API destination) by name."""
    found = there(report, region).delivered_twice_by
    assert found is not None
    pairs = (text.split(" to ") for text in found)
    return [(rule.rpartition("/")[2], destination.split("/")[1]) for rule, destination in pairs]


def reads(account: Account) -> Counter[str]:
    return Counter(c["operation"] for c in account.calls() if c["region"] == MAIN)


@pytest.fixture
def settled(make_account: Callable[..., Account]) -> Account:
    """One region, set up."""
    account = make_account(regions={"names": [MAIN]})
    assert account.reconcile().ready
    return account


def copy_of_ours(account: Account, name: str, target: str, pattern: dict[str, Any] = PATTERN, **more: Any) -> None:
    """A rule of somebody else, with our role."""
    events = account.client("events")
    role = events.list_targets_by_rule(Rule=NAME)["Targets"][0]["RoleArn"]
    events.put_rule(Name=name, EventPattern=json.dumps(pattern), **more)
    events.put_targets(Rule=name, Targets=[{"Id": "x", "Arn": target, "RoleArn": role}])


def own_destination(account: Account) -> str:
    return str(account.client("events").describe_api_destination(Name=NAME)["ApiDestinationArn"])


@pytest.mark.parametrize("names", [NEWER, OLDER], ids=["newer", "older"])
def test_qualyss_own_template_is_told_before_and_after_ours_is_there(account: Account, names: dict[str, str]) -> None:
    make_stack(account, MAIN, qualys_template(account, names, "qualys"))
    before = held(account.admin, account.id)
    for _ in range(2):
        report = account.reconcile()
        assert report.ready, problems(report)
        assert told(report) == [(names["rule"], names["destination"])]
        assert told(report, REGIONS[1]) == []
        assert not any(s.foreign_destinations for s in report.scopes)
    assert set(before) <= set(held(account.admin, account.id))
    account.client("events").disable_rule(Name=names["rule"])
    assert told(account.reconcile()) == []


def test_with_its_stack_set_it_is_told_where_it_delivers(account: Account) -> None:
    stacks = make_newer(account)
    report = account.reconcile()
    assert [told(report, region) for region in REGIONS] == [[(NEWER["rule"], NEWER["destination"])], []]
    for stack in stacks:
        stack.delete_stack(StackName="assessment")
        stack.get_waiter("stack_delete_complete").wait(StackName="assessment", WaiterConfig={"Delay": 1})
    assert told(account.reconcile()) == []


def test_what_is_told_costs_two_reads_more_and_writes_nothing(settled: Account) -> None:
    make_stack(settled, MAIN, qualys_template(settled, NEWER, "qualys"))
    settled.admin.forget_calls()
    assert told(settled.reconcile())
    assert writes(settled) == []
    expected = Counter(REGION_READS) + Counter({"ListRuleNamesByTarget": 1, "DescribeRule": 1})
    assert reads(settled) & Counter(dict.fromkeys(expected, 99)) == expected


def test_a_rule_that_leads_to_our_destination_is_told_and_left(settled: Account) -> None:
    copy_of_ours(settled, "theirs", own_destination(settled))
    report = settled.reconcile()
    assert report.ready, problems(report)
    assert told(report) == [("theirs", NAME)]
    assert not settled.remove().left
    assert settled.client("events").describe_rule(Name="theirs")["State"] == "ENABLED"


@pytest.mark.parametrize(
    "pattern",
    [{"source": ["aws.s3"]}, {**PATTERN, "detail": {"state": ["stopped"]}}],
    ids=["other-source", "other-state"],
)
def test_a_rule_for_other_events_is_not(settled: Account, pattern: dict[str, Any]) -> None:
    copy_of_ours(settled, "theirs", own_destination(settled), pattern)
    assert told(settled.reconcile()) == []


def test_a_destination_of_another_gateway_is_not(settled: Account) -> None:
    template = qualys_template(settled, NEWER, "qualys")
    template["Destination"]["Properties"]["InvocationEndpoint"] = "https://gateway.example/qflow/aws-eb"
    make_stack(settled, MAIN, template)
    assert told(settled.reconcile()) == []


def test_the_number_of_reads_is_bounded(settled: Account) -> None:
    for number in range(7):
        copy_of_ours(settled, f"theirs-{number}", own_destination(settled))
    settled.admin.forget_calls()
    assert [rule for rule, _ in told(settled.reconcile())] == [f"theirs-{number}" for number in range(5)]
    assert reads(settled)["DescribeRule"] == 6


def test_a_misuse_is_told_while_our_own_destination_is_missing(make_account: Callable[..., Account]) -> None:
    account = make_account(regions={"names": [MAIN]})
    assert account.reconcile().ready
    events = account.client("events")
    connection = events.describe_connection(Name=NAME)["ConnectionArn"]
    thief = events.create_api_destination(
        Name="thief", ConnectionArn=connection, InvocationEndpoint="https://evil.example/x", HttpMethod="POST"
    )
    events.delete_api_destination(Name=NAME)
    region = there(account.reconcile())
    assert region.foreign_destinations == (thief["ApiDestinationArn"],)
    assert region.problem is not None
    assert region.problem.reason is Reason.FOREIGN_API_DESTINATION


def test_where_it_may_not_be_looked_at_that_is_said_and_ours_is_mended(settled: Account) -> None:
    settled.client("events").disable_rule(Name=NAME)
    settled.admin.add_fault("deny", service="events", operation="ListRuleNamesByTarget", account=settled.id)
    region = there(settled.reconcile())
    assert region.problem is not None
    assert region.problem.reason is Reason.ACCESS_DENIED
    assert region.delivered_twice_by is None
    assert settled.client("events").describe_rule(Name=NAME)["State"] == "ENABLED"


def associate(account: Account, name: str, targets: list[dict[str, Any]]) -> str:
    made = account.client("ssm").create_association(
        Name=DOCUMENT, AssociationName=name, Targets=targets, ScheduleExpression="rate(12 hours)"
    )
    return str(made["AssociationDescription"]["AssociationId"])


def test_an_association_for_certain_nodes_beside_ours_is_told_and_left(settled: Account) -> None:
    identity = associate(settled, "theirs", TAGGED)
    settled.admin.forget_calls()
    report = settled.reconcile()
    assert report.ready, problems(report)
    assert there(report).rivals == (f"{identity} theirs",)
    assert writes(settled) == []
    assert reads(settled)["ListTagsForResource"] == REGION_READS["ListTagsForResource"]
    ssm = settled.client("ssm")
    assert ssm.describe_association(AssociationId=identity)["AssociationDescription"]["AssociationVersion"] == "1"
    ssm.delete_association(AssociationId=identity)
    assert there(settled.reconcile()).rivals == ()


def test_one_for_all_nodes_gives_way_to_ours_for_certain_ones(make_account: Callable[..., Account]) -> None:
    account = make_account(
        regions={"names": [MAIN]}, inventory={"targets": {"tags": [{"key": "team", "values": ["b"]}]}}
    )
    associate(account, "theirs", [{"Key": "InstanceIds", "Values": ["*"]}])
    assert account.reconcile().ready
    assert there(account.reconcile()).rivals == ()
    associate(account, "more", TAGGED)
    assert len(there(account.reconcile()).rivals or ()) == 1


def test_what_serves_in_place_of_ours_is_no_rival(make_account: Callable[..., Account]) -> None:
    account = make_account(regions={"names": [MAIN]})
    associate(account, "AWS-QuickSetup-SSMHostMgmt-CollectInventory-ab1cd", [{"Key": "InstanceIds", "Values": ["*"]}])
    associate(account, "theirs", TAGGED)
    assert account.reconcile().ready
    assert there(account.reconcile()).rivals == ()

"""What driftPolicy says is only told stays in AWS as it is, whatever else is mended; fights are given up, bounded."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.reconcile.conftest import Account, RightAccount, steady
from tests.reconcile.drift.kinds import KINDS
from tests.reconcile.drift.model import SPEC, Break, KindDrift, Then
from zerotouch.api.conditions import Reason
from zerotouch.api.drift import DriftPolicy, Left, Repair
from zerotouch.plan.change import ResourceID
from zerotouch.plan.fighting import field_of, held, remember
from zerotouch.plan.policy import Judge
from zerotouch.plan.render import show_values
from zerotouch.reconcile.report import AccountReport, Drift

NAME = "qualys-zerotouch"
READS = ("Describe", "Get", "List")


pytestmark = pytest.mark.usefixtures("no_budget", "no_grace")


@pytest.fixture
def account(make_account: Callable[..., Account]) -> Account:
    account = make_account(**SPEC)
    assert account.reconcile().ready
    return account


def reporting(account: Account, *rules: dict[str, Any]) -> None:
    """From now on what the rules name is only told."""
    policy = DriftPolicy.model_validate({"rules": [{**rule, "action": "Report"} for rule in rules]})
    account.input = replace(account.input, judge=Judge(policy))


def drifts_of(report: AccountReport) -> list[Drift]:
    return [drift for scope in report.scopes for drift in scope.drifts]


def writes(account: Account) -> list[str]:
    return [c["operation"] for c in account.calls() if not c["operation"].startswith(READS)]


def role_arn(account: Account) -> str:
    return str(account.client("iam").get_role(RoleName=f"{NAME}-events")["Role"]["Arn"])


def rule_of(account: Account) -> Any:
    return account.client("events").describe_rule(Name=NAME)


CASES = [(d, b) for d in KINDS for b in d.breaks if b.then is Then.MENDED]


@pytest.mark.parametrize(("drift", "broken"), CASES, ids=[f"{d.name}.{b.field}-{b.how}" for d, b in CASES])
def test_any_drift_can_be_left_and_told(right_account: RightAccount, drift: KindDrift, broken: Break) -> None:
    account, kind = right_account(drift), drift.kind.name
    reporting(
        account, {"kind": kind}, *([{"kind": "APIDestination"}, {"kind": "Rule"}] if kind == "Connection" else [])
    )
    broken.do(account)
    account.admin.forget_calls()
    report = account.reconcile()
    assert writes(account) == []
    assert report.ready
    told = drifts_of(report)
    assert kind in {d.resource.kind for d in told}
    assert {d.left for d in told} == {Left.REPORTED}
    reporting(account)
    account.reconcile()
    assert account.reconcile().ready
    assert steady(account)


def test_a_field_that_is_only_told_survives_the_mending_of_another_in_the_same_call(account: Account) -> None:
    reporting(account, {"kind": "Rule", "field": "state"}, {"field": "schedule"}, {"field": "tags"})
    account.client("events").disable_rule(Name=NAME)
    account.client("events").put_rule(Name=NAME, State="DISABLED", EventPattern='{"source": ["aws.ec2"]}')
    (found,) = account.client("ssm").list_associations()["Associations"]
    which = {"AssociationId": found["AssociationId"]}
    account.client("ssm").update_association(**which, AssociationName=NAME, ScheduleExpression="rate(7 days)")
    account.client("iam").tag_role(RoleName=f"{NAME}-events", Tags=[{"Key": "cost", "Value": "1"}])
    account.client("iam").update_role(RoleName=f"{NAME}-events", Description="x")
    report = account.reconcile()
    assert report.ready
    left = {(d.resource.kind, d.difference.path) for d in drifts_of(report) if d.left is Left.REPORTED}
    assert left == {("Rule", "state"), ("InventoryAssociation", "schedule"), ("ExecutionRole", "tags.cost")}
    assert (rule_of(account)["State"], "detail" in rule_of(account)["EventPattern"]) == ("DISABLED", True)
    described = account.client("ssm").describe_association(**which)["AssociationDescription"]
    assert (described["ScheduleExpression"], described["Targets"][0]["Values"]) == ("rate(7 days)", ["*"])
    account.admin.forget_calls()
    assert account.reconcile().ready
    assert writes(account) == []


def test_what_was_never_made_is_made(make_account: Callable[..., Account]) -> None:
    account = make_account(**SPEC)
    account.input = replace(account.input, judge=Judge(DriftPolicy.model_validate({"default": "Report"})))
    report = account.reconcile()
    assert report.ready
    assert drifts_of(report) == []
    assert rule_of(account)["State"] == "ENABLED"


def test_a_changed_declaration_is_carried_out_and_leaves_what_was_told(account: Account) -> None:
    reporting(account, {"kind": "Rule", "field": "state"})
    account.client("events").disable_rule(Name=NAME)
    told = drifts_of(account.reconcile())
    known = {(ResourceID("Rule", "us-east-1", NAME), "state", show_values(d.difference)[0]) for d in told}
    account.input = replace(account.input, judge=replace(account.input.judge, told=frozenset(known)))
    account.change(tags={"team": "platform"})
    report = account.reconcile()
    assert report.ready
    assert [d.left for d in drifts_of(report)] == [Left.REPORTED]
    assert rule_of(account)["State"] == "DISABLED"
    tags = account.client("events").list_tags_for_resource(ResourceARN=rule_of(account)["Arn"])["Tags"]
    assert {"Key": "team", "Value": "platform"} in tags


def test_drift_beside_a_changed_declaration_is_told_and_left_as_if_nothing_were_declared(account: Account) -> None:
    """Told in no status before, so that only the fields' hashes tell it from what is declared anew."""
    reporting(account, {"kind": "Rule", "field": "description"})
    events, iam = account.client("events"), account.client("iam")
    pattern = rule_of(account)["EventPattern"]
    events.put_rule(Name=NAME, State="DISABLED", Description="theirs", EventPattern=pattern)
    spy = {"Id": "spy", "Arn": f"arn:aws:events:us-east-1:{account.id}:event-bus/spy", "RoleArn": role_arn(account)}
    events.put_targets(Rule=NAME, Targets=[spy])
    iam.tag_role(RoleName=f"{NAME}-events", Tags=[{"Key": "cost", "Value": "1"}])
    account.change(tags={"team": "platform"})
    report = account.reconcile()
    assert report.ready
    assert {(d.resource.region, d.resource.kind, d.difference.path, d.left) for d in drifts_of(report)} == {
        ("us-east-1", "Rule", "state", None),
        ("us-east-1", "Rule", "targets.spy", None),
        ("us-east-1", "Rule", "description", Left.REPORTED),
        ("global", "ExecutionRole", "tags.cost", None),
    }
    assert (rule_of(account)["State"], rule_of(account)["Description"]) == ("ENABLED", "theirs")
    account.admin.forget_calls()
    assert {d.left for d in drifts_of(account.reconcile())} == {Left.REPORTED}
    assert writes(account) == []


def test_a_changed_declaration_alone_is_no_drift_also_where_it_fails_at_first_and_is_taken_back(
    account: Account,
) -> None:
    account.admin.add_fault("deny", service="events", operation="TagResource", account=account.id, count=999)
    account.change(tags={"team": "platform"}, delivery={"invocationRateLimitPerSecond": 7})
    assert drifts_of(account.reconcile()) == []
    assert drifts_of(account.reconcile()) == []
    account.change(tags=SPEC["tags"], delivery={"invocationRateLimitPerSecond": 9})
    assert drifts_of(account.reconcile()) == []
    account.admin.clear_faults()
    report = account.reconcile()
    assert (report.ready, drifts_of(report)) == (True, [])


def test_what_is_as_declared_in_a_region_with_a_fault_and_drifts_is_told(account: Account) -> None:
    account.admin.add_fault("deny", service="ssm", operation="AddTagsToResource", account=account.id, count=999)
    account.change(tags={"team": "platform"})
    assert not account.reconcile().ready
    account.client("events").disable_rule(Name=NAME)
    report = account.reconcile()
    assert [(d.resource.kind, d.difference.path, d.mended) for d in drifts_of(report)] == [("Rule", "state", True)]
    account.admin.clear_faults()
    assert account.reconcile().ready


def test_a_fight_goes_on_beside_a_changed_declaration(account: Account) -> None:
    now, field = datetime(2026, 1, 1, tzinfo=UTC), ("us-east-1", "Rule", NAME, "state")
    fight = Repair(region=field[0], kind=field[1], name=NAME, field=field[3], count=4, since=now, last=now)
    account.input = replace(account.input, judge=Judge(held=held([fight], now)))
    account.client("events").disable_rule(Name=NAME)
    account.change(tags={"team": "platform"})
    for _ in range(2):
        report = account.reconcile()
        assert [(d.difference.path, d.left) for d in drifts_of(report)] == [("state", Left.FIGHTING)]
        assert rule_of(account)["State"] == "DISABLED"
    tags = account.client("events").list_tags_for_resource(ResourceARN=rule_of(account)["Arn"])["Tags"]
    assert {"Key": "team", "Value": "platform"} in tags


def test_somebody_who_reverts_every_pass_is_given_way_to_and_costs_a_bounded_number_of_writes(account: Account) -> None:
    now, known = datetime(2026, 1, 1, tzinfo=UTC), list[Repair]()
    account.admin.forget_calls()
    states, repairs = [], 0
    for _ in range(48):  # four hours, every five minutes
        account.client("events").disable_rule(Name=NAME)
        account.input = replace(account.input, judge=Judge(held=held(known, now)))
        report = account.reconcile()
        drifts = drifts_of(report)
        repairs += sum(d.written for d in drifts)
        known = remember(known, [field_of(d.resource, d.difference) for d in drifts if d.written], now)
        # As the status holds it, which outlives a restart.
        known = [Repair.model_validate(r.model_dump(by_alias=True, mode="json")) for r in known]
        states += [s.problem.reason for s in report.scopes if s.problem]
        now += timedelta(minutes=5)
    ours = [operation for operation in writes(account) if operation != "DisableRule"]
    assert ours == ["PutRule"] * repairs
    assert repairs == 8
    assert set(states) == {Reason.FIGHTING}
    (fight,) = known
    assert (fight.field, fight.count) == ("state", 8)
    # The other one gives up: it is put right once more, and forgotten in the end.
    now = now + timedelta(hours=4)
    account.input = replace(account.input, judge=Judge(held=held(known, now)))
    report = account.reconcile()
    assert (report.ready, rule_of(account)["State"]) == (True, "ENABLED")
    known = remember(known, [field_of(d.resource, d.difference) for d in drifts_of(report)], now)
    assert remember(known, [], now + timedelta(hours=9)) == []


def test_two_owners_of_one_account_are_a_conflict_and_no_fight(account: Account) -> None:
    other = replace(
        account, input=replace(account.input, owner="default/security/other"), hashes={}, field_hashes={}, versions={}
    )
    account.admin.forget_calls()
    for _ in range(3):
        report = other.reconcile()
        assert {s.problem.reason for s in report.scopes if s.problem} == {Reason.CONFLICT}
        assert drifts_of(account.reconcile()) == []
    assert writes(account) == []

"""Topology MainRegion against the emulated AWS: made, kept, and changed in either direction without losing an event."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from sandbox.aws.inventory import held
from sandbox.gateway.admin import GatewayAdmin
from sandbox.processes import wait_until
from tests.reconcile.conftest import Account
from tests.reconcile.test_pass import GLOBAL_READS, REGION_READS, problems
from zerotouch.api.account import State
from zerotouch.api.conditions import Reason
from zerotouch.aws import budget
from zerotouch.reconcile.report import AccountReport

REGIONS = ["us-east-1", "eu-west-1", "us-west-2"]
EAST, WEST, OREGON = REGIONS
NAME = "qualys-zerotouch"
PER_REGION: dict[str, Any] = {"topology": "PerRegion"}


def main(region: str) -> dict[str, Any]:
    return {"topology": "MainRegion", "mainRegion": region}


@pytest.fixture(autouse=True)
def no_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many passes over one account in a row would wait for its request budget; budgets are tested elsewhere."""
    monkeypatch.setattr(budget, "RATES", dict.fromkeys(budget.RATES, 1000.0))


@pytest.fixture
def spread(make_account: Callable[..., Account]) -> Callable[[dict[str, Any]], Account]:
    """An account in three regions."""

    def make(delivery: dict[str, Any], **changes: Any) -> Account:
        account = make_account(**{"regions": {"names": REGIONS}, "delivery": delivery, **changes})
        report = account.reconcile()
        assert report.ready, problems(report)
        return account

    return make


def expected(delivering: Iterable[str], forwarding: Iterable[str] = ()) -> list[str]:
    whole, rest = list(delivering), list(forwarding)
    found = [f"Role global {NAME}-events", *([f"Role global {NAME}-forward"] if rest else [])]
    for region in [*whole, *rest]:
        found += [f"Association {region} {NAME}", f"Rule {region} {NAME}", f"Target {region} qualys"]
        found.append(f"Queue {region} {NAME}-dead-letters")
    for region in whole:
        found += [f"Connection {region} {NAME}", f"ApiDestination {region} {NAME}"]
    return sorted(found)


class Starts:
    """Instances started, and how often Qualys was told of each."""

    def __init__(self, account: Account, gateway: GatewayAdmin) -> None:
        self._account, self._gateway = account, gateway
        self.regions: dict[str, str] = {}

    def one_in_each(self, regions: Iterable[str] = REGIONS) -> None:
        for region in regions:
            self.regions[self._account.admin.start_instance(self._account.id, region)] = region

    def told(self) -> Counter[str]:
        mine = [e for e in self._gateway.events() if e["account"] == self._account.id]
        assert all(self.regions[e["instance"]] == e["region"] for e in mine)
        return Counter(e["instance"] for e in mine)

    def arrived_once(self) -> None:
        """The emulator does at once what it is told, so that an event can get lost or double only by the order of writes."""
        wait_until(lambda: self.told().keys() >= self.regions.keys())
        assert set(self.told().values()) == {1}


@pytest.fixture
def starts(gateway: GatewayAdmin) -> Callable[[Account], Starts]:
    return lambda account: Starts(account, gateway)


def until_ready(account: Account, most: int = 8) -> int:
    """How many passes it took."""
    for passes in range(1, most + 1):
        report = account.reconcile()
        if report.ready and not any(scope.changes for scope in report.scopes):
            return passes - 1
    raise AssertionError(problems(report))


def test_from_nothing_in_one_pass(
    spread: Callable[..., Account], starts: Callable[[Account], Starts], gateway: GatewayAdmin
) -> None:
    account = spread(main(EAST))
    assert held(account.admin, account.id, REGIONS) == expected([EAST], [WEST, OREGON])
    started = starts(account)
    started.one_in_each()
    started.arrived_once()
    rule = account.client("events", WEST).list_targets_by_rule(Rule=NAME)["Targets"]
    assert rule == [
        {
            "Id": "qualys",
            "Arn": f"arn:aws:events:{EAST}:{account.id}:event-bus/default",
            "RoleArn": f"arn:aws:iam::{account.id}:role/zerotouch/{NAME}-forward",
            "DeadLetterConfig": {"Arn": f"arn:aws:sqs:{WEST}:{account.id}:{NAME}-dead-letters"},
        }
    ]


def test_a_steady_pass_writes_nothing_and_reads_less_where_events_are_forwarded(spread: Callable[..., Account]) -> None:
    account = spread(main(EAST))
    account.admin.forget_calls()
    assert account.reconcile().ready
    calls = Counter((c["region"], c["operation"]) for c in account.calls() if c["operation"] != "DescribeRegions")
    both_roles = {
        operation: 2 * (count // 2 or 1) for operation, count in GLOBAL_READS.items() if operation != "GetPolicy"
    }
    assert Counter({o: n for (r, o), n in calls.items() if o in GLOBAL_READS}) == {**both_roles, "GetPolicy": 1}
    for region in REGIONS:
        there = {o: n for (r, o), n in calls.items() if r == region and o not in GLOBAL_READS}
        forwarding = {
            o: n for o, n in REGION_READS.items() if o not in {"ListApiDestinations", "ListRuleNamesByTarget"}
        }
        assert there == (REGION_READS if region == EAST else forwarding)


def test_a_main_region_alone_needs_no_forward_role(make_account: Callable[..., Account]) -> None:
    account = make_account(regions={"names": [EAST]}, delivery=main(EAST))
    assert account.reconcile().ready
    assert held(account.admin, account.id, REGIONS) == expected([EAST])


SWITCHES = [
    (PER_REGION, main(EAST), 3),
    (main(EAST), main(WEST), 5),
    (main(WEST), PER_REGION, 3),
]


@pytest.mark.parametrize(("before", "after", "passes"), SWITCHES, ids=["to-main", "other-main", "to-each"])
def test_a_switch_loses_and_doubles_nothing_and_leaves_nothing_behind(
    spread: Callable[..., Account],
    starts: Callable[[Account], Starts],
    before: dict[str, Any],
    after: dict[str, Any],
    passes: int,
) -> None:
    account = spread(before)
    started = starts(account)
    started.one_in_each()
    account.change(delivery=after)
    took = 0
    while not (report := account.reconcile()).ready:
        took += 1
        assert {s.problem.reason for s in report.scopes if s.problem} == {Reason.REROUTING}, problems(report)
        assert not any(s.drifts for s in report.scopes)
        started.one_in_each()
    assert took + 1 == passes
    assert not any(scope.drifts for scope in report.scopes)
    started.one_in_each()
    started.arrived_once()
    hub = after.get("mainRegion")
    forwarding = [r for r in REGIONS if hub and r != hub]
    assert held(account.admin, account.id, REGIONS) == expected([r for r in REGIONS if r not in forwarding], forwarding)
    account.admin.forget_calls()
    again = account.reconcile()
    assert again.ready
    assert all(scope.changes == () for scope in again.scopes)


@pytest.mark.parametrize(("before", "after"), [s[:2] for s in SWITCHES], ids=["to-main", "other-main", "to-each"])
def test_a_switch_killed_after_each_single_write_loses_and_doubles_nothing(
    spread: Callable[..., Account],
    starts: Callable[[Account], Starts],
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    account = spread(before)
    started = starts(account)
    account.change(delivery=after)
    kills = 0
    while not (report := one_write(account)).ready:
        kills += report.interrupted
        started.one_in_each()
        assert kills < 60, problems(report)
    assert kills > 5
    assert until_ready(account) == 0
    started.arrived_once()


def one_write(account: Account) -> AccountReport:
    """A pass that is killed before its second write; regions work side by side, so it must be counted under a lock."""
    lock, left = threading.Lock(), [1]

    def fence() -> bool:
        with lock:
            left[0] -= 1
            return left[0] >= 0

    given = replace(account.input, previous=account.hashes, versions=account.versions)
    return account.reconciler.reconcile(given, account.stop, fence)


@pytest.mark.parametrize("operation", ["PutTargets", "PutRule", "DescribeRule"])
def test_a_region_that_refuses_keeps_its_old_route_until_it_is_mended(
    spread: Callable[..., Account], starts: Callable[[Account], Starts], operation: str
) -> None:
    account = spread(main(EAST))
    started = starts(account)
    account.admin.add_fault("deny", service="events", operation=operation, region=WEST, account=account.id, count=999)
    account.change(delivery=PER_REGION)
    for _ in range(5):
        account.reconcile()
        started.one_in_each()
    # A look at one region alone, as an event causes it, knows no more of the others.
    known = replace(account.input, previous=account.hashes, versions=account.versions)
    account.reconciler.reconcile_scopes(known, [EAST], account.stop)
    started.one_in_each()
    pattern = account.client("events", EAST).describe_rule(Name=NAME)["EventPattern"]
    assert OREGON not in pattern
    assert (WEST in pattern) == (operation != "PutRule")
    account.admin.clear_faults()
    until_ready(account)
    started.one_in_each()
    started.arrived_once()
    assert held(account.admin, account.id, REGIONS) == expected(REGIONS)


def test_a_new_main_region_that_cannot_be_made_leaves_all_as_it_was(
    spread: Callable[..., Account], starts: Callable[[Account], Starts]
) -> None:
    account = spread(main(EAST))
    started = starts(account)
    fault = {"service": "events", "region": WEST, "account": account.id, "count": 999}
    account.admin.add_fault("deny", operation="CreateConnection", **fault)
    account.change(delivery=main(WEST))
    for _ in range(4):
        report = account.reconcile()
        started.one_in_each()
    reasons = {s.name: s.problem.reason for s in report.scopes if s.problem}
    assert reasons == {EAST: Reason.REROUTING, WEST: Reason.ACCESS_DENIED, OREGON: Reason.REROUTING}
    account.admin.clear_faults()
    until_ready(account)
    started.one_in_each()
    started.arrived_once()


def test_a_region_is_added_and_taken_out_again(
    spread: Callable[..., Account], starts: Callable[[Account], Starts]
) -> None:
    account = spread(main(EAST), regions={"names": [EAST, WEST]})
    started = starts(account)
    account.change(regions={"names": REGIONS})
    assert account.reconcile().ready
    started.one_in_each()
    account.change(regions={"names": [EAST, WEST]})
    account.reconcile()
    started.one_in_each([EAST, WEST])
    until_ready(account)
    started.one_in_each([EAST, WEST])
    started.arrived_once()
    assert held(account.admin, account.id, REGIONS) == expected([EAST], [WEST])
    assert OREGON not in account.client("events", EAST).describe_rule(Name=NAME)["EventPattern"]


def test_the_old_main_region_taken_out_in_the_same_edit_is_removed_last(
    spread: Callable[..., Account], starts: Callable[[Account], Starts]
) -> None:
    account = spread(main(EAST))
    started = starts(account)
    rest = [WEST, OREGON]
    account.change(delivery=main(WEST), regions={"names": rest})
    while not (report := account.reconcile()).ready:
        started.one_in_each(rest)
        waiting = {s.name: s for s in report.scopes if s.problem and not s.gone}
        assert waiting[EAST].state is State.REMOVING if EAST in waiting else True, problems(report)
    until_ready(account)
    started.one_in_each(rest)
    started.arrived_once()
    assert held(account.admin, account.id, REGIONS) == expected([WEST], [OREGON])


def test_a_region_that_is_disabled_for_a_while_is_served_as_soon_as_it_is_back(
    spread: Callable[..., Account], starts: Callable[[Account], Starts]
) -> None:
    account = spread(main(EAST))
    account.admin.set_regions(account.id, [EAST, OREGON])
    assert not account.reconcile().ready
    account.admin.set_regions(account.id, REGIONS)
    started = starts(account)
    started.one_in_each()
    started.arrived_once()


@pytest.mark.parametrize("delivery", [PER_REGION, main(EAST)], ids=["per-region", "main-region"])
def test_a_retained_region_goes_on_delivering(
    spread: Callable[..., Account], starts: Callable[[Account], Starts], delivery: dict[str, Any]
) -> None:
    account = spread(delivery, deletionPolicy="Retain")
    started = starts(account)
    before = held(account.admin, account.id, REGIONS)
    account.change(regions={"names": [EAST, WEST]})
    assert account.reconcile().ready
    assert account.reconcile().ready
    started.one_in_each()
    started.arrived_once()
    assert held(account.admin, account.id, REGIONS) == before


@pytest.mark.parametrize(
    ("regions", "delivery", "says"),
    [
        ({"names": [EAST, "me-south-1"]}, main("me-south-1"), "me-south-1 is not enabled in this account"),
        ({"names": [EAST, "xx-moon-1"]}, main("xx-moon-1"), "AWS knows no region xx-moon-1"),
        ({"names": [EAST]}, main(WEST), "eu-west-1 is not among the regions that are set up"),
        ({"selection": "AllEnabled", "exclude": [WEST]}, main(WEST), "take it out of regions.exclude"),
    ],
)
def test_without_its_main_region_nothing_is_done(
    make_account: Callable[..., Account], regions: dict[str, Any], delivery: dict[str, Any], says: str
) -> None:
    account = make_account(regions=regions, delivery=delivery)
    report = account.reconcile()
    assert report.problem is not None
    assert report.problem.reason is Reason.MAIN_REGION_UNAVAILABLE
    assert says in report.problem.message
    assert held(account.admin, account.id, REGIONS) == []


def test_an_account_is_left_as_it_was_where_its_new_main_region_is_missing(
    spread: Callable[..., Account], starts: Callable[[Account], Starts]
) -> None:
    account = spread(PER_REGION, regions={"selection": "AllEnabled", "exclude": ["ap-south-1"]})
    account.admin.forget_calls()
    account.change(delivery=main("me-south-1"))
    assert account.reconcile().problem is not None
    assert account.calls() == [c for c in account.calls() if c["operation"] == "DescribeRegions"]
    started = starts(account)
    started.one_in_each()
    started.arrived_once()


def test_remove_leaves_nothing_of_ours(spread: Callable[..., Account]) -> None:
    account = spread(main(EAST))
    report = account.remove()
    assert not report.left, problems(report)
    assert held(account.admin, account.id, REGIONS) == []

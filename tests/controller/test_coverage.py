"""What an account object says of coverage: counts, a bounded number of instances, and the condition."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.controller.accounts import account_spec, surveyed_report
from zerotouch.api.account import QualysZeroTouchAccountSpec, QualysZeroTouchAccountStatus
from zerotouch.api.conditions import Reason
from zerotouch.api.coverage import CoverageStatus, Gap
from zerotouch.aws.errors import Retry
from zerotouch.controller.account_status import account_status
from zerotouch.controller.conditions import condition
from zerotouch.controller.coverage_view import CoverageView
from zerotouch.controller.surveys import due_surveys, with_surveys
from zerotouch.plan.funnel import Funnel, Uncovered
from zerotouch.reconcile.report import AccountReport, Problem, Surveyed

T0 = datetime(2026, 1, 1, tzinfo=UTC)
EMPTY = QualysZeroTouchAccountStatus()
FINE = Surveyed(Funnel(running=3, starting=1, online=2, inventoried=2, covered=2))
NONE = Surveyed(Funnel())
DENIED = Surveyed(problem=Problem(Reason.ACCESS_DENIED, "ec2:DescribeInstances denied", Retry.PERSON))
SOON = Surveyed(problem=Problem(Reason.THROTTLED, "slow down", Retry.SOON))


def lacking(*gaps: Gap, covered: int = 0) -> Surveyed:
    found = tuple(Uncovered(f"i-{n:03d}", gap, f"because {gap.value}") for n, gap in enumerate(gaps))
    return Surveyed(Funnel(running=len(gaps) + covered, covered=covered, uncovered=found))


OFFLINE = lacking(Gap.AGENT_OFFLINE, covered=4)


def spec(**coverage: Any) -> QualysZeroTouchAccountSpec:
    return account_spec(coverage=coverage)


def report(problem: Problem | None = None, **regions: Surveyed | None) -> AccountReport:
    return surveyed_report("coverage", problem, regions)


def status(
    given: AccountReport, previous: QualysZeroTouchAccountStatus = EMPTY, at: datetime = T0, **coverage: Any
) -> QualysZeroTouchAccountStatus:
    return with_surveys(account_status(given, previous, 3, None, at), previous, spec(**coverage), given, at)


def covered(found: QualysZeroTouchAccountStatus) -> tuple[str, str, str]:
    told = condition(found.conditions, "Covered")
    assert told is not None
    return told.status, told.reason, told.message


def part(found: QualysZeroTouchAccountStatus) -> CoverageStatus:
    assert found.coverage is not None
    return found.coverage


@pytest.mark.parametrize(
    ("surveyed", "status_of_it", "reason", "says"),
    [
        (NONE, "True", "Succeeded", "no instance runs"),
        (FINE, "True", "Succeeded", "2 of 3 running instances report fresh inventory, 1 just started"),
        (OFFLINE, "False", "InstancesNotCovered", "1 of 5 running instances are not covered: us-east-1 i-000: because"),
        (DENIED, "Unknown", "AccessDenied", "us-east-1: ec2:DescribeInstances denied"),
        (Surveyed(Funnel(running=2, covered=2, truncated=True)), "Unknown", "Truncated", "in us-east-1"),
    ],
)
def test_the_condition(surveyed: Surveyed, status_of_it: str, reason: str, says: str) -> None:
    found = status(report(us_east_1=surveyed))
    assert covered(found)[:2] == (status_of_it, reason)
    assert says in covered(found)[2]
    ready = condition(found.conditions, "Ready")
    assert ready is not None
    assert ready.status == "True"


def test_what_lacks_is_told_before_what_is_not_known() -> None:
    assert covered(status(report(us_east_1=DENIED, eu_west_1=OFFLINE)))[0] == "False"


def test_before_the_first_look_nothing_is_known() -> None:
    assert covered(status(report(us_east_1=None)))[:2] == ("Unknown", "Pending")


def test_an_account_that_cannot_be_entered_is_unknown_and_keeps_what_was_found() -> None:
    first = status(report(us_east_1=OFFLINE))
    second = status(report(Problem(Reason.ASSUME_ROLE_DENIED, "denied", Retry.PERSON)), first)
    assert part(second) == part(first)
    assert covered(second)[:2] == ("Unknown", "AssumeRoleDenied")


def test_only_regions_with_instances_or_trouble_are_listed() -> None:
    found = part(status(report(us_east_1=FINE, eu_west_1=NONE, us_west_2=DENIED)))
    assert [r.name for r in found.regions] == ["us-east-1", "us-west-2"]
    assert found.covered_instances == "2/3"


def test_a_region_that_fails_keeps_its_numbers_and_says_why() -> None:
    first = status(report(us_east_1=OFFLINE, eu_west_1=OFFLINE))
    second = status(report(us_east_1=DENIED, eu_west_1=FINE), first, T0 + timedelta(hours=1))
    failed, fine = part(second).regions[1], part(second).regions[0]
    assert (failed.name, failed.running, failed.uncovered, failed.reason) == ("us-east-1", 5, 1, "AccessDenied")
    assert (fine.name, fine.running, fine.reason) == ("eu-west-1", 3, None)
    assert [(u.region, u.id) for u in part(second).uncovered] == [("us-east-1", "i-000")]
    third = status(report(us_east_1=FINE, eu_west_1=FINE), second)
    assert [r.reason for r in part(third).regions] == [None, None]
    assert part(third).uncovered == []


def test_what_did_not_run_stays_and_a_region_that_left_leaves() -> None:
    first = status(report(us_east_1=OFFLINE, eu_west_1=OFFLINE))
    second = status(report(us_east_1=None), first, T0 + timedelta(minutes=5))
    assert part(second).surveyed_at == T0
    assert [u.region for u in part(second).uncovered] == ["us-east-1"]
    assert part(second).covered_instances == "4/5"


def test_a_passing_fault_is_looked_at_again() -> None:
    assert part(status(report(us_east_1=FINE, eu_west_1=SOON))).surveyed_at is None


@pytest.mark.parametrize(
    ("changed", "due"), [({}, False), ({"platforms": [{"name": "Ubuntu"}]}, True), ({"gracePeriod": "1h"}, True)]
)
def test_a_change_of_the_settings_is_looked_at_without_delay(changed: dict[str, Any], due: bool) -> None:
    known = status(report(us_east_1=FINE))
    assert ("coverage" in due_surveys(spec(**changed), known, None, T0 + timedelta(minutes=1))) is due


def test_a_look_that_the_account_refused_is_due_with_the_next_pass() -> None:
    changed = {"platforms": [{"name": "Ubuntu"}]}
    denied = Problem(Reason.ASSUME_ROLE_DENIED, "denied", Retry.PERSON)
    found = status(report(denied), status(report(us_east_1=FINE)), **changed)
    assert "coverage" in due_surveys(spec(**changed), found, None, T0)


def test_switched_off_it_leaves_nothing() -> None:
    found = status(report(us_east_1=None), status(report(us_east_1=OFFLINE)), enabled=False)
    assert found.coverage is None
    assert condition(found.conditions, "Covered") is None


def test_the_list_is_bounded_and_no_region_or_reason_hides_another() -> None:
    many = lacking(*[Gap.NOT_MANAGED] * 900, Gap.INVENTORY_STALE)
    found = status(report(us_east_1=many, eu_west_1=OFFLINE))
    shown = part(found).uncovered
    assert len(shown) == 20
    assert {(u.region, u.reason) for u in shown} == {
        ("us-east-1", Gap.NOT_MANAGED),
        ("us-east-1", Gap.INVENTORY_STALE),
        ("eu-west-1", Gap.AGENT_OFFLINE),
    }
    assert [(u.region, u.id) for u in shown] == sorted((u.region, u.id) for u in shown)
    assert {g.reason: g.instances for g in part(found).regions[1].gaps} == {
        Gap.NOT_MANAGED: 900,
        Gap.INVENTORY_STALE: 1,
    }
    assert covered(found)[2].startswith("902 of 906 running instances are not covered")
    assert covered(found)[2].endswith("and 899 more")


def test_the_view_of_the_metrics_is_bounded() -> None:
    regions = {f"us_east_{n}": lacking(*[Gap.NOT_MANAGED] * n, covered=1) for n in range(1, 9)}
    view = CoverageView.of(part(status(report(**regions, eu_west_1=DENIED))))
    assert view.worst == (("us-east-8", 8), ("us-east-7", 7), ("us-east-6", 6))
    assert view.stages == (44, 0, 0, 0, 8)
    assert view.gaps == (("NotManaged", 36),)
    assert view.unseen == 1

"""From a report to a status that tells the truth at a glance."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotouch.api.account import QualysZeroTouchAccountStatus, RegionState, State
from zerotouch.api.conditions import Reason
from zerotouch.api.drift import Left
from zerotouch.aws.errors import Retry
from zerotouch.controller.account_status import account_status, pending_scopes, removal_status, retry_of
from zerotouch.controller.conditions import condition
from zerotouch.controller.index import View
from zerotouch.plan.change import Difference, ResourceID
from zerotouch.reconcile.report import AccountReport, Drift, Problem, ScopeReport

T0 = datetime(2026, 1, 1, tzinfo=UTC)
T1 = T0 + timedelta(minutes=5)
EMPTY = QualysZeroTouchAccountStatus()
RULE = ResourceID("Rule", "us-east-1", "qualys-zerotouch")


def scope(name: str, problem: Problem | None = None, **more: object) -> ScopeReport:
    state = State.NOT_READY if problem else State.READY
    return ScopeReport(
        **{"name": name, "state": state, "ready": 4, "total": 4, "hash": "h", "problem": problem, **more}
    )  # type: ignore[arg-type]


def report(*scopes: ScopeReport, problem: Problem | None = None) -> AccountReport:
    return AccountReport("111111111111", scopes, problem)


def status(given: AccountReport, previous: QualysZeroTouchAccountStatus = EMPTY, now: datetime = T0):
    return account_status(given, previous, 3, "asked", now)


def shown(given: QualysZeroTouchAccountStatus) -> dict[str, tuple[str, str]]:
    return {c.type: (c.status, c.reason) for c in given.conditions}


SOON = Problem(Reason.THROTTLED, "slow down", Retry.SOON)
PERSON = Problem(Reason.ACCESS_DENIED, "denied", Retry.PERSON)
MISUSE = Problem(Reason.FOREIGN_API_DESTINATION, "theirs", Retry.PERSON)


@pytest.mark.parametrize(
    ("given", "reason", "reconciling", "stalled"),
    [
        (report(scope("global"), scope("us-east-1")), "Succeeded", "False", "False"),
        (report(scope("global"), scope("us-east-1", SOON)), "Throttled", "True", "False"),
        (
            report(scope("global"), scope("us-east-1", SOON), scope("eu-west-1", PERSON)),
            "AccessDenied",
            "False",
            "True",
        ),
        (report(scope("a", PERSON), scope("b", MISUSE)), "ForeignAPIDestination", "False", "True"),
        (report(problem=PERSON), "AccessDenied", "False", "True"),
        (report(problem=SOON), "Throttled", "True", "False"),
        (report(scope("global"), scope("us-east-1", state=State.NOT_READY)), "Progressing", "True", "False"),
    ],
)
def test_conditions(given: AccountReport, reason: str, reconciling: str, stalled: str) -> None:
    found = shown(status(given))
    ready = "True" if reason == "Succeeded" else "False"
    assert (found["Ready"], found["Reconciling"][0], found["Stalled"][0]) == ((ready, reason), reconciling, stalled)


def test_a_message_names_the_regions() -> None:
    ready = condition(status(report(scope("us-east-1", PERSON), scope("eu-west-1", PERSON))).conditions, "Ready")
    assert ready is not None
    assert ready.message == "eu-west-1, us-east-1: denied"


def test_times_stay_while_the_state_stays() -> None:
    first = status(report(scope("global"), scope("us-east-1")))
    second = status(report(scope("global"), scope("us-east-1")), first, T1)
    assert second == first
    third = status(report(scope("global"), scope("us-east-1", PERSON)), second, T1)
    assert [r.since for r in third.regions] == [T0, T1]
    assert {c.type: c.last_transition_time for c in third.conditions}["Ready"] == T1


def test_an_account_that_cannot_be_entered_keeps_what_is_known() -> None:
    first = status(report(scope("global"), scope("us-east-1")))
    second = status(report(problem=PERSON), first, T1)
    assert [(r.name, r.state, r.hash) for r in second.regions] == [
        ("global", State.NOT_READY, "h"),
        ("us-east-1", State.NOT_READY, "h"),
    ]
    assert second.ready_regions == "0/1"
    assert status(report(scope("global"), scope("us-east-1")), second, T1).ready_regions == "1/1"


def drift(path: str, mended: bool = False) -> Drift:
    return Drift(RULE, Difference(path, "ENABLED", "DISABLED"), mended)


def test_details_are_those_not_mended_with_the_time_first_seen() -> None:
    first = status(report(scope("us-east-1", drifts=(drift("state"), drift("description", mended=True)))))
    second = status(report(scope("us-east-1", drifts=(drift("state"), drift("targets")))), first, T1)
    assert (first.drifted, second.drifted) == (1, 2)
    assert [(d.field, d.since) for d in second.details] == [("state", T0), ("targets", T1)]
    assert (second.details[0].wanted, second.details[0].found) == ("ENABLED", "DISABLED")


def test_details_are_bounded() -> None:
    found = status(report(scope("us-east-1", drifts=tuple(drift(f"f{n}") for n in range(21)))))
    assert (found.drifted, len(found.details), found.truncated) == (21, 20, True)


KINDS = ("Rule", "Connection", "APIDestination", "DeadLetterQueue")


@given(st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from(KINDS), st.sampled_from([*Left, None, "mended"])),
                max_size=150))  # fmt: skip
def test_every_field_that_differs_is_counted_however_many(found: list[tuple[str, str, Left | str | None]]) -> None:
    drifts = [
        (region, Drift(ResourceID(kind, region, "n"), Difference(f"f{n}", 1, 2), why == "mended",
                       left=why if isinstance(why, Left) else None))
        for n, (region, kind, why) in enumerate(found)
    ]  # fmt: skip
    scopes = [scope(name, drifts=tuple(d for region, d in drifts if region == name)) for name in "abcdefg"]
    now = status(report(*scopes))
    wanted = Counter((d.resource.region, d.resource.kind) for _, d in drifts if not d.mended)
    fought = Counter((d.resource.region, d.resource.kind) for _, d in drifts if d.left is Left.FIGHTING)
    assert Counter({(r.name, kind): n for r in now.regions for kind, n in r.drifted_fields.items()}) == wanted
    assert Counter({(r.name, kind): n for r in now.regions for kind, n in r.fought_fields.items()}) == fought
    view = View.of(now)
    assert sum(row.fields for row in view.drift) == now.drifted == sum(wanted.values())
    assert sum(row.fields for row in view.fights) == sum(fought.values())
    assert (len(view.drift), len(view.fights)) == (min(len(wanted), 18), min(len(fought), 3))


def test_what_cannot_be_looked_at_keeps_its_count_and_a_region_passed_over_loses_it() -> None:
    first = status(report(scope("us-east-1", drifts=(drift("state"),)), scope("eu-west-1", drifts=(drift("state"),))))
    unreachable = status(report(problem=PERSON), first, T1)
    assert [(r.drifted_fields, unreachable.drifted) for r in unreachable.regions] == [({"Rule": 1}, 2)] * 2
    passed_over = status(report(scope("us-east-1", drifts=(drift("state"),))), unreachable, T1)
    assert [(r.name, r.drifted_fields) for r in passed_over.regions] == [("eu-west-1", {}), ("us-east-1", {"Rule": 1})]
    assert passed_over.drifted == 1


def test_a_region_that_is_gone_leaves_the_status() -> None:
    first = status(report(scope("global"), scope("us-east-1"), scope("eu-west-1")))
    given = report(scope("global"), scope("us-east-1"), scope("eu-west-1", state=State.REMOVING, gone=True))
    second = status(given, first, T1)
    assert [r.name for r in second.regions] == ["global", "us-east-1"]
    assert shown(second)["Ready"] == ("True", "Succeeded")


def test_a_region_that_cannot_be_cleaned_stays_and_is_told() -> None:
    given = report(scope("global"), scope("eu-west-1", PERSON, state=State.REMOVING))
    found = status(given)
    assert [r.name for r in found.regions] == ["global", "eu-west-1"]
    assert shown(found)["Ready"] == ("False", "AccessDenied")
    assert found.ready_regions == "0/0"


def test_regions_are_remembered_before_they_are_entered() -> None:
    known = QualysZeroTouchAccountStatus(regions=[RegionState(name="us-east-1", state=State.READY, hash="h", total=4)])
    pending = pending_scopes(known, ["global", "eu-west-1", "us-east-1"], T0)
    assert [(r.name, r.state) for r in pending] == [
        ("global", State.PENDING),
        ("eu-west-1", State.PENDING),
        ("us-east-1", State.READY),
    ]
    assert all(r.total > 0 for r in pending)
    assert pending_scopes(known, ["us-east-1"], T0) is known.regions


def test_secure() -> None:
    misused = status(report(scope("us-east-1", MISUSE, foreign_destinations=("arn:thief",))))
    assert shown(misused)["Secure"] == ("False", "ForeignAPIDestination")
    unknown = status(report(problem=SOON), misused, T1)
    assert shown(unknown)["Secure"] == ("False", "ForeignAPIDestination")
    assert shown(status(report(scope("us-east-1")), unknown, T1))["Secure"] == ("True", "Succeeded")


TWICE = {"delivered_twice_by": ("rule/theirs to api-destination/theirs",)}


def test_exclusive() -> None:
    assert "Exclusive" not in shown(status(report(problem=PERSON)))
    assert shown(status(report(scope("us-east-1"))))["Exclusive"] == ("True", "Succeeded")
    rivals = status(report(scope("us-east-1", rivals=("id theirs",))))
    assert shown(rivals)["Exclusive"] == ("False", "SecondInventoryAssociation")
    found = status(report(scope("eu-west-1", rivals=("id theirs",)), scope("us-east-1", **TWICE)))
    told = condition(found.conditions, "Exclusive")
    assert told is not None
    assert (told.status, told.reason) == ("False", "DeliveredTwice")
    for says in (
        "rule/theirs to api-destination/theirs",
        "delete that rule",
        "docs/adoption.md",
        "id theirs in eu-west-1",
    ):
        assert says in told.message
    assert shown(found)["Ready"] == ("True", "Succeeded")
    assert (View.of(found).delivered_twice, View.of(found).rivalled) == (1, 1)


def test_exclusive_stands_while_nobody_can_look() -> None:
    found = status(report(scope("us-east-1", delivered_twice_by=(), rivals=()), scope("eu-west-1", **TWICE)))
    unseen = {"delivered_twice_by": None, "rivals": None}
    for later in (report(problem=SOON), report(scope("us-east-1"), scope("eu-west-1", SOON, **unseen))):
        assert shown(status(later, found, T1))["Exclusive"] == ("False", "DeliveredTwice")
    right = status(report(scope("eu-west-1", delivered_twice_by=(), rivals=())), found, T1)
    assert shown(right)["Exclusive"] == ("True", "Succeeded")
    removing = status(report(scope("eu-west-1", state=State.REMOVING, **TWICE), scope("us-east-1")))
    assert View.of(removing).delivered_twice == 0
    assert shown(removing)["Exclusive"] == ("True", "Succeeded")


def test_what_the_status_holds_of_others_is_bounded() -> None:
    many = tuple("x" * 600 for _ in range(9))
    (region,) = status(report(scope("us-east-1", delivered_twice_by=many, rivals=many))).regions
    assert [len(region.delivered_twice_by), len(region.rival_associations)] == [5, 5]
    assert {len(t) for t in region.delivered_twice_by} == {512}
    assert {len(t) for t in region.rival_associations} == {256}


def test_removal() -> None:
    blocked = removal_status(AccountReport("1" * 12, problem=PERSON, left=(RULE,)), EMPTY, 3, T0)
    ready = condition(blocked.conditions, "Ready")
    assert ready is not None
    assert ready.reason == "CleanupBlocked"
    assert "Rule qualys-zerotouch in us-east-1" in ready.message
    assert "zerotouch.dev/abandon=true" in ready.message
    waiting = removal_status(AccountReport("1" * 12, problem=SOON), EMPTY, 3, T0)
    assert shown(waiting)["Ready"] == ("False", "Deleting")


@pytest.mark.parametrize(
    ("given", "retry"),
    [
        (report(scope("a")), None),
        (report(scope("a", SOON)), Retry.SOON),
        (report(scope("a", SOON), scope("b", PERSON)), Retry.PERSON),
    ],
)
def test_retry(given: AccountReport, retry: Retry | None) -> None:
    assert retry_of(given) is retry

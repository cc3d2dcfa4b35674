"""A pass over one scope makes the status what a pass over all of them would have made it, where nothing else has changed."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotouch.api.account import QualysZeroTouchAccountStatus, State
from zerotouch.api.conditions import Reason
from zerotouch.api.detection import RecentDrift
from zerotouch.api.drift import Repair
from zerotouch.aws.errors import Retry
from zerotouch.controller.account_status import account_status
from zerotouch.controller.attribution import author_text, explained, unexplained, with_recent
from zerotouch.controller.drift import with_drift
from zerotouch.controller.partial import completed, kept
from zerotouch.controller.told import first_found
from zerotouch.desired.values import GLOBAL
from zerotouch.plan.author import Author
from zerotouch.plan.change import Difference, ResourceID
from zerotouch.plan.signal import Named, Signal, Sort
from zerotouch.reconcile.report import AccountReport, Drift, Problem, ScopeReport
from zerotouch.reconcile.signals import attributed

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = datetime(2026, 1, 2, 3, 9, 5, tzinfo=UTC)
ID = "111111111111"
REGIONS = ("eu-west-1", "us-east-1")
ALICE = Author("arn:aws:iam::111111111111:user/alice", "events:DisableRule", AT, "203.0.113.7")


def drift(region: str, mended: bool, found: Any = "DISABLED", author: Author | None = None) -> Drift:
    difference = Difference("state", "ENABLED", found)
    return Drift(ResourceID("Rule", region, "q"), difference, mended, AT, AT if mended else None, author=author)


problems = st.none() | st.builds(
    Problem,
    st.sampled_from([Reason.ACCESS_DENIED, Reason.THROTTLED, Reason.CONFLICT]),
    st.sampled_from(["a", "b"]),
    st.sampled_from([Retry.SOON, Retry.PERSON]),
)


def tuples_of(text: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.sampled_from([(), (text,), (text, text)])


@st.composite
def scopes(draw: st.DrawFn, name: str) -> ScopeReport:
    problem = draw(problems)
    drifts = (drift(name, False, draw(st.sampled_from(["x", None]))),) if draw(st.booleans()) else ()
    right = problem is None and not drifts
    state = State.READY if right else State.NOT_READY
    rules, rivals = draw(st.none() | tuples_of("r")), draw(st.none() | tuples_of("a"))
    more = {"delivered_twice_by": rules, "rivals": rivals, "version": draw(st.none() | st.just("v@1"))}
    return ScopeReport(name, state, 3, 4, "h", problem, drifts=drifts, **more)


def whole(report: AccountReport, previous: QualysZeroTouchAccountStatus, at: datetime) -> QualysZeroTouchAccountStatus:
    return with_drift(account_status(report, previous, 1, None, at), previous, report, at)


@given(st.tuples(*(scopes(name) for name in (GLOBAL, *REGIONS))), st.data())
def test_the_same_as_a_whole_pass(before: tuple[ScopeReport, ...], data: st.DataObject) -> None:
    previous = whole(AccountReport(ID, before), QualysZeroTouchAccountStatus(), AT)
    name = data.draw(st.sampled_from([s.name for s in before]))
    new = data.draw(scopes(name))
    looked = AccountReport(ID, (new,))
    after = AccountReport(ID, tuple(new if s.name == name else s for s in before))
    report = completed(looked, previous)
    partial = kept(account_status(report, previous, 1, None, LATER), previous, frozenset({name}))
    partial = with_drift(partial, previous, report, LATER)
    expected = whole(after, previous, LATER)
    assert partial.regions == expected.regions
    assert sorted(map(str, partial.details)) == sorted(map(str, expected.details))
    assert (partial.drifted, partial.ready_regions) == (expected.drifted, expected.ready_regions)
    said = {c.type: (c.status, c.last_transition_time) for c in partial.conditions}
    others = [s.problem.retry for s in before if s.problem and s.name != name]
    # A status tells of an account, not of each region, whether waiting helps.
    if len(set(others)) <= 1 and not (Retry.SOON in others and any(s.problem is None and s.drifts for s in before)):
        wanted = {c.type: (c.status, c.last_transition_time) for c in expected.conditions}
        assert said["Ready"] == wanted["Ready"]
    exclusive = [next(c for c in s.conditions if c.type == "Exclusive") for s in (partial, expected)]
    assert exclusive[0] == exclusive[1]


def test_an_account_that_cannot_be_entered_is_told_as_ever() -> None:
    problem = Problem(Reason.ASSUME_ROLE_DENIED, "no", Retry.PERSON)
    report = AccountReport(ID, problem=problem)
    assert completed(report, QualysZeroTouchAccountStatus()) is report


def status(*recent: RecentDrift) -> QualysZeroTouchAccountStatus:
    return QualysZeroTouchAccountStatus(recent_drifts=list(recent))


def report(*drifts: Drift) -> AccountReport:
    return AccountReport(ID, (ScopeReport("eu-west-1", State.READY, drifts=drifts),))


def test_what_was_mended_is_remembered_the_newest_first_and_five_at_most() -> None:
    known = status()
    for number in range(7):
        region = f"eu-west-{number}"
        known = with_recent(status(), known, report(drift(region, True, author=ALICE)), AT)
    assert [d.region for d in known.recent_drifts] == [f"eu-west-{n}" for n in (6, 5, 4, 3, 2)]
    assert known.recent_drifts[0].author == (
        "arn:aws:iam::111111111111:user/alice from 203.0.113.7 by events:DisableRule at 2026-01-02T03:04:05Z"
    )


def test_an_author_is_filled_in_when_it_becomes_known() -> None:
    mended = with_recent(status(), status(), report(drift("eu-west-1", True)), AT)
    assert unexplained(mended, AT) == [(ResourceID("Rule", "eu-west-1", "q"), AT)]
    theirs = Signal(ID, "eu-west-1", "DisableRule", AT, frozenset({Named(Sort.RULE, "other")}), "x", ALICE)
    assert explained(mended, [theirs]) == (mended, [])
    fitting = Signal(ID, "eu-west-1", "DisableRule", AT, frozenset({Named(Sort.RULE, "q")}), "x", ALICE)
    known, told = explained(mended, [theirs, fitting])
    assert told == [f"Rule q in eu-west-1: {known.recent_drifts[0].author}"]
    assert known.recent_drifts[0].occurred_at == AT
    assert explained(known, [fitting]) == (known, [])
    assert unexplained(known, AT) == []


def repaired(status: QualysZeroTouchAccountStatus) -> QualysZeroTouchAccountStatus:
    repair = Repair(region="eu-west-1", kind="Rule", name="q", field="state", count=4, since=AT, last=AT)
    return status.model_copy(update={"repairs": [repair]})


@pytest.mark.parametrize("mended", [True, False])
def test_who_fights_is_remembered_with_the_repair(mended: bool) -> None:
    found = report(drift("eu-west-1", mended, author=ALICE))
    (at_once,) = with_recent(repaired(account_status(found, status(), 1, None, AT)), status(), found, AT).repairs
    unknown = report(drift("eu-west-1", mended))
    later = with_recent(repaired(account_status(unknown, status(), 1, None, AT)), status(), unknown, AT)
    assert later.repairs[0].author is None
    signal = Signal(ID, "eu-west-1", "DisableRule", AT, frozenset({Named(Sort.RULE, "q")}), "x", ALICE)
    (afterwards,) = explained(later, [signal])[0].repairs
    assert at_once.author == afterwards.author == author_text(ALICE)


def test_after_a_while_nobody_asks_any_more() -> None:
    mended = with_recent(status(), status(), report(drift("eu-west-1", True)), AT)
    assert unexplained(mended, AT.replace(hour=4)) == []


@pytest.mark.parametrize("author", [None, ALICE])
def test_a_difference_that_stays_keeps_its_author(author: Author | None) -> None:
    first = report(drift("eu-west-1", False, author=author))
    before = with_recent(account_status(first, status(), 1, None, AT), status(), first, AT)
    again = report(drift("eu-west-1", False))
    after = with_recent(account_status(again, before, 1, None, LATER), before, again, LATER)
    assert [d.author for d in after.details] == [d.author for d in before.details]
    assert (after.details[0].author is None) == (author is None)


def by(who: str, at: datetime) -> Signal:
    author = Author(who, "events:PutRule", at, "203.0.113.7")
    return Signal(ID, "eu-west-1", "PutRule", at, frozenset({Named(Sort.RULE, "q")}), who, author)


@pytest.mark.parametrize(
    ("found", "mended", "author"),
    [
        ("DISABLED", False, "alice"),
        ("DISABLED", True, "alice"),
        ("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", False, "bob"),
        ("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", True, "bob"),
    ],
)
def test_who_changes_something_else_later_is_not_its_author(found: str, mended: bool, author: str) -> None:
    first = attributed(report(drift("eu-west-1", False)), {"eu-west-1": [by("alice", AT)]}, first_found(status()))
    before = with_recent(account_status(first, status(), 1, None, AT), status(), first, AT)
    again = replace(drift("eu-west-1", mended, found), found_at=LATER)
    second = attributed(report(again), {"eu-west-1": [by("bob", LATER)]}, first_found(before))
    after = with_recent(account_status(second, before, 1, None, LATER), before, second, LATER)
    (told,) = after.recent_drifts if mended else after.details
    assert told.author is not None
    assert told.author.startswith(f"{author} from ")


def test_who_made_it_another_value_is_not_known_yet() -> None:
    first = report(drift("eu-west-1", False, author=ALICE))
    before = with_recent(account_status(first, status(), 1, None, AT), status(), first, AT)
    second = report(drift("eu-west-1", False, "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"))
    after = with_recent(account_status(second, before, 1, None, LATER), before, second, LATER)
    assert after.details[0].author is None

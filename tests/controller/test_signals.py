"""Signals: whose they are, which scope they call for, which drift they explain; and how many passes they may cause."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.resources.test_detection_pattern import ACCOUNT, context
from zerotouch.api.account import State
from zerotouch.controller.objects import account_key
from zerotouch.controller.signals import Signals
from zerotouch.desired.values import GLOBAL
from zerotouch.plan.author import Author, DetectedBy
from zerotouch.plan.change import Difference, ResourceID
from zerotouch.plan.signal import Named, Signal, Sort
from zerotouch.reconcile.report import AccountReport, Drift, ScopeReport
from zerotouch.reconcile.signals import Judgement, attributed, explains, judge, latest
from zerotouch.resources.detection_pattern import our_session

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ALICE = Author("arn:aws:iam::111111111111:user/alice", "events:PutRule", AT, "203.0.113.7")
NAME = "qualys-zerotouch"
ENTERED = (GLOBAL, "eu-west-1")
GLOBAL_CONTEXT = context(GLOBAL, connector={"existingRoleName": "connector-of-qualys"})


def signal(
    *named: tuple[Sort, str],
    region: str = "eu-west-1",
    account: str = ACCOUNT,
    what: str = "PutRule",
    session: str | None = "someone",
    author: Author | None = ALICE,
    failed: bool = False,
    at: datetime = AT,
) -> Signal:
    return Signal(account, region, what, at, frozenset(Named(s, n) for s, n in named), session, author, failed)


def never(_: str) -> datetime | None:
    return None


@pytest.mark.parametrize(
    ("given_signal", "judgement", "scope"),
    [
        (signal((Sort.RULE, NAME)), Judgement.OURS, "eu-west-1"),
        (signal((Sort.RULE, f"{NAME}-detection")), Judgement.OURS, "eu-west-1"),
        (signal((Sort.RULE, f"{NAME}-detection-iam"), region="us-east-1"), Judgement.OURS, GLOBAL),
        (signal((Sort.ROLE, f"{NAME}-events"), region="us-east-1"), Judgement.OURS, GLOBAL),
        (signal((Sort.ROLE, "connector-of-qualys"), region="us-east-1"), Judgement.OURS, GLOBAL),
        (signal((Sort.POLICY, f"{NAME}-connector"), region="us-east-1"), Judgement.OURS, GLOBAL),
        (signal((Sort.ASSOCIATION, "")), Judgement.OURS, "eu-west-1"),
        (signal((Sort.RULE, NAME), session=None), Judgement.OURS, "eu-west-1"),
        (signal((Sort.RULE, NAME), session=our_session(GLOBAL_CONTEXT)), Judgement.OWN, "eu-west-1"),
        (signal((Sort.RULE, NAME), failed=True), Judgement.FOREIGN, "eu-west-1"),
        (signal((Sort.RULE, NAME), what="DescribeRule"), Judgement.FOREIGN, "eu-west-1"),
        (signal((Sort.RULE, "theirs")), Judgement.FOREIGN, "eu-west-1"),
        (signal((Sort.RULE, NAME), region="us-west-2"), Judgement.FOREIGN, "us-west-2"),
        (signal((Sort.RULE, NAME), account="222222222222"), Judgement.FOREIGN, "eu-west-1"),
        (signal((Sort.ROLE, "theirs"), region="us-east-1"), Judgement.FOREIGN, GLOBAL),
        (signal(), Judgement.FOREIGN, "eu-west-1"),
    ],
)
def test_whose_it_is(given_signal: Signal, judgement: Judgement, scope: str) -> None:
    assert judge(given_signal, GLOBAL_CONTEXT, ENTERED, never) == (judgement, scope)


@pytest.mark.parametrize(
    ("what", "after", "judgement"),
    [
        ("Connection Authorized", 1, Judgement.OWN),
        ("Connection Authorized", 59, Judgement.OWN),
        ("Connection Authorized", 61, Judgement.OURS),
        ("Connection Update Started", -1, Judgement.OWN),
        ("Connection Deauthorized", 1, Judgement.OURS),
        ("API Destination Deactivated", 1, Judgement.OURS),
    ],
)
def test_states_that_follow_our_own_writes_are_an_echo_but_never_bad_news(
    what: str, after: int, judgement: Judgement
) -> None:
    state = signal((Sort.CONNECTION, NAME), what=what, session=None, author=None, at=AT + timedelta(seconds=after))
    assert judge(state, GLOBAL_CONTEXT, ENTERED, lambda _: AT)[0] is judgement
    assert judge(state, GLOBAL_CONTEXT, ENTERED, never)[0] is Judgement.OURS


names = st.text(max_size=20)
signals = st.builds(
    Signal,
    account=st.sampled_from([ACCOUNT, "222222222222"]),
    region=st.sampled_from(["eu-west-1", "us-east-1", "us-west-2"]),
    what=names,
    at=st.just(AT),
    named=st.frozensets(st.builds(Named, st.sampled_from(Sort), names), max_size=3),
    session=st.none() | names,
    author=st.none(),
    failed=st.booleans(),
)


@given(signals)
def test_only_what_names_us_in_a_place_of_ours_counts(one: Signal) -> None:
    judgement, scope = judge(one, GLOBAL_CONTEXT, ENTERED, never)
    if judgement is Judgement.OURS:
        assert one.account == ACCOUNT
        assert scope in ENTERED
        roles = {"connector-of-qualys"}
        assert any(n.sort is Sort.ASSOCIATION or n.name.startswith(NAME) or n.name in roles for n in one.named)


@pytest.mark.parametrize(
    ("kind", "name", "named", "expected"),
    [
        ("Rule", NAME, (Sort.RULE, NAME), True),
        ("DetectionRule", f"{NAME}-detection", (Sort.RULE, NAME), False),
        ("ExecutionRole", f"{NAME}-events", (Sort.ROLE, f"{NAME}-events"), True),
        ("APIDestination", NAME, (Sort.DESTINATION, NAME), True),
        ("Connection", NAME, (Sort.DESTINATION, NAME), False),
        ("InventoryAssociation", NAME, (Sort.ASSOCIATION, ""), True),
        ("DeadLetterQueue", f"{NAME}-dead-letters", (Sort.QUEUE, f"{NAME}-dead-letters"), True),
    ],
)
def test_which_drift_it_explains(kind: str, name: str, named: tuple[Sort, str], expected: bool) -> None:
    assert explains(signal(named), ResourceID(kind, "eu-west-1", name)) is expected


@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("state", "DisableRule"),
        ("targets.qualys.Arn", "PutTargets"),
        ("tags.team", None),
        ("exists", None),
    ],
)
def test_a_call_explains_only_what_it_can_have_changed(path: str, who: str | None) -> None:
    told = [
        signal((Sort.RULE, NAME), what=what, at=AT - timedelta(seconds=20 - n))
        for n, what in enumerate(["DisableRule", "PutTargets"])
    ]
    found = latest(told, ResourceID("Rule", "eu-west-1", NAME), path, AT)
    assert (found.what if found else None) == who


def drift(kind: str = "Rule") -> Drift:
    return Drift(ResourceID(kind, "eu-west-1", NAME), Difference("state", "ENABLED", "DISABLED"), True, AT)


def test_a_drift_gets_the_last_author_before_it_was_found() -> None:
    early = signal((Sort.RULE, NAME), at=AT - timedelta(seconds=20))
    late = signal((Sort.RULE, NAME), at=AT - timedelta(seconds=10), author=ALICE)
    later = signal((Sort.RULE, NAME), at=AT + timedelta(minutes=1))
    report = AccountReport(ACCOUNT, (ScopeReport("eu-west-1", State.READY, drifts=(drift(), drift("Connection"))),))
    (scope,) = attributed(report, {"eu-west-1": [early, late, later]}).scopes
    rule, connection = scope.drifts
    assert (rule.detected_by, rule.occurred_at, rule.author) == (DetectedBy.EVENT, late.at, ALICE)
    assert (connection.detected_by, connection.occurred_at, connection.author) == (DetectedBy.EVENT, None, None)


def test_other_scopes_were_not_found_by_the_event() -> None:
    report = AccountReport(ACCOUNT, (ScopeReport("eu-west-1", State.READY, drifts=(drift(),)),))
    assert attributed(report, {GLOBAL: [signal((Sort.RULE, NAME))]}) == report


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("again_too", [False, True])
def test_however_many_signals_come_passes_are_few(again_too: bool) -> None:
    clock, key = Clock(), account_key("n", "a")
    waiting = Signals(clock)
    passes = 0
    for _ in range(3600 * 10):
        clock.now += 0.1
        waiting.add(key, signal((Sort.RULE, NAME)))
        if waiting.queue.due:
            found, _ = waiting.queue._next()
            assert found == key
            taken, again = waiting.take(key), waiting.take_again(key)
            assert len(taken) <= 100
            assert taken or again
            if again_too and taken:
                waiting.look_again(key, {"eu-west-1": taken})
            waiting.queue.done(key)
            passes += 1
    assert 60 <= passes <= 10 + 3600 / 30 + 1


def test_what_may_be_read_back_late_is_looked_at_once_more() -> None:
    clock, key = Clock(), account_key("n", "a")
    waiting = Signals(clock)
    queue, rule = signal((Sort.QUEUE, NAME)), signal((Sort.RULE, NAME))
    found: list[tuple[float, list[Signal], dict[str, list[Signal]]]] = []
    for second in range(300):
        clock.now = float(second)
        if second in {0, 20}:
            waiting.add(key, queue)
        if second == 50:
            waiting.add(key, rule)
        if waiting.queue.due:
            waiting.queue._next()
            taken, again = waiting.take(key), waiting.take_again(key)
            found.append((clock.now, taken, dict(again)))
            if queue in taken:
                waiting.look_again(key, {"eu-west-1": [queue]})
            waiting.queue.done(key)
    once_more: dict[str, list[Signal]] = {"eu-west-1": [queue]}
    assert found == [
        (1.0, [queue], {}),
        (21.0, [queue], {}),
        (51.0, [rule], {}),
        (61.0, [], once_more),
        (81.0, [], once_more),
    ]


def test_a_burst_in_one_region_hides_no_other() -> None:
    waiting, key = Signals(Clock()), account_key("n", "a")
    kept = [waiting.add(key, signal((Sort.RULE, NAME))) for _ in range(10_000)]
    assert sum(kept) == 25
    assert waiting.add(key, signal((Sort.RULE, NAME), region="us-east-1"))
    for number in range(10_000):
        waiting.add(key, signal((Sort.RULE, NAME), region=f"forged-{number}"))
    found = waiting.take(key)
    assert len(found) == 1000
    assert {"eu-west-1", "us-east-1"} <= {one.region for one in found}


def test_tries_to_find_an_author_are_few_and_at_their_time_whatever_signals_come() -> None:
    clock, key = Clock(), account_key("n", "a")
    waiting = Signals(clock)
    waiting.search(key)
    tries = []
    while clock.now < 7200:
        clock.now += 1.0
        waiting.add(key, signal((Sort.RULE, NAME)))
        if waiting.queue.due:
            waiting.queue._next()
            waiting.take(key)
            waiting.queue.done(key)
        if waiting.searches.due:
            waiting.searches._next()
            tries.append(clock.now)
            waiting.search_again(key)
            waiting.searches.done(key)
    assert tries == [1.0, 61.0, 361.0, 1261.0]

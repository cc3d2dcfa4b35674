"""The coverage funnel: every way in which an instance is lost, and that none is counted twice or not at all."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotouch.api.coverage import AllowedPlatform, Gap
from zerotouch.plan.funnel import Agent, Funnel, Instance, Look, Rules, funnel

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
LONG_AGO, FRESH = NOW - timedelta(days=9), NOW - timedelta(minutes=20)
ONLINE = Agent(True, NOW - timedelta(minutes=1), "Amazon Linux", "2023")
LOST = Agent(False, LONG_AGO, "Amazon Linux", "2023")
RULES = Rules(grace=timedelta(minutes=30), max_age=timedelta(hours=2), host_management=False)


def one(
    agent: Agent | None = ONLINE,
    captured: datetime | None = FRESH,
    launched: datetime = LONG_AGO,
    profile: bool = False,
    rules: Rules = RULES,
) -> Funnel:
    agents: Mapping[str, Agent] = {"i-1": agent} if agent else {}
    times = {"i-1": captured} if captured else {}
    return funnel(Look([Instance("i-1", launched, profile)], agents, times), rules, NOW)


def test_a_region_without_instances() -> None:
    assert funnel(Look([]), RULES, NOW) == Funnel()


def test_covered() -> None:
    assert one() == Funnel(running=1, online=1, inventoried=1, covered=1)


@pytest.mark.parametrize(
    ("agent", "captured", "gap", "online", "inventoried", "says"),
    [
        (None, None, Gap.NOT_MANAGED, 0, 0, "neither an instance profile nor Default Host Management"),
        (LOST, FRESH, Gap.AGENT_OFFLINE, 0, 0, "offline since 2026-04-25T12:00:00Z"),
        (Agent(False, None, "", ""), None, Gap.AGENT_OFFLINE, 0, 0, "offline since an unknown time"),
        (ONLINE, None, Gap.NEVER_INVENTORIED, 1, 0, "never collected"),
        (ONLINE, NOW - timedelta(hours=3), Gap.INVENTORY_STALE, 1, 0, "2026-05-04T09:00:00Z is older than 2h"),
    ],
)
def test_lost_on_the_way(
    agent: Agent | None, captured: datetime | None, gap: Gap, online: int, inventoried: int, says: str
) -> None:
    found = one(agent, captured)
    (instance,) = found.uncovered
    assert (instance.id, instance.gap) == ("i-1", gap)
    assert says in instance.message
    assert (found.running, found.online, found.inventoried, found.covered) == (1, online, inventoried, 0)
    assert found.gaps == {gap: 1}


@pytest.mark.parametrize(
    ("profile", "host_management", "says"),
    [
        (False, False, "neither an instance profile nor Default Host Management"),
        (False, None, "whether Default Host Management is on is not known"),
        (False, True, "although Default Host Management is on"),
        (True, False, "although it has an instance profile"),
        (True, None, "although it has an instance profile"),
    ],
)
def test_why_an_instance_is_not_managed(profile: bool, host_management: bool | None, says: str) -> None:
    rules = Rules(RULES.grace, RULES.max_age, host_management=host_management)
    (instance,) = one(None, None, profile=profile, rules=rules).uncovered
    assert says in instance.message


@pytest.mark.parametrize("age", [timedelta(0), timedelta(minutes=29, seconds=59)])
@pytest.mark.parametrize(("agent", "captured"), [(None, None), (LOST, None), (ONLINE, None)])
def test_an_instance_that_has_just_started_need_not_report_yet(
    agent: Agent | None, captured: datetime | None, age: timedelta
) -> None:
    found = one(agent, captured, launched=NOW - age)
    assert (found.starting, found.uncovered) == (1, ())


def test_the_grace_period_ends_and_does_not_hide_a_platform() -> None:
    assert one(None, None, launched=NOW - RULES.grace).gaps == {Gap.NOT_MANAGED: 1}
    picky = Rules(RULES.grace, RULES.max_age, [AllowedPlatform(name="Ubuntu")])
    assert one(launched=NOW, rules=picky).gaps == {Gap.PLATFORM_NOT_ALLOWED: 1}


def test_an_instance_that_reports_within_its_grace_period_is_covered() -> None:
    found = one(launched=NOW - timedelta(minutes=5))
    assert (found.starting, found.covered) == (0, 1)


@pytest.mark.parametrize("skew", [timedelta(hours=2), timedelta(0), timedelta(minutes=-5)])
def test_inventory_is_fresh_up_to_its_greatest_age_and_where_clocks_differ(skew: timedelta) -> None:
    assert one(captured=NOW - skew).covered == 1


@pytest.mark.parametrize(
    ("platforms", "allowed"),
    [
        ([], True),
        ([("Amazon Linux", [])], True),
        ([("amazon linux", ["2023"])], True),
        ([("Amazon Linux", ["2"])], False),
        ([("Amazon Linux", ["2*"])], True),
        ([("Amazon*", ["2", "2023"])], True),
        ([("Amazon", [])], False),
        ([("Ubuntu", []), ("Amazon Linux", [])], True),
        ([("Ubuntu", [])], False),
    ],
)
def test_platforms(platforms: list[tuple[str, list[str]]], allowed: bool) -> None:
    listed = [AllowedPlatform(name=name, versions=versions) for name, versions in platforms]
    found = one(rules=Rules(RULES.grace, RULES.max_age, listed))
    assert found.covered == int(allowed)
    if not allowed:
        (instance,) = found.uncovered
        assert "platform Amazon Linux 2023 is not in spec.coverage.platforms" in instance.message
        assert found.inventoried == 1


def test_what_was_cut_off_is_not_known() -> None:
    instances = [Instance(f"i-{n}", LONG_AGO, True) for n in range(3)]
    look = Look(instances, {"i-0": ONLINE, "i-1": ONLINE}, {"i-0": FRESH}, True, False, False)
    found = funnel(look, RULES, NOW)
    assert (found.covered, found.unknown, found.uncovered, found.truncated) == (1, 2, (), True)
    assert funnel(Look(instances[:1], look.agents, look.captured, False), RULES, NOW).truncated


times = st.datetimes(NOW.replace(tzinfo=None) - timedelta(days=40), NOW.replace(tzinfo=None)).map(
    lambda t: t.replace(tzinfo=UTC)
)
agents = st.builds(Agent, st.booleans(), st.none() | times, st.sampled_from(["", "Ubuntu", "Amazon Linux"]), st.text())
ids = st.integers(0, 8).map(lambda n: f"i-{n}")
looks = st.builds(
    Look,
    st.lists(st.builds(Instance, ids, times, st.booleans()), unique_by=lambda i: i.id),
    st.dictionaries(ids, agents),
    st.dictionaries(ids, times),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
rule_sets = st.builds(
    Rules,
    st.timedeltas(timedelta(0), timedelta(days=1)),
    st.timedeltas(timedelta(0), timedelta(days=30)),
    st.lists(st.builds(AllowedPlatform, name=st.sampled_from(["Ubuntu", "*"])), max_size=2),
    st.none() | st.booleans(),
)


@given(looks, rule_sets)
def test_every_instance_is_counted_once_and_each_stage_holds_no_more_than_the_one_before(
    look: Look, rules: Rules
) -> None:
    found = funnel(look, rules, NOW)
    assert found.running == found.covered + found.starting + found.unknown + len(found.uncovered)
    assert found.running >= found.online >= found.inventoried >= found.covered >= 0
    assert len({i.id for i in found.uncovered}) == len(found.uncovered) == sum(found.gaps.values())
    assert all(len(i.message) <= 512 for i in found.uncovered if i.gap is not Gap.PLATFORM_NOT_ALLOWED)


@given(looks, rule_sets, st.randoms(use_true_random=False))
def test_the_order_in_which_aws_answers_does_not_matter(look: Look, rules: Rules, random: object) -> None:
    shuffled = list(look.instances)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    again = Look(
        shuffled,
        look.agents,
        look.captured,
        look.instances_complete,
        look.agents_complete,
        look.captured_complete,
    )
    assert funnel(again, rules, NOW) == funnel(look, rules, NOW)


@given(looks, rule_sets)
def test_more_time_covers_no_more(look: Look, rules: Rules) -> None:
    later = funnel(look, rules, NOW + timedelta(days=50))
    assert later.covered == 0
    assert later.starting == 0

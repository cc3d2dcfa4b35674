"""What a pass says of the way that events take: how long facts are fresh, and where no main region can be."""

from dataclasses import replace

import pytest

from tests.reconcile.drift.model import MAIN_REGION, context
from zerotouch.aws.errors import Retry
from zerotouch.plan.routing import Fact, Says
from zerotouch.reconcile.regions import Selected
from zerotouch.reconcile.routing import FactMemory, main_region_problem
from zerotouch.resources.rule import Rule

OLD, NEW, MORE = (Fact(Says.ADMITS, "a", region) for region in ("a", "b", "c"))


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> FactMemory:
    return FactMemory(30.0, clock)


def facts(*some: Fact) -> frozenset[Fact]:
    return frozenset(some)


def test_of_an_account_that_is_not_remembered_nothing_is_fresh(memory: FactMemory) -> None:
    assert memory.fresh("x", facts(OLD)) == facts()


def test_what_came_about_in_a_pass_is_fresh_for_a_while(memory: FactMemory, clock: Clock) -> None:
    memory.remember("x", facts(OLD), facts(OLD, NEW))
    assert memory.fresh("x", facts(OLD, NEW)) == facts(NEW)
    clock.now += 29.9
    assert memory.fresh("x", facts(OLD, NEW)) == facts(NEW)
    clock.now += 0.2
    assert memory.fresh("x", facts(OLD, NEW)) == facts()


def test_what_came_about_between_passes_is_fresh_from_when_it_was_seen(memory: FactMemory, clock: Clock) -> None:
    memory.remember("x", facts(OLD), facts(OLD))
    clock.now += 100
    assert memory.fresh("x", facts(OLD, MORE)) == facts(MORE)
    memory.remember("x", facts(OLD, MORE), facts(OLD, MORE))
    clock.now += 20
    assert memory.fresh("x", facts(OLD, MORE)) == facts(MORE)


def test_what_went_and_came_back_is_fresh_again(memory: FactMemory, clock: Clock) -> None:
    memory.remember("x", facts(OLD), facts())
    memory.remember("x", facts(), facts(OLD))
    assert memory.fresh("x", facts(OLD)) == facts(OLD)
    memory.forget("x")
    assert memory.fresh("x", facts(OLD)) == facts()


def test_where_a_main_region_can_be() -> None:
    here = context(Rule(), **MAIN_REGION)
    assert main_region_problem(here, Selected(("eu-west-1", "us-east-1"), {})) is None
    assert main_region_problem(context(Rule()), Selected((), {})) is None


def test_in_china_there_is_none() -> None:
    here = replace(context(Rule(), **MAIN_REGION), partition="aws-cn")
    problem = main_region_problem(here, Selected(("us-east-1",), {}))
    assert problem is not None
    assert "set delivery.topology to PerRegion" in problem.message
    assert problem.retry is Retry.PERSON

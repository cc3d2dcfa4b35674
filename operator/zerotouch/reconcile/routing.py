"""What the passes over an account's scopes say of the way that its events take, and since when."""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

from zerotouch.api.conditions import Reason
from zerotouch.api.spec import DeletionPolicy, Mode
from zerotouch.aws.errors import Retry
from zerotouch.desired.context import Context
from zerotouch.plan.routing import Fact, Plan, World, plan_routing
from zerotouch.reconcile.regions import Selected
from zerotouch.reconcile.report import Problem
from zerotouch.reconcile.scope import ScopePass

_NO_CROSS_REGION: Final = "aws-cn"
STILL_IN_USE: Final = Problem(
    Reason.REROUTING,
    "no longer declared; it is removed as soon as no region hands its events to it any more",
    Retry.SOON,
)


class FactMemory:
    """When facts came about, of accounts whose events are being led over to other routes. Thread-safe."""

    def __init__(self, settle: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`settle`: seconds until AWS acts everywhere on what was written."""
        self._settle, self._clock = settle, clock
        self._lock = threading.Lock()
        self._known: dict[str, dict[Fact, float]] = {}

    def fresh(self, account: str, facts: frozenset[Fact]) -> frozenset[Fact]:
        """Those that are too new to be relied on. Of an account that is not remembered, none is."""
        with self._lock:
            known = self._known.get(account)
            if known is None:
                return frozenset()
            now = self._clock()
            return frozenset(fact for fact in facts if now - known.get(fact, now) < self._settle)

    def remember(self, account: str, before: frozenset[Fact], after: frozenset[Fact]) -> None:
        """The facts at the beginning and the end of a pass. What an account begins with that was not remembered is old."""
        with self._lock:
            now = self._clock()
            known = self._known.get(account)
            old = dict.fromkeys(before, -self._settle + now) if known is None else known
            first = {fact: old.get(fact, now) for fact in before}
            self._known[account] = {fact: first.get(fact, now) for fact in after}

    def forget(self, account: str) -> None:
        with self._lock:
            self._known.pop(account, None)


def world_of(passes: Mapping[str, ScopePass], fresh: Callable[[frozenset[Fact]], frozenset[Fact]]) -> World:
    """What the looks of all scopes gave."""
    facts = facts_of(passes)
    blind = frozenset(scope for scope, one in passes.items() if one.blind)
    return World(facts, fresh(facts), blind)


def facts_of(passes: Mapping[str, ScopePass]) -> frozenset[Fact]:
    return frozenset(fact for one in passes.values() for fact in one.facts)


def route(context: Context, world: World, leaving: Collection[str], silent: Collection[str], dry_run: bool) -> Plan:
    """The routing to make; where nothing is written the declared one, so that the whole difference is told."""
    if dry_run or context.spec.mode is Mode.OBSERVE:
        return Plan(context.routing)
    retain = context.spec.deletion_policy is DeletionPolicy.RETAIN
    return plan_routing(context.regions, context.spec.delivery.main, world, leaving, retain, silent)


def main_region_problem(context: Context, selected: Selected) -> Problem | None:
    """Why nothing can be done in the account, where its main region is missing: half of it would deliver nothing."""
    main = context.spec.delivery.main
    if main is None:
        return None
    if context.partition == _NO_CROSS_REGION:
        text = "EventBridge hands no events from region to region in China: set delivery.topology to PerRegion"
    elif main in selected.unusable:
        text = f"delivery.mainRegion: {selected.unusable[main].message}, or choose another mainRegion"
    elif main not in selected.usable:
        text = (
            f"delivery.mainRegion {main} is not among the regions that are set up in this account: enable it, take it out of "
            "regions.exclude, or declare the account in an object of its own with another mainRegion"
        )
    else:
        return None
    return Problem(Reason.MAIN_REGION_UNAVAILABLE, f"{text}; nothing is changed until then", Retry.PERSON)

"""How events are led from the routes that they take to those that they are to take, without losing one. Pure and total.

What is found in AWS is told as facts. Every step rests on facts found before the pass's first write, so that the steps
of one pass may be carried out in any order, or in part: events of each region are delivered by the old route or the new one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from zerotouch.desired.routing import Route, Routing, declared_routing
from zerotouch.desired.values import GLOBAL


class Says(StrEnum):
    """What a fact says of its region."""

    HANDS_TO = "its rule hands events to the API destination (its own) or the default bus of the other region"
    ADMITS = "its rule lets events of the other region through"
    ENABLED = "its rule is enabled"
    HOLDS = "it has a connection or an API destination of ours"
    CONNECTED = "its connection is authorized"
    DELIVERS = "its API destination exists"
    INVOKES = "the execution role may invoke its API destination"
    FORWARDS = "the forward role may put events on its default bus"


@dataclass(frozen=True)
class Fact:
    """`other`: the other region of the sentence, empty where there is none."""

    says: Says
    region: str
    other: str = ""


@dataclass(frozen=True)
class World:
    """What is known of an account.

    `fresh`: facts that came about so shortly ago that AWS may not act on them everywhere yet. `blind`: regions, and `global`,
    that could not be looked at, or not at all of it.
    """

    facts: frozenset[Fact]
    fresh: frozenset[Fact] = frozenset()
    blind: frozenset[str] = frozenset()

    def holds(self, says: Says, region: str, other: str = "") -> bool:
        return Fact(says, region, other) in self.facts

    def target(self, region: str) -> str | None:
        """Where its events go; None where there is no such rule, or it is not known."""
        return self._targets.get(region)

    def is_new_there(self, region: str) -> bool:
        """Whether its rule may still hand some events to where it did before."""
        target = self.target(region)
        return target is not None and Fact(Says.HANDS_TO, region, target) in self.fresh

    def regions(self, says: Says) -> set[str]:
        return {f.region for f in self.facts if f.says is says}

    def admitted(self, region: str) -> frozenset[str]:
        """The regions whose events its rule lets through."""
        return self._admitted.get(region, frozenset())

    @cached_property
    def _targets(self) -> dict[str, str]:
        return {f.region: f.other for f in self.facts if f.says is Says.HANDS_TO}

    @cached_property
    def _admitted(self) -> dict[str, frozenset[str]]:
        admitted: dict[str, set[str]] = {}
        for fact in self.facts:
            if fact.says is Says.ADMITS:
                admitted.setdefault(fact.region, set()).add(fact.other)
        return {region: frozenset(others) for region, others in admitted.items()}


@dataclass(frozen=True)
class Plan:
    """The routing to make in this pass. `waits`: region → why it is not the declared one yet. `kept`: regions no longer
    declared that must not be removed yet, because events of declared ones still go there.
    """

    routing: Routing
    waits: dict[str, str] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()


def plan_routing(
    regions: Iterable[str],
    main: str | None,
    world: World,
    leaving: Iterable[str] = (),
    retain: bool = False,
    silent: Iterable[str] = (),
) -> Plan:
    """`leaving`: regions that are to be removed. `retain`: whether what serves regions no longer declared stays.

    `silent`: declared regions that are not enabled now; what serves them stays, for when they are again.
    """
    declared = declared_routing(regions, main)
    return _Planner(declared, world, retain, frozenset(silent)).plan(frozenset(leaving))


class _Planner:
    def __init__(self, declared: Routing, world: World, retain: bool, silent: frozenset[str]) -> None:
        self._declared, self._world = declared, world
        self._retain, self._silent = retain, silent
        self._regions = declared.routes.keys()

    def plan(self, leaving: frozenset[str]) -> Plan:
        routes = {region: self._route(region) for region in self._regions}
        forwards = self._forwards(routes)
        kept = leaving if GLOBAL in self._world.blind else leaving & forwards
        waits = {region: why for region in routes for why in self._waits(region, routes[region])}
        routing = Routing(routes, tuple(sorted(self._invokes(routes) | kept)), tuple(sorted(forwards)))
        return Plan(routing, waits, kept)

    def _route(self, region: str) -> Route:
        to = self._to(region)
        return Route(to, self._admits(region, to), self._has_destination(region, to))

    def _to(self, region: str) -> str:
        """The declared way, as soon as it is ready, or where there is nothing to lose."""
        wanted, found = self._declared.routes[region].to, self._world.target(region)
        if found is None or found == wanted or self._may_change(region, wanted):
            return wanted
        return found

    def _may_change(self, region: str, wanted: str) -> bool:
        if self._is_blind(region) or any(self._dependents(region)):
            return False
        return not self._may_deliver(region) or self._missing(region, wanted) == []

    def _missing(self, region: str, wanted: str) -> list[Fact]:
        """What does not hold yet, or only just, of all that the way through `wanted` needs."""
        needed = [Fact(Says.INVOKES, wanted), Fact(Says.CONNECTED, wanted), Fact(Says.DELIVERS, wanted)]
        if wanted != region:
            needed += [
                Fact(Says.FORWARDS, wanted),
                Fact(Says.ENABLED, wanted),
                Fact(Says.HANDS_TO, wanted, wanted),
                Fact(Says.ADMITS, wanted, region),
            ]
        return [fact for fact in needed if fact not in self._world.facts or fact in self._world.fresh]

    def _may_deliver(self, region: str) -> bool:
        """Whether events of the region get to Qualys now, as far as one can see."""
        through = self._world.target(region)
        if through is None or not self._opens(region, region):
            return False
        if through != region:
            if not self._world.holds(Says.FORWARDS, through):
                return False
            if through not in self._regions or self._is_blind(through):
                return True
            if not self._opens(through, region) or self._world.target(through) != through:
                return False
        return all(self._world.holds(says, through) for says in (Says.INVOKES, Says.CONNECTED, Says.DELIVERS))

    def _opens(self, region: str, source: str) -> bool:
        return self._world.holds(Says.ENABLED, region) and self._world.holds(Says.ADMITS, region, source)

    def _is_blind(self, region: str) -> bool:
        return bool({region, GLOBAL} & self._world.blind)

    def _dependents(self, region: str) -> Iterator[str]:
        """Other declared regions whose events go, or may go, through this one's rule to its API destination."""
        if self._world.target(region) != region:
            return
        admitted = self._world.admitted(region)
        for other in sorted(self._regions - {region}):
            if self._world.target(other) == region or (other in admitted and self._is_unsure(other)):
                yield other

    def _is_unsure(self, region: str) -> bool:
        """Whether its events may go where its rule is not seen to hand them."""
        unseen = region in self._world.blind and self._world.target(region) is None
        return unseen or self._world.is_new_there(region)

    def _admits(self, region: str, to: str) -> tuple[str, ...]:
        if to != region:
            return (region,)
        admits = {region, *self._declared.routes[region].admits, *self._dependents(region)}
        return tuple(sorted(admits | self._retained(self._world.admitted(region))))

    def _has_destination(self, region: str, to: str) -> bool:
        if region in {self._declared.routes[region].to, to, self._world.target(region)}:
            return True
        return self._is_unsure(region) and self._world.holds(Says.HOLDS, region)

    def _invokes(self, routes: dict[str, Route]) -> set[str]:
        known = self._world.regions(Says.INVOKES)
        having = {region for region, route in routes.items() if route.has_destination}
        return having | self._retained(known) | (known & self._world.blind)

    def _forwards(self, routes: dict[str, Route]) -> set[str]:
        """What is found is kept as long as it is in use, but nothing is granted for it: a person may have set it."""
        known = self._world.regions(Says.FORWARDS)
        granted: set[str] = set()
        in_use: set[str | None] = set()
        for region, route in routes.items():
            granted |= {self._declared.routes[region].to} - {region}
            in_use |= {route.to, self._world.target(region)} - {region, None}
            if route.to == region and self._retained(route.admits):
                in_use.add(region)
        unsure = any(self._is_unsure(region) for region in routes)
        return granted | (known if unsure else known & in_use)

    def _retained(self, found: Iterable[str]) -> set[str]:
        others = set(found) - self._regions
        return others if self._retain else others & self._silent

    def _waits(self, region: str, route: Route) -> Iterator[str]:
        declared = self._declared.routes[region]
        if route.to != declared.to:
            yield f"its events still go to {route.to}: {self._why(region, declared.to)}"
        elif others := [r for r in self._dependents(region) if r not in declared.admits and r not in self._world.blind]:
            yield f"it still delivers events of {', '.join(others)}"
        elif route.has_destination and not declared.has_destination and region not in self._world.blind:
            yield "its API destination stays until nothing is handed to it any more"

    def _why(self, region: str, wanted: str) -> str:
        if others := list(self._dependents(region)):
            return f"events of {', '.join(others)} go, or may go, through its rule"
        if self._is_blind(region):
            return "what is there could not be looked at"
        return f"{wanted} is not yet known to deliver them"

"""Which way the events of each region take to Qualys. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Route:
    """One region's part.

    `to`: region whose API destination its events go to; another one than its own is reached by that region's default bus.
    `admits`: regions whose events its rule lets through. `has_destination`: whether it has a connection and an API destination.
    """

    to: str
    admits: tuple[str, ...]
    has_destination: bool


@dataclass(frozen=True)
class Routing:
    """An account's regions, and what its roles allow for them.

    `invokes`: regions whose API destination the execution role may invoke. `forwards`: regions on whose default bus the
    forward role may put events.
    """

    routes: Mapping[str, Route]
    invokes: tuple[str, ...]
    forwards: tuple[str, ...]


def declared_routing(regions: Iterable[str], main: str | None) -> Routing:
    """As the spec asks for it; `main` is None where each region delivers for itself."""
    every = tuple(sorted(regions))
    routes = {
        region: Route(
            to=main or region,
            admits=every if region == main else (region,),
            has_destination=main in {None, region},
        )
        for region in every
    }
    destinations = tuple(region for region in every if routes[region].has_destination)
    return Routing(routes, destinations, (main,) if main and set(every) - {main} else ())

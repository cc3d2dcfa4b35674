"""Which regions an account's pass has to look at."""

from collections.abc import Mapping
from dataclasses import dataclass

from zerotouch.api.conditions import Reason
from zerotouch.api.spec import Regions, RegionSelection
from zerotouch.aws.errors import Retry
from zerotouch.desired.values import GLOBAL
from zerotouch.reconcile.report import Problem

# Values of OptInStatus that mean that a region can be used. Source: EC2 API reference, Region.
_USABLE = frozenset({"opt-in-not-required", "opted-in"})


@dataclass(frozen=True)
class Selected:
    """`usable`: regions to set up. `unusable`: declared regions that cannot be, and why."""

    usable: tuple[str, ...]
    unusable: Mapping[str, Problem]


def select(regions: Regions, known: Mapping[str, str]) -> Selected:
    """`known`: every region of the partition → OptInStatus in this account."""
    if regions.selection is RegionSelection.ALL_ENABLED:
        chosen = (r for r, status in known.items() if status in _USABLE and r not in regions.exclude)
        return Selected(tuple(sorted(chosen)), {})
    usable = tuple(sorted({r for r in regions.names if known.get(r) in _USABLE}))
    problems = {r: _why(r, known) for r in sorted(set(regions.names)) if r not in usable}
    return Selected(usable, problems)


def no_longer_selected(previous: Mapping[str, str | None], selected: Selected) -> tuple[str, ...]:
    """Regions that we were in and that the spec no longer asks for."""
    current = {GLOBAL, *selected.usable, *selected.unusable}
    return tuple(sorted(r for r in previous if r not in current))


def _why(region: str, known: Mapping[str, str]) -> Problem:
    if region in known:
        return Problem(
            Reason.REGION_NOT_ENABLED,
            f"region {region} is not enabled in this account: enable it, or take it out of spec.regions",
            Retry.PERSON,
        )
    return Problem(
        Reason.REGION_UNSUPPORTED,
        f"AWS knows no region {region} here: correct its name in spec.regions",
        Retry.PERSON,
    )

"""What an account object says of the coverage of its instances. Pure."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from zerotouch.api.account import QualysZeroTouchAccountSpec, QualysZeroTouchAccountStatus, State
from zerotouch.api.conditions import Reason
from zerotouch.api.coverage import CoverageStatus, GapCount, RegionCoverage, UncoveredInstance
from zerotouch.controller.conditions import Judgement
from zerotouch.plan.funnel import Funnel
from zerotouch.plan.render import cut, some
from zerotouch.reconcile.report import AccountReport, Surveyed

_MOST_INSTANCES: Final = 20
_MOST_MESSAGE: Final = 512
_MOST_NAMED: Final = 3
_HASH_DIGITS: Final = 16


class CoverageReader:
    """Reads survey `coverage`."""

    name = "coverage"
    condition = "Covered"

    def interval(self, spec: QualysZeroTouchAccountSpec) -> str | None:
        return spec.coverage.interval if spec.coverage.enabled else None

    def surveyed_at(self, spec: QualysZeroTouchAccountSpec, status: QualysZeroTouchAccountStatus) -> datetime | None:
        known = status.coverage
        return known.surveyed_at if known and known.settings_hash == _settings_hash(spec) else None

    def part(
        self,
        spec: QualysZeroTouchAccountSpec,
        report: AccountReport,
        previous: QualysZeroTouchAccountStatus,
        at: datetime | None,
    ) -> dict[str, Any]:
        before = previous.coverage or CoverageStatus()
        ran = report.surveyed(self.name)
        known = {region.name: region for region in before.regions}
        regions = known | {name: _region(name, surveyed, known.get(name)) for name, surveyed in ran.items()}
        here = {s.name for s in report.scopes if s.state is not State.REMOVING} if report.scopes else set(regions)
        shown = [r for _, r in sorted(regions.items()) if r.name in here and (r.running or r.reason)]
        found = {name: surveyed.found for name, surveyed in ran.items() if surveyed.problem is None}
        kept = [u for u in before.uncovered if u.region in here and u.region not in found]
        covered = f"{sum(r.covered for r in shown)}/{sum(r.running for r in shown)}"
        return {
            "coverage": CoverageStatus(
                surveyed_at=at,
                settings_hash=_settings_hash(spec) if ran else before.settings_hash,
                covered_instances=covered if found or before.covered_instances else None,
                regions=shown,
                uncovered=_some_of_each([*kept, *_uncovered(found)]),
            )
        }

    def judge(self, report: AccountReport, status: QualysZeroTouchAccountStatus) -> Judgement:
        if report.problem is not None:
            return "Unknown", report.problem.reason, report.problem.message
        coverage = status.coverage
        if coverage is None or (coverage.covered_instances is None and not coverage.regions):
            return "Unknown", Reason.PENDING, "the instances have not been looked at yet"
        regions = coverage.regions
        running, uncovered = sum(r.running for r in regions), sum(r.uncovered for r in regions)
        if uncovered:
            return "False", Reason.INSTANCES_NOT_COVERED, _lacking(coverage, uncovered, running)
        if failed := [r for r in regions if r.reason]:
            told = some([f"{r.name}: {r.message}" for r in failed], _MOST_NAMED)
            return "Unknown", Reason(failed[0].reason or Reason.AWS_ERROR), told
        if cut_off := [r.name for r in regions if r.truncated]:
            where = some(cut_off, _MOST_NAMED, ", ")
            return "Unknown", Reason.TRUNCATED, f"more instances run than are looked at in {where}; of those none lacks"
        return "True", Reason.SUCCEEDED, _fine(running, sum(r.starting for r in regions))


def _settings_hash(spec: QualysZeroTouchAccountSpec) -> str:
    """Stands for all that a finding depends on, the world apart."""
    text = f"{spec.coverage.model_dump_json()}{spec.inventory.model_dump_json()}{spec.regions.model_dump_json()}"
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]


def _lacking(coverage: CoverageStatus, uncovered: int, running: int) -> str:
    named = [f"{u.region} {u.id}: {u.message}" for u in coverage.uncovered[:_MOST_NAMED]]
    more = f" and {uncovered - len(named)} more" if uncovered > len(named) else ""
    return f"{uncovered} of {running} running instances are not covered: {'; '.join(named)}{more}"


def _fine(running: int, starting: int) -> str:
    if not running:
        return "no instance runs"
    late = f", {starting} just started" if starting else ""
    return f"{running - starting} of {running} running instances report fresh inventory{late}"


def _region(name: str, surveyed: Surveyed, before: RegionCoverage | None) -> RegionCoverage:
    if surveyed.problem is not None:
        kept = before or RegionCoverage(name=name, running=0, starting=0, online=0, inventoried=0, covered=0)
        problem = {"reason": surveyed.problem.reason.value, "message": cut(surveyed.problem.message, _MOST_MESSAGE)}
        return kept.model_copy(update=problem)
    found: Funnel = surveyed.found
    return RegionCoverage(
        name=name,
        running=found.running,
        starting=found.starting,
        online=found.online,
        inventoried=found.inventoried,
        covered=found.covered,
        gaps=[GapCount(reason=gap, instances=n) for gap, n in sorted(found.gaps.items())],
        truncated=found.truncated or None,
    )


def _uncovered(found: Mapping[str, Funnel]) -> Iterable[UncoveredInstance]:
    for region, finding in found.items():
        for instance in finding.uncovered:
            message = cut(instance.message, _MOST_MESSAGE)
            yield UncoveredInstance(region=region, id=instance.id, reason=instance.gap, message=message)


def _some_of_each(instances: Iterable[UncoveredInstance]) -> list[UncoveredInstance]:
    """A bounded number, so chosen that no region and reason hides another."""
    seen: dict[tuple[str, str], int] = {}
    ranked = []
    for instance in sorted(instances, key=_place):
        group = (instance.region, instance.reason.value)
        seen[group] = seen.get(group, 0) + 1
        ranked.append((seen[group], *_place(instance), instance))
    return sorted((r[-1] for r in sorted(ranked, key=lambda r: r[:-1])[:_MOST_INSTANCES]), key=_place)


def _place(instance: UncoveredInstance) -> tuple[str, str]:
    return instance.region, instance.id

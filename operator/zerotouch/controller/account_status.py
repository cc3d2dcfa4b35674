"""From a pass's report to the account object's status. Pure."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from zerotouch.api.account import (
    DifferenceDetail,
    QualysZeroTouchAccountStatus,
    RegionState,
    State,
)
from zerotouch.api.conditions import Condition, Reason
from zerotouch.api.drift import Left
from zerotouch.aws.errors import Retry
from zerotouch.controller.conditions import Verdict, conditions, make
from zerotouch.controller.exclusive import exclusive
from zerotouch.desired.values import GLOBAL
from zerotouch.plan.render import count, cut, show_resource, show_values, some
from zerotouch.reconcile.report import AccountReport, Drift, Problem, ScopeReport
from zerotouch.resources.registry import ACCOUNT_KINDS, REGION_KINDS

_MOST_DETAILS: Final = 20
_MOST_NAMED: Final = 5
_MOST_MESSAGE: Final = 1024
_MOST_NAME: Final = 256
_MOST_RULE: Final = 512

Place = tuple[str, str, str, str]


def pending_scopes(status: QualysZeroTouchAccountStatus, scopes: Iterable[str], now: datetime) -> list[RegionState]:
    """The regions of the status, with those that a pass is about to write to for the first time."""
    known = {region.name for region in status.regions}
    new = [
        RegionState(name=s, state=State.PENDING, since=now, total=len(ACCOUNT_KINDS if s == GLOBAL else REGION_KINDS))
        for s in scopes
        if s not in known
    ]
    return sorted([*status.regions, *new], key=_order) if new else status.regions


def account_status(
    report: AccountReport,
    previous: QualysZeroTouchAccountStatus,
    generation: int,
    requested_at: str | None,
    now: datetime,
) -> QualysZeroTouchAccountStatus:
    """What a finished pass found. Times are UTC."""
    verdict, reason, message = _verdict(report)
    regions = _regions(report, previous, now)
    open_drifts = [drift for scope in report.scopes for drift in scope.drifts if not drift.mended]
    entered = report.problem is None
    details = _details(open_drifts, previous, now) if entered else previous.details
    return QualysZeroTouchAccountStatus(
        observed_generation=generation,
        conditions=[
            *conditions(verdict, reason, message, previous.conditions, generation, now),
            *_secure(report, previous, generation, now),
            *exclusive(regions, previous.conditions, generation, now),
        ],
        regions=regions,
        ready_regions=_ready_regions(regions),
        drifted=len(open_drifts) if entered else previous.drifted,
        details=details[:_MOST_DETAILS],
        truncated=(True if len(open_drifts) > _MOST_DETAILS else None) if entered else previous.truncated,
        last_handled_reconcile_at=requested_at,
    )


def removal_status(
    report: AccountReport, previous: QualysZeroTouchAccountStatus, generation: int, now: datetime
) -> QualysZeroTouchAccountStatus:
    """While an account is cleaned, and something is left."""
    problem = _worst(report)
    blocked = problem is not None and problem.retry is not Retry.SOON
    left = some([show_resource(resource) for resource in report.left], _MOST_NAMED)
    why = problem.message if problem else "AWS is at work"
    message = f"cleaning AWS: {why}. May still be there: {left or 'nothing known'}"
    if blocked:
        message += ". Mend it, or annotate this object with zerotouch.dev/abandon=true to leave that behind"
    reason = Reason.CLEANUP_BLOCKED if blocked else Reason.DELETING
    return previous.model_copy(
        update={
            "observed_generation": generation,
            "conditions": conditions(
                "stalled" if blocked else "working", reason, message, previous.conditions, generation, now
            ),
            "regions": _regions(report, previous, now),
        }
    )


def retry_of(report: AccountReport) -> Retry | None:
    """How soon another pass may help; None where nothing is wrong."""
    problem = _worst(report)
    return problem.retry if problem else None


def is_rerouting(report: AccountReport) -> bool:
    """Whether nothing is wrong but that events are still being led to other routes."""
    problem = _worst(report)
    return problem is not None and problem.reason is Reason.REROUTING


def _verdict(report: AccountReport) -> tuple[Verdict, Reason, str]:
    wrong = [scope for scope in report.scopes if scope.state is not State.READY and not scope.gone]
    problem = _worst(report)
    if problem is None and not wrong:
        regions = sum(scope.name != GLOBAL and not scope.gone for scope in report.scopes)
        told = sum(drift.left is Left.REPORTED for scope in report.scopes for drift in scope.drifts)
        more = f"; {count(told, 'difference')} only told, as driftPolicy says" if told else ""
        are = "is" if regions == 1 else "are"
        return "ready", Reason.SUCCEEDED, f"{count(regions, 'region')} {are} set up{more}"
    if problem is None:
        return "working", Reason.PROGRESSING, f"at work on {_names(wrong)}"
    verdict: Verdict = "working" if problem.retry is Retry.SOON else "stalled"
    if report.problem is not None:
        return verdict, problem.reason, problem.message
    affected = [scope for scope in wrong if scope.problem is not None]
    return verdict, problem.reason, f"{_names(affected)}: {problem.message}"


def _names(scopes: Iterable[ScopeReport]) -> str:
    return some(sorted(scope.name for scope in scopes), _MOST_NAMED, ", ")


def _worst(report: AccountReport) -> Problem | None:
    """A misuse of our connection first, then what needs a person, then faults that pass; last what goes as planned."""
    problems = [report.problem] if report.problem else [s.problem for s in report.scopes if s.problem]
    return min(problems, key=_severity, default=None)


def _severity(problem: Problem) -> int:
    if problem.reason is Reason.FOREIGN_API_DESTINATION:
        return 0
    if problem.reason is Reason.REROUTING:
        return 3
    return 2 if problem.retry is Retry.SOON else 1


def _regions(report: AccountReport, previous: QualysZeroTouchAccountStatus, now: datetime) -> list[RegionState]:
    before = {region.name: region for region in previous.regions}
    if report.problem is not None:
        return [_unreachable(region, report.problem, now) for region in previous.regions]
    seen = [_region(scope, before.get(scope.name), now) for scope in report.scopes if not scope.gone]
    covered = {scope.name for scope in report.scopes}
    passed_over = [r for r in previous.regions if r.name not in covered and r.total > 0]
    return sorted([*seen, *map(_forgotten, passed_over)], key=_order)


def _region(scope: ScopeReport, before: RegionState | None, now: datetime) -> RegionState:
    same = before is not None and before.state is scope.state
    open_drifts = [drift for drift in scope.drifts if not drift.mended]
    return RegionState(
        name=scope.name,
        state=scope.state,
        reason=scope.problem.reason.value if scope.problem else None,
        message=scope.problem.message[:_MOST_MESSAGE] if scope.problem else None,
        hash=scope.hash,
        field_hashes=dict(scope.field_hashes),
        connection_version=scope.version,
        token=scope.token,
        healing=scope.healing,
        delivered_twice_by=_told(scope.delivered_twice_by, before.delivered_twice_by if before else [], _MOST_RULE),
        rival_associations=_told(scope.rivals, before.rival_associations if before else [], _MOST_NAME),
        drifted_fields=_by_kind(open_drifts),
        fought_fields=_by_kind(drift for drift in open_drifts if drift.left is Left.FIGHTING),
        since=before.since if before is not None and same else now,
        ready=scope.ready,
        total=scope.total,
    )


def _by_kind(drifts: Iterable[Drift]) -> dict[str, int]:
    return dict(sorted(Counter(drift.resource.kind for drift in drifts).items()))


def _told(found: tuple[str, ...] | None, before: list[str], most: int) -> list[str]:
    """What was said before stands where nothing could be looked at."""
    return before if found is None else [cut(text, most) for text in found[:_MOST_NAMED]]


def _forgotten(region: RegionState) -> RegionState:
    """One that is not looked at any more: nothing is known of its fields."""
    return region.model_copy(update={"drifted_fields": {}, "fought_fields": {}})


def _unreachable(region: RegionState, problem: Problem, now: datetime) -> RegionState:
    state = State.REMOVING if region.state is State.REMOVING else State.NOT_READY
    since = region.since if region.state is state else now
    return region.model_copy(update={"state": state, "reason": problem.reason.value, "message": None, "since": since})


def _order(region: RegionState) -> tuple[bool, str]:
    return region.name != GLOBAL, region.name


def _ready_regions(regions: list[RegionState]) -> str:
    real = [r for r in regions if r.name != GLOBAL and r.state is not State.REMOVING]
    return f"{sum(r.state is State.READY for r in real)}/{len(real)}"


def _details(drifts: list[Drift], previous: QualysZeroTouchAccountStatus, now: datetime) -> list[DifferenceDetail]:
    since = {place_of_detail(detail): detail.since for detail in previous.details}
    return [
        DifferenceDetail(
            region=region,
            kind=kind,
            name=name,
            field=path,
            difference=drift.difference.kind,
            wanted=wanted,
            found=found,
            since=since.get((region, kind, name, path), now),
            left=drift.left,
        )
        for drift in drifts
        for region, kind, name, path in [place_of_drift(drift)]
        for wanted, found in [show_values(drift.difference)]
    ]


def place_of_detail(detail: DifferenceDetail) -> Place:
    """Which field of which resource it is about."""
    return detail.region, detail.kind, detail.name, detail.field


def place_of_drift(drift: Drift) -> Place:
    """The same of a drift, cut as the status holds it."""
    resource = drift.resource
    return resource.region, resource.kind, resource.name[:_MOST_NAME], drift.difference.path[:_MOST_NAME]


def _secure(
    report: AccountReport, previous: QualysZeroTouchAccountStatus, generation: int, now: datetime
) -> list[Condition]:
    """Only where it could be looked at; what was said before stands otherwise."""
    if report.problem is not None:
        return [c for c in previous.conditions if c.type == "Secure"]
    foreign = sorted(arn for scope in report.scopes for arn in scope.foreign_destinations)
    if foreign:
        text = f"our connection is used by {', '.join(foreign[:_MOST_NAMED])}: delete what is not yours there"
        return [make("Secure", "False", Reason.FOREIGN_API_DESTINATION, text, previous.conditions, generation, now)]
    text = "nobody else uses our connection"
    return [make("Secure", "True", Reason.SUCCEEDED, text, previous.conditions, generation, now)]

"""A pass over some scopes of an account, completed by what the status remembers of the others. Pure."""

from dataclasses import replace
from typing import Final

from zerotouch.api.account import DifferenceDetail, QualysZeroTouchAccountStatus, RegionState, State
from zerotouch.api.conditions import Reason
from zerotouch.aws.errors import Retry
from zerotouch.controller.conditions import condition
from zerotouch.controller.objects import Account
from zerotouch.plan.change import Difference, ResourceID
from zerotouch.reconcile.report import AccountReport, Drift, Problem, ScopeReport

_MOST_DETAILS: Final = 20


def can_complete(account: Account) -> bool:
    """Whether the status tells enough of what is not looked at; else the whole account has to be.

    Where regions deliver for each other, or events are being led to other routes, one cannot be judged by itself.
    """
    status = account.status
    secure = condition(status.conditions, "Secure")
    return (
        status.observed_generation == account.meta.generation
        and account.spec.delivery.main is None
        and all(region.reason != Reason.REROUTING for region in status.regions)
        and not status.truncated
        and (secure is None or secure.status == "True")
        and all(region.state in {State.READY, State.NOT_READY} for region in status.regions)
    )


def completed(report: AccountReport, status: QualysZeroTouchAccountStatus) -> AccountReport:
    """The report as one of the whole account: of the other scopes it says what was found there last."""
    if report.problem is not None or report.interrupted:
        return report
    looked_at = {scope.name for scope in report.scopes}
    reconciling = condition(status.conditions, "Reconciling")
    soon = reconciling is not None and reconciling.status == "True"
    rest = [_remembered(r, status, soon) for r in status.regions if r.name not in looked_at]
    return replace(report, scopes=(*report.scopes, *rest))


def _remembered(region: RegionState, status: QualysZeroTouchAccountStatus, soon: bool) -> ScopeReport:
    problem = None
    if region.reason is not None:
        retry = Retry.SOON if soon else Retry.PERSON
        problem = Problem(Reason(region.reason), region.message or "", retry)
    return ScopeReport(
        name=region.name,
        state=region.state,
        ready=region.ready,
        total=region.total,
        hash=region.hash,
        field_hashes=region.field_hashes,
        problem=problem,
        drifts=tuple(_drift(detail) for detail in status.details if detail.region == region.name),
        version=region.connection_version,
        delivered_twice_by=tuple(region.delivered_twice_by),
        rivals=tuple(region.rival_associations),
    )


def _drift(detail: DifferenceDetail) -> Drift:
    resource = ResourceID(detail.kind, detail.region, detail.name)
    return Drift(
        resource,
        Difference(detail.field, detail.wanted, detail.found),
        mended=False,
        found_at=detail.since,
        left=detail.left,
    )


def kept(
    status: QualysZeroTouchAccountStatus, previous: QualysZeroTouchAccountStatus, looked_at: frozenset[str]
) -> QualysZeroTouchAccountStatus:
    """The status of a completed report, with everything about the other scopes word for word as it was."""
    before = {region.name: region for region in previous.regions}
    regions = [r if r.name in looked_at else before.get(r.name, r) for r in status.regions]
    details = [d for d in status.details if d.region in looked_at]
    details += [d for d in previous.details if d.region not in looked_at]
    return status.model_copy(update={"regions": regions, "details": details[:_MOST_DETAILS]})

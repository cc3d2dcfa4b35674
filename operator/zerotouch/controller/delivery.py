"""What an account object says of its deliveries. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from zerotouch.api.account import QualysZeroTouchAccountSpec, QualysZeroTouchAccountStatus, State
from zerotouch.api.conditions import Reason
from zerotouch.api.delivery import Answer, DeliveryStatus, RegionDelivery
from zerotouch.controller.conditions import Judgement
from zerotouch.plan.render import cut, some
from zerotouch.reconcile.delivery import DeliveryFinding
from zerotouch.reconcile.report import AccountReport, Surveyed

_MOST_MESSAGE: Final = 512
_MOST_NAMED: Final = 5
_NOTHING_TOLD: Final = frozenset({Reason.NO_EVENTS, Reason.PENDING})

Verdict = tuple[Answer, Reason, str]


class DeliveryReader:
    """Reads survey `delivery`."""

    name = "delivery"
    condition = "Delivering"

    def interval(self, spec: QualysZeroTouchAccountSpec) -> str | None:
        return spec.delivery.evidence.interval

    def surveyed_at(self, status: QualysZeroTouchAccountStatus) -> datetime | None:
        return status.delivery.surveyed_at if status.delivery else None

    def part(
        self,
        spec: QualysZeroTouchAccountSpec,
        report: AccountReport,
        previous: QualysZeroTouchAccountStatus,
        at: datetime | None,
    ) -> dict[str, Any]:
        before = {r.name: r for r in previous.delivery.regions} if previous.delivery else {}
        now = {name: _region(name, surveyed) for name, surveyed in report.surveyed(self.name).items()}
        here = {s.name for s in report.scopes if s.state is not State.REMOVING} if report.scopes else set(before)
        regions = [region for name, region in sorted({**before, **now}.items()) if name in here]
        return {"delivery": DeliveryStatus(surveyed_at=at, regions=regions)}

    def judge(self, report: AccountReport, status: QualysZeroTouchAccountStatus) -> Judgement:
        if report.problem is not None:
            return "Unknown", report.problem.reason, report.problem.message
        regions = status.delivery.regions if status.delivery else []
        wrong = [r for r in regions if r.delivering is Answer.FALSE]
        if wrong:
            return "False", Reason(wrong[0].reason or Reason.DELIVERY_FAILING), _named(wrong)
        unseen = [r for r in regions if r.delivering is Answer.UNKNOWN and r.reason not in _NOTHING_TOLD]
        if unseen:
            return "Unknown", Reason(unseen[0].reason or Reason.AWS_ERROR), _named(unseen)
        proven = sum(r.delivering is Answer.TRUE for r in regions)
        if proven:
            return "True", Reason.SUCCEEDED, f"deliveries seen in {proven} of {len(regions)} regions, and no failure"
        return "Unknown", Reason.NO_EVENTS, "no instance start was seen yet that would tell"


def _named(regions: Iterable[RegionDelivery]) -> str:
    return some([f"{r.name}: {r.message}" for r in regions], _MOST_NAMED)


def _region(name: str, surveyed: Surveyed) -> RegionDelivery:
    answer, reason, message = _verdict(surveyed)
    told = None if answer is Answer.TRUE else reason.value
    return RegionDelivery(name=name, delivering=answer, reason=told, message=cut(message, _MOST_MESSAGE) or None)


def _verdict(surveyed: Surveyed) -> Verdict:
    if surveyed.problem is not None:
        return Answer.UNKNOWN, surveyed.problem.reason, surveyed.problem.message
    found: DeliveryFinding = surveyed.found
    if found.rule_state is None or found.connection_state is None:
        return Answer.UNKNOWN, Reason.PENDING, "the rule or the connection is not there"
    if found.rule_state == "DISABLED":
        return Answer.FALSE, Reason.RULE_DISABLED, "the rule is disabled: no event leaves the region"
    if found.connection_state.startswith("DEAUTHORIZ"):
        return (
            Answer.FALSE,
            Reason.CONNECTION_DEAUTHORIZED,
            "EventBridge has de-authorized the connection: the gateway refused its token, or its secret was deleted",
        )
    return Answer.UNKNOWN, Reason.NO_EVENTS, ""

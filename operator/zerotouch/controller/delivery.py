"""What an account object says of its deliveries. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from zerotouch.api.account import QualysZeroTouchAccountSpec, QualysZeroTouchAccountStatus, State
from zerotouch.api.conditions import Reason
from zerotouch.api.delivery import Answer, DeliveryCounts, DeliveryStatus, LetterReason, RegionDelivery
from zerotouch.controller.conditions import Judgement
from zerotouch.plan.render import cut, some
from zerotouch.reconcile.delivery import Activity, DeliveryFinding, Letter, finding_of
from zerotouch.reconcile.report import AccountReport, ScopeReport, Surveyed

_MOST_MESSAGE: Final = 300
# With all details 34 regions would make the status some 50 KB.
_MOST_DETAILED: Final = 10
_MOST_NAMED: Final = 5
_MOST_REASONS: Final = 3
# As long as a letter is kept.
_REMEMBERED: Final = timedelta(days=14)
# CloudWatch's counts may be late, and one event's match and delivery be told in different minutes.
_LATE: Final = timedelta(minutes=15)
_STATES: Final = frozenset({Reason.RULE_DISABLED, Reason.CONNECTION_DEAUTHORIZED, Reason.PENDING})
NOTHING_TOLD: Final = frozenset({Reason.NO_EVENTS.value, Reason.PENDING.value})
"""Reasons of an Unknown that is nobody's fault."""

Verdict = tuple[Answer, Reason, str]
Times = tuple[datetime | None, datetime | None]


class DeliveryReader:
    """Reads survey `delivery`."""

    name = "delivery"
    condition = "Delivering"

    def interval(self, spec: QualysZeroTouchAccountSpec) -> str | None:
        return spec.delivery.evidence.interval

    def surveyed_at(self, spec: QualysZeroTouchAccountSpec, status: QualysZeroTouchAccountStatus) -> datetime | None:
        return status.delivery.surveyed_at if status.delivery else None

    def part(
        self,
        spec: QualysZeroTouchAccountSpec,
        report: AccountReport,
        previous: QualysZeroTouchAccountStatus,
        at: datetime | None,
    ) -> dict[str, Any]:
        before = {r.name: r for r in previous.delivery.regions} if previous.delivery else {}
        surveyed = report.surveyed(self.name)
        seen = {s.name: _between(before[s.name], s) for s in report.scopes if s.name in before and s.seen}
        seen |= {name: region_delivery(name, given, before.get(name)) for name, given in surveyed.items()}
        here = {s.name for s in report.scopes if s.state is not State.REMOVING} if report.scopes else set(before)
        regions = {name: region for name, region in sorted({**before, **seen}.items()) if name in here}
        routed = [_routed(region, surveyed.get(name), regions) for name, region in regions.items()]
        return {"delivery": DeliveryStatus(surveyed_at=at, regions=_slim(routed))}

    def judge(self, report: AccountReport, status: QualysZeroTouchAccountStatus) -> Judgement:
        if report.problem is not None:
            return "Unknown", report.problem.reason, report.problem.message
        regions = status.delivery.regions if status.delivery else []
        wrong = [r for r in regions if r.delivering is Answer.FALSE]
        if wrong:
            return "False", Reason(wrong[0].reason or Reason.DELIVERY_FAILING), _named(wrong)
        unseen = [r for r in regions if r.delivering is Answer.UNKNOWN and r.reason not in NOTHING_TOLD]
        if unseen:
            return "Unknown", Reason(unseen[0].reason or Reason.AWS_ERROR), _named(unseen)
        proven = sum(r.delivering is Answer.TRUE for r in regions)
        if proven:
            return "True", Reason.SUCCEEDED, f"the last delivery seen succeeded in {proven} of {len(regions)} regions"
        return "Unknown", Reason.NO_EVENTS, "no instance start was seen that would tell"


def region_delivery(name: str, surveyed: Surveyed, before: RegionDelivery | None) -> RegionDelivery:
    """One region after a look. A look that failed leaves what was known, and says Unknown."""
    if surveyed.problem is not None:
        known = before or RegionDelivery(name=name, delivering=Answer.UNKNOWN)
        text = cut(surveyed.problem.message, _MOST_MESSAGE)
        update = {"delivering": Answer.UNKNOWN, "reason": surveyed.problem.reason.value, "message": text}
        return known.model_copy(update=update)
    found: DeliveryFinding = surveyed.found
    times = _times(found, before)
    answer, reason, message = verdict(found, *times)
    if answer is Answer.TRUE and before is not None and _is_unproven(before) and before.last_success_at == times[0]:
        answer, reason, message = before.delivering, Reason.DELIVERY_UNPROVEN, before.message or ""
    well = answer is Answer.TRUE
    return RegionDelivery(
        name=name,
        delivering=answer,
        reason=None if well else reason.value,
        message=cut(message, _MOST_MESSAGE) or None,
        last_success_at=times[0],
        last_failure_at=times[1],
        counts=None if well else _counts(found.activity),
        dead_letters=found.waiting or None,
        letter_reasons=letter_reasons(found.letters),
    )


def _between(region: RegionDelivery, scope: ScopeReport) -> RegionDelivery:
    """A region without a look of its own: what the pass saw of rule and connection is told at once."""
    answer, reason, message = verdict(finding_of(scope.seen), region.last_success_at, region.last_failure_at)
    if reason not in _STATES and region.reason not in _STATES:
        return region
    told = None if answer is Answer.TRUE else reason.value
    return region.model_copy(update={"delivering": answer, "reason": told, "message": message or None})


def verdict(found: DeliveryFinding, succeeded_at: datetime | None, failed_at: datetime | None) -> Verdict:
    """The last delivery that was seen decides; in doubt it failed. What cannot work is not waited for to fail."""
    connected = found.connection_state is not None or found.forwards_to is not None
    if found.rule_state is None or not connected:
        return Answer.UNKNOWN, Reason.PENDING, "the rule or the connection is not there"
    if found.rule_state == "DISABLED":
        return Answer.FALSE, Reason.RULE_DISABLED, "the rule is disabled: no event leaves the region"
    if found.forwards_to is None and (found.connection_state or "").startswith("DEAUTHORIZ"):
        return Answer.FALSE, Reason.CONNECTION_DEAUTHORIZED, _DEAUTHORIZED
    if failed_at is not None and (succeeded_at is None or failed_at >= succeeded_at):
        return _failed(found, failed_at)
    if unproven := _unproven(found, succeeded_at):
        return Answer.UNKNOWN, Reason.DELIVERY_UNPROVEN, unproven
    if succeeded_at is not None:
        older = f"; {found.waiting} older dead letters wait" if found.waiting else ""
        return Answer.TRUE, Reason.SUCCEEDED, f"delivered at {_show(succeeded_at)}{older}"
    return Answer.UNKNOWN, Reason.NO_EVENTS, ""


def _unproven(found: DeliveryFinding, succeeded_at: datetime | None) -> str | None:
    """An event of which nothing is known is no success, whatever became of those before it."""
    seen = found.activity or Activity()
    if not seen.matched or seen.last_matched_at is None:
        return None
    if succeeded_at is None:
        return f"{seen.matched} events matched the rule, and {_UNTOLD}"
    if (
        seen.last_matched_at <= succeeded_at + _LATE
        or found.seen_at is None
        or found.seen_at <= seen.last_matched_at + _LATE
    ):
        return None
    since = f"the last success seen was at {_show(succeeded_at)}"
    return f"an event matched the rule about {_show(seen.last_matched_at)}, and {_UNTOLD}; {since}"


def _is_unproven(before: RegionDelivery) -> bool:
    return before.reason == Reason.DELIVERY_UNPROVEN


_UNTOLD: Final = "CloudWatch tells neither of deliveries nor of failures"
_DEAUTHORIZED: Final = (
    "EventBridge has de-authorized the connection: the gateway refused its token, or its secret was deleted"
)


def _failed(found: DeliveryFinding, at: datetime) -> Verdict:
    if found.letters or found.waiting:
        why = f", the newest of {_show(found.letters[0].sent_at)}: {_why(found.letters[0])}" if found.letters else ""
        return Answer.FALSE, Reason.DEAD_LETTERS, f"events were given up: {found.waiting} dead letters wait{why}"
    seen = found.activity or Activity()
    if seen.lost:
        text = f"{seen.lost} events were given up and could not be put into the dead-letter queue"
    elif seen.given_up or seen.lettered:
        text = f"{seen.given_up or seen.lettered} deliveries were given up, the last about {_show(at)}"
    elif seen.retried:
        text = f"deliveries fail and are tried again: {seen.retried} times lately, the last about {_show(at)}"
    else:
        text = f"the last delivery seen, about {_show(at)}, failed"
    return Answer.FALSE, Reason.DELIVERY_FAILING, text


def letter_reasons(letters: Iterable[Letter]) -> list[LetterReason]:
    """By code, the most frequent first."""
    by_code: dict[str, list[Letter]] = {}
    for letter in letters:
        by_code.setdefault(letter.code, []).append(letter)
    frequent = sorted(by_code.items(), key=lambda item: (-len(item[1]), item[0]))[:_MOST_REASONS]
    return [
        LetterReason(code=code, message=newest.message or None, count=len(some_of), newest_at=_second(newest.sent_at))
        for code, some_of in frequent
        for newest in [max(some_of, key=lambda letter: letter.sent_at)]
    ]


def _times(found: DeliveryFinding, before: RegionDelivery | None) -> Times:
    """The last success and the last failure, of this look or an earlier one."""
    seen = found.activity or Activity()
    newest = found.letters[0].sent_at if found.letters else None
    successes = [before.last_success_at if before else None, seen.last_success_at]
    failures = [before.last_failure_at if before else None, seen.last_failure_at, newest]
    return _latest(successes, found.seen_at), _latest(failures, found.seen_at)


def _latest(times: Iterable[datetime | None], now: datetime | None) -> datetime | None:
    return max((_second(t) for t in times if t is not None and (now is None or now - t < _REMEMBERED)), default=None)


def _routed(region: RegionDelivery, surveyed: Surveyed | None, regions: Mapping[str, RegionDelivery]) -> RegionDelivery:
    """A region that hands its events to another one delivers only if that one does."""
    to = surveyed.found.forwards_to if surveyed is not None and surveyed.found is not None else None
    onward = regions.get(to) if to else None
    if onward is None or region.delivering is not Answer.TRUE or onward.delivering is Answer.TRUE:
        return region
    text = cut(f"handed to {to}, where: {onward.message or onward.reason}", _MOST_MESSAGE)
    update = {"delivering": onward.delivering, "reason": onward.reason, "message": text}
    return region.model_copy(update=update)


def _slim(regions: Iterable[RegionDelivery]) -> list[RegionDelivery]:
    """Details of the first few that are not well; of the others what, since when, and the reason."""
    slim, detailed = [], 0
    for region in regions:
        well = region.delivering is Answer.TRUE or region.reason in NOTHING_TOLD
        detailed += not well
        bare: dict[str, Any] = {"message": None, "counts": None, "letter_reasons": []}
        slim.append(region if well or detailed <= _MOST_DETAILED else region.model_copy(update=bare))
    return slim


def _counts(activity: Activity | None) -> DeliveryCounts | None:
    if activity is None:
        return None
    counts = DeliveryCounts(
        matched=activity.matched,
        delivered=activity.delivered,
        retried=activity.retried,
        given_up=activity.given_up,
        lettered=activity.lettered,
        lost=activity.lost,
    )
    return counts if counts.model_dump(exclude_none=True) else None


def _named(regions: Iterable[RegionDelivery]) -> str:
    return some([f"{r.name}: {r.message or r.reason}" for r in regions], _MOST_NAMED)


def _why(letter: Letter) -> str:
    return f"{letter.code}: {letter.message}" if letter.message else letter.code


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _show(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")

"""Whether deliveries from a region work: what tells, as far as AWS says it.

Sources: EventBridge user guide, "Monitoring Amazon EventBridge" (metrics are published on a best-effort basis, and most of
them only where they are not zero: a missing one means zero or unknown) and "Using dead-letter queues".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from zerotouch.api.types import parse_duration
from zerotouch.aws.calls import RegionAPI
from zerotouch.desired.context import Context
from zerotouch.plan.ownership import Ownership
from zerotouch.plan.redact import redact
from zerotouch.resources.base import Observed
from zerotouch.resources.dead_letter_queue import Letters

METRICS: Final = (
    "MatchedEvents",
    "Invocations",
    "SuccessfulInvocationAttempts",
    "RetryInvocationAttempts",
    "FailedInvocations",
    "InvocationsSentToDlq",
    "InvocationsFailedToBeSentToDlq",
)
"""Each is charged for: docs/delivery.md."""

# Datapoints may arrive late, and the interval is given or taken a pass.
_OVERLAP: Final = timedelta(hours=1)
_FINE, _COARSE = timedelta(minutes=1), timedelta(minutes=5)
_FINE_UP_TO: Final = timedelta(hours=3)
_MOST_LETTERS: Final = 10
_MOST_CODE, _MOST_MESSAGE = 64, 200

Series = Mapping[datetime, float]


@dataclass(frozen=True)
class Activity:
    """What CloudWatch counted in the window; None where it had no datapoint, which is zero or unknown.

    `given_up`: not tried any more; `lettered`: of those in the queue, `lost`: of those not even there.
    `last_matched_at`, `last_success_at`, `last_failure_at`: to the minute, or to five.
    """

    matched: int | None = None
    delivered: int | None = None
    retried: int | None = None
    given_up: int | None = None
    lettered: int | None = None
    lost: int | None = None
    last_matched_at: datetime | None = None
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None


@dataclass(frozen=True)
class Letter:
    """Of one dead letter what says why; never its content."""

    sent_at: datetime
    code: str
    message: str


@dataclass(frozen=True)
class DeliveryFinding:
    """One region. None where there is no such resource of ours; `activity` also where metrics are switched off.

    `forwards_to`: the region whose bus the rule hands events to, where it has no API destination of its own as target.
    `letters`: a few of those that wait, the newest first.
    """

    connection_state: str | None
    rule_state: str | None
    forwards_to: str | None = None
    activity: Activity | None = None
    waiting: int | None = None
    letters: tuple[Letter, ...] = ()
    seen_at: datetime | None = None


class DeliverySurvey:
    """Survey `delivery`: at most one call of GetMetricData, and one of ReceiveMessage where letters wait."""

    name = "delivery"

    def run(self, api: RegionAPI, context: Context, seen: Mapping[str, Observed], now: datetime) -> DeliveryFinding:
        found, letters = finding_of(seen), _letters(seen)
        measured = found.rule_state is not None and context.spec.delivery.evidence.metrics
        return replace(
            found,
            activity=_activity(api, context, now) if measured else None,
            letters=_peek(api, letters) if letters and letters.waiting else (),
            seen_at=now,
        )


def finding_of(seen: Mapping[str, Observed]) -> DeliveryFinding:
    """What the pass itself tells, without any call."""
    rule, letters = _ours(seen.get("Rule")), _letters(seen)
    return DeliveryFinding(
        connection_state=_state(_ours(seen.get("Connection"))),
        rule_state=_state(rule),
        forwards_to=_forwards_to(rule),
        waiting=letters.waiting if letters else None,
    )


def activity_of(series: Mapping[str, Series]) -> Activity:
    """Metric → time → sum. Only what certainly succeeded counts as delivered."""
    matched, invoked, succeeded, retried, given_up, lettered, lost = (series.get(name, {}) for name in METRICS)
    failures = {at for bad in (given_up, lettered, lost) for at, n in bad.items() if n > 0}
    # Invocations count failures too, maybe in another minute than FailedInvocations do: they prove nothing beside any.
    delivered = succeeded or ({} if failures or retried else invoked)
    successes = {at for at, n in delivered.items() if n > 0}
    failures |= {at for at, n in retried.items() if n > 0 and at not in successes}
    return Activity(
        matched=_sum(matched),
        delivered=_sum(delivered),
        retried=_sum(retried),
        given_up=_sum(given_up),
        lettered=_sum(lettered),
        lost=_sum(lost),
        last_matched_at=max((at for at, n in matched.items() if n > 0), default=None),
        last_success_at=max(successes, default=None),
        last_failure_at=max(failures, default=None),
    )


def _sum(series: Series) -> int | None:
    return int(sum(series.values())) if series else None


def _activity(api: RegionAPI, context: Context, now: datetime) -> Activity:
    window = parse_duration(context.spec.delivery.evidence.interval) + _OVERLAP
    period = _FINE if window <= _FINE_UP_TO else _COARSE
    seconds = int(period.total_seconds())
    # Times that are multiples of the period let CloudWatch answer from what it has summed already (API reference).
    end = datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, UTC)
    queries = [metric_query(number, metric, context.prefix, seconds) for number, metric in enumerate(METRICS)]
    start = end - window - period
    found = api.pages(
        "cloudwatch", "get_metric_data", "MetricDataResults", MetricDataQueries=queries, StartTime=start, EndTime=end
    )
    series: dict[str, dict[datetime, float]] = {}
    for result in found:
        points = zip(result["Timestamps"], result["Values"], strict=True)
        series.setdefault(METRICS[int(result["Id"][1:])], {}).update(points)
    return activity_of(series)


def metric_query(number: int, metric: str, rule: str, seconds: int) -> dict[str, Any]:
    """One query of GetMetricData; its answer has the Id `m` and the number."""
    # Rules of the default bus have this dimension only.
    dimensions = [{"Name": "RuleName", "Value": rule}]
    about = {"Namespace": "AWS/Events", "MetricName": metric, "Dimensions": dimensions}
    return {"Id": f"m{number}", "MetricStat": {"Metric": about, "Period": seconds, "Stat": "Sum"}}


def _peek(api: RegionAPI, letters: Letters) -> tuple[Letter, ...]:
    """A few letters, which stay visible to everybody else. Waiting a second asks all of SQS's servers, not a sample."""
    answer = api.call(
        "sqs",
        "receive_message",
        QueueUrl=letters.queue_url,
        MaxNumberOfMessages=_MOST_LETTERS,
        VisibilityTimeout=0,
        WaitTimeSeconds=1,
        MessageAttributeNames=["ERROR_CODE", "ERROR_MESSAGE"],
        MessageSystemAttributeNames=["SentTimestamp"],
    )
    found = [_letter(message) for message in answer.get("Messages") or ()]
    return tuple(sorted(found, key=lambda letter: letter.sent_at, reverse=True))


def _letter(message: Mapping[str, Any]) -> Letter:
    attributes = message.get("MessageAttributes") or {}
    sent = int((message.get("Attributes") or {}).get("SentTimestamp", 0)) / 1000
    return Letter(
        datetime.fromtimestamp(sent, UTC),
        redact(_text(attributes, "ERROR_CODE") or "UNKNOWN", _MOST_CODE),
        redact(_text(attributes, "ERROR_MESSAGE"), _MOST_MESSAGE),
    )


def _text(attributes: Mapping[str, Any], name: str) -> str:
    return str((attributes.get(name) or {}).get("StringValue", ""))


def _state(observed: Observed | None) -> str | None:
    return None if observed is None else observed.fields.get("state")


def _ours(observed: Observed | None) -> Observed | None:
    return observed if observed is not None and observed.ownership is Ownership.OURS else None


def _letters(seen: Mapping[str, Observed]) -> Letters | None:
    queue = _ours(seen.get("DeadLetterQueue"))
    return queue.handle if queue is not None else None


def _forwards_to(rule: Observed | None) -> str | None:
    targets: Iterable[Mapping[str, Any]] = (rule.fields.get("targets") or {}).values() if rule else ()
    arns = [str(target.get("Arn", "")).split(":", 5) for target in targets]
    if any(len(arn) == 6 and arn[5].startswith("api-destination/") for arn in arns):
        return None
    return next((arn[3] for arn in arns if len(arn) == 6 and arn[5].startswith("event-bus/")), None)

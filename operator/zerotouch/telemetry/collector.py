"""Metrics, made from the operator's state when they are scraped."""

from collections import Counter
from collections.abc import Iterable
from importlib.metadata import version
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from zerotouch.api.account import State
from zerotouch.api.conditions import Reason
from zerotouch.controller.operator import Operator
from zerotouch.telemetry.coverage import coverage_metrics
from zerotouch.telemetry.delivery import delivery_metrics
from zerotouch.telemetry.detection import detection_metrics
from zerotouch.telemetry.drift import drift_metrics
from zerotouch.telemetry.tokens import token_metrics

_CODE_LENGTH: Final = 64


class OperatorCollector(Collector):
    """One operator's metrics. The names and labels are documented in docs/metrics.md."""

    def __init__(self, operator: Operator) -> None:
        self._operator, self._shared = operator, operator.shared

    def collect(self) -> Iterable[Metric]:
        return map(_distinct, self._collect())

    def _collect(self) -> Iterable[Metric]:
        yield from self._process()
        yield from self._targets()
        yield from self._drift()
        yield from self._passes()
        yield from self._calls()
        yield from detection_metrics(self._shared.stats.detection)
        yield from token_metrics(self._shared)
        yield from coverage_metrics(self._shared.index.accounts())
        yield from delivery_metrics(self._shared.index.accounts())

    def _process(self) -> Iterable[Metric]:
        build = GaugeMetricFamily("zerotouch_build_info", "1, with the version as label.", labels=["version"])
        build.add_metric([version("zerotouch")], 1)
        yield build
        yield GaugeMetricFamily("zerotouch_leader", "1 while this replica writes.", float(self._operator.leading))
        queue = GaugeMetricFamily("zerotouch_queue_due", "Objects that wait although they are due.", labels=["kind"])
        queue.add_metric(["QualysZeroTouch"], self._shared.parents.due)
        queue.add_metric(["QualysZeroTouchAccount"], self._shared.accounts.due)
        yield queue

    def _targets(self) -> Iterable[Metric]:
        states, problems = Counter({state.value: 0 for state in State}), Counter[str]()
        for account in self._shared.index.accounts():
            states.update(dict(account.view.states))
            problems.update(dict(account.view.problems))
        targets = GaugeMetricFamily(
            "zerotouch_targets", "Regions of accounts, and their IAM, by state.", labels=["state"]
        )
        for state, number in sorted(states.items()):
            targets.add_metric([state], number)
        yield targets
        by_reason = GaugeMetricFamily("zerotouch_problems", "Targets that are not right, by reason.", labels=["reason"])
        for reason, number in sorted(problems.items()):
            by_reason.add_metric([reason], number)
        yield by_reason
        yield GaugeMetricFamily(
            "zerotouch_conflicts", "Targets where a name is taken by something not ours.", problems[Reason.CONFLICT]
        )
        yield GaugeMetricFamily(
            "zerotouch_foreign_api_destinations",
            "Targets where somebody else's API destination uses our connection.",
            problems[Reason.FOREIGN_API_DESTINATION],
        )
        yield GaugeMetricFamily(
            "zerotouch_duplicate_deliveries",
            "Targets where a rule of somebody else tells Qualys of the same instance starts.",
            sum(account.view.delivered_twice for account in self._shared.index.accounts()),
        )
        yield GaugeMetricFamily(
            "zerotouch_rival_associations",
            "Targets where inventory associations of somebody else keep ours from nodes of theirs.",
            sum(account.view.rivalled for account in self._shared.index.accounts()),
        )
        objects = GaugeMetricFamily("zerotouch_objects", "QualysZeroTouch objects by readiness.", labels=["ready"])
        ready = Counter({True: 0, False: 0})
        ready.update(parent.ready for parent in self._shared.index.parents())
        for value, number in sorted(ready.items()):
            objects.add_metric([str(value).lower()], number)
        yield objects

    def _drift(self) -> Iterable[Metric]:
        yield from drift_metrics(self._shared.index.accounts())
        stats = self._shared.stats
        for name, text, counts in (
            ("zerotouch_drift_seen", "Fields found different from what had been made right.", stats.drift_seen),
            ("zerotouch_drift_mended", "Such fields that were put right.", stats.drift_mended),
        ):
            yield _counter(name, text, ["kind", "cause"], counts.items())
        yield from stats.detect_seconds.collect()
        yield from stats.repair_seconds.collect()

    def _passes(self) -> Iterable[Metric]:
        stats = self._shared.stats
        last = GaugeMetricFamily(
            "zerotouch_last_pass_timestamp_seconds", "Unix time of an account's last finished pass.", labels=["account"]
        )
        for account, at in sorted(stats.last_pass.items()):
            last.add_metric([account], at)
        yield last
        interval = GaugeMetricFamily(
            "zerotouch_pass_interval_seconds", "Seconds between two passes that are asked for.", labels=["account"]
        )
        for record in self._shared.index.accounts():
            if not record.suspended and not record.trigger.deleting:
                interval.add_metric([record.account_id], record.interval)
        yield interval
        results = [((result,), n) for result, n in stats.passes.items()]
        yield _counter("zerotouch_passes", "Passes over an account by result.", ["result"], results)
        yield from stats.pass_seconds.collect()

    def _calls(self) -> Iterable[Metric]:
        calls = self._shared.reconciler.calls
        counts = [
            ((service, operation, code[:_CODE_LENGTH]), n) for (service, operation, code), n in calls.snapshot().items()
        ]
        labels = ["service", "operation", "code"]
        yield _counter("zerotouch_aws_requests", "AWS API calls; code is OK or AWS's error code.", labels, counts)
        yield _counter(
            "zerotouch_aws_budget_wait_seconds",
            "Seconds spent waiting for the request budget.",
            [],
            [((), calls.budget_wait_seconds)],
        )


def _distinct(metric: Metric) -> Metric:
    """Two objects may declare one account: of samples with the same labels Prometheus would keep any; the largest stays."""
    if metric.type == "gauge":
        largest: dict[tuple[str, ...], Sample] = {}
        for sample in metric.samples:
            labels = tuple(sample.labels.values())
            if labels not in largest or sample.value > largest[labels].value:
                largest[labels] = sample
        metric.samples = list(largest.values())
    return metric


def _counter(name: str, text: str, labels: list[str], values: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for label_values, value in sorted(values):
        family.add_metric(list(label_values), value)
    return family

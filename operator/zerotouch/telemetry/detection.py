"""Metrics of drift by event."""

from collections.abc import Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from zerotouch.controller.detection_stats import DetectionStats


def detection_metrics(stats: DetectionStats) -> Iterable[Metric]:
    """The names and labels are documented in docs/metrics.md."""
    yield _counter("zerotouch_drift_events", "Messages read from the queue of events.", "result", stats.events)
    yield from stats.age_seconds.collect()
    errors = CounterMetricFamily("zerotouch_drift_queue_errors", "Failed attempts to read the queue of events.")
    errors.add_metric([], stats.queue_errors)
    yield errors
    reachable = GaugeMetricFamily(
        "zerotouch_drift_queue_reachable",
        "1 while the queue of events can be read, 0 while not; none where it is not used.",
    )
    if stats.queue_reachable is not None:
        reachable.add_metric([], float(stats.queue_reachable))
    yield reachable
    text = "Drifts whose author was told by an event or found in CloudTrail's history, and searches without a result."
    yield _counter("zerotouch_drift_attributions", text, "source", stats.attributions)


def _counter(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, number in sorted(values.items()):
        family.add_metric([value], number)
    return family

"""Metrics of the coverage of instances."""

from collections import Counter
from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric

from zerotouch.api.coverage import Gap
from zerotouch.controller.coverage_view import STAGES
from zerotouch.controller.index import AccountRecord


def coverage_metrics(accounts: Iterable[AccountRecord]) -> Iterable[Metric]:
    """Totals always; an account and region only while something lacks there."""
    stages, gaps, unseen = Counter(dict.fromkeys(STAGES, 0)), Counter(dict.fromkeys((g.value for g in Gap), 0)), 0
    lacking = GaugeMetricFamily(
        "zerotouch_uncovered_instances", "Running instances that Qualys cannot scan.", labels=["account", "region"]
    )
    for account in accounts:
        view = account.view.coverage
        if view is None:
            continue
        stages.update(dict(zip(STAGES, view.stages, strict=True)))
        gaps.update(dict(view.gaps))
        unseen += view.unseen
        for region, number in view.worst:
            lacking.add_metric([account.account_id, region], number)
    yield lacking
    funnel = GaugeMetricFamily("zerotouch_coverage_instances", "Instances by stage reached.", labels=["stage"])
    for stage, number in stages.items():
        funnel.add_metric([stage], number)
    yield funnel
    reasons = GaugeMetricFamily("zerotouch_coverage_gaps", "Uncovered instances by reason.", labels=["reason"])
    for reason, number in gaps.items():
        reasons.add_metric([reason], number)
    yield reasons
    yield GaugeMetricFamily("zerotouch_coverage_unseen", "Targets in which the last look at instances failed.", unseen)

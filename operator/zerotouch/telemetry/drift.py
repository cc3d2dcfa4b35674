"""Metrics of the drift there is."""

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric

from zerotouch.controller.index import AccountRecord

_LABELS = ["account", "region", "kind"]


def drift_metrics(accounts: Iterable[AccountRecord]) -> Iterable[Metric]:
    """Only what there is. The sums are right; what an account has no series left for stands under `other`."""
    drift = GaugeMetricFamily(
        "zerotouch_drift", "Fields that differ from the declared state and are not mended.", labels=_LABELS
    )
    fights = GaugeMetricFamily(
        "zerotouch_fights", "Fields left alone because somebody else keeps changing them.", labels=_LABELS
    )
    for account in accounts:
        for family, counts in ((drift, account.view.drift), (fights, account.view.fights)):
            for row in counts:
                family.add_metric([account.account_id, row.region, row.kind], row.fields)
    yield drift
    yield fights

"""Metrics of the drift there is."""

from collections import Counter
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
    fields: dict[str, Counter[tuple[str, str, str]]] = {drift.name: Counter(), fights.name: Counter()}
    for account in accounts:
        for family, counts in ((drift, account.view.drift), (fights, account.view.fights)):
            # Two objects may declare one account.
            for row in counts:
                fields[family.name][account.account_id, row.region, row.kind] += row.fields
    for family in (drift, fights):
        for labels, number in fields[family.name].items():
            family.add_metric(labels, number)
    yield drift
    yield fights

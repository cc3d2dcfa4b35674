"""Metrics of deliveries."""

from collections import Counter
from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric

from zerotouch.api.delivery import Answer
from zerotouch.controller.index import AccountRecord
from zerotouch.controller.objects import Key


def delivery_metrics(accounts: Iterable[AccountRecord]) -> Iterable[Metric]:
    """Totals always; an account and region only while something is wrong there."""
    answers, unseen = Counter({answer.value: 0 for answer in Answer}), 0
    successes: dict[Key, float] = {}
    failing = GaugeMetricFamily(
        "zerotouch_delivery_failing",
        "1 while the last delivery seen failed, or none can succeed.",
        labels=["account", "region", "reason"],
    )
    letters = GaugeMetricFamily("zerotouch_dead_letters", "Dead letters that wait.", labels=["account"])
    for account in accounts:
        view = account.view.delivery
        if view is None:
            continue
        answers.update(dict(view.answers))
        unseen += view.unseen
        for region, reason in view.failing:
            failing.add_metric([account.account_id, region, reason], 1)
        if view.letters:
            letters.add_metric([account.account_id], view.letters)
        if view.last_success is not None:
            successes[account.parent] = max(view.last_success, successes.get(account.parent, 0.0))
    yield failing
    yield letters
    targets = GaugeMetricFamily(
        "zerotouch_delivery_targets", "Regions of accounts by Delivering.", labels=["delivering"]
    )
    for answer, number in answers.items():
        targets.add_metric([answer], number)
    yield targets
    yield GaugeMetricFamily("zerotouch_delivery_unseen", "Targets in which the last look at deliveries failed.", unseen)
    last = GaugeMetricFamily(
        "zerotouch_delivery_last_success_timestamp_seconds",
        "Unix time of the last delivery seen to succeed in any of the object's accounts.",
        labels=["namespace", "name"],
    )
    for key, at in sorted(successes.items()):
        last.add_metric([key.namespace, key.name], at)
    yield last

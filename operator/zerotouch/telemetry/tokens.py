"""Metrics of subscription tokens: when they expire, which targets still carry another one, which refuse theirs."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from zerotouch.controller.shared import Shared

_OBJECT = ["namespace", "name"]


def token_metrics(shared: Shared) -> Iterable[Metric]:
    """A few series for each object that people wrote."""
    expiry = GaugeMetricFamily(
        "zerotouch_token_expiration_timestamp_seconds",
        "Unix time at which the subscription token expires.",
        labels=_OBJECT,
    )
    behind = GaugeMetricFamily(
        "zerotouch_token_targets_behind", "Targets that still carry another token.", labels=[*_OBJECT, "state"]
    )
    refused = GaugeMetricFamily(
        "zerotouch_token_targets_refused",
        "Targets whose token Qualys refuses, as far as can be inferred.",
        labels=_OBJECT,
    )
    for parent in shared.index.parents():
        names = [parent.key.namespace, parent.key.name]
        if parent.token_expires_at is not None:
            expiry.add_metric(names, parent.token_expires_at.timestamp())
        for state, stuck in (("rolling", False), ("stuck", True)):
            behind.add_metric([*names, state], parent.token_behind if parent.rollout_stuck is stuck else 0)
        children = shared.index.children(parent.key)
        refused.add_metric(names, sum(carrier.refuses for child in children for carrier in child.view.carriers))
    mints = CounterMetricFamily("zerotouch_token_mints", "Subscription tokens asked of the gateway.", labels=["result"])
    for result, number in sorted(shared.stats.mints.items()):
        mints.add_metric([result], number)
    return [expiry, behind, refused, mints]

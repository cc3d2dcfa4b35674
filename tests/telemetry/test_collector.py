"""How many series there are, and that the histograms count what they say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from tests.telemetry.fleet import operator_with_fleet
from zerotouch.controller.objects import account_key
from zerotouch.controller.stats import Stats
from zerotouch.controller.told import Seen
from zerotouch.plan.author import DetectedBy
from zerotouch.plan.change import Difference, ResourceID
from zerotouch.reconcile.report import Drift
from zerotouch.resources.registry import REGION_KINDS
from zerotouch.telemetry.collector import OperatorCollector

# The promise of docs/metrics.md, for 1,000 accounts with 17 regions each.
MOST_SERIES = 30_000
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def series(text: bytes) -> list[str]:
    return [line for line in text.decode().splitlines() if line and not line.startswith("#")]


async def scraped(accounts: int, drifting: int) -> list[str]:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(OperatorCollector(operator_with_fleet(accounts, drifting)))
    return series(generate_latest(registry))


async def test_a_fleet_that_is_all_wrong_stays_within_the_promised_number_of_series() -> None:
    assert len(await scraped(1000, 1000)) <= MOST_SERIES


async def test_what_is_right_costs_two_series_an_account() -> None:
    assert len(await scraped(200, 0)) - len(await scraped(100, 0)) <= 2 * 100


async def test_drift_is_right_in_sum_where_an_account_has_more_than_it_has_series_for() -> None:
    lines = await scraped(2, 1)
    drift = {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if "zerotouch_drift{" in line}
    assert len(drift) == 18
    assert sum(drift.values()) == 2 * 17 * len(REGION_KINDS)
    first = f'zerotouch_drift{{account="000000000000",kind="{min(k.name for k in REGION_KINDS)}",region="us-east-1"}}'
    assert drift[first] == 2
    assert drift['zerotouch_drift{account="000000000000",kind="other",region="other"}'] == 2 * (
        17 * len(REGION_KINDS) - 17
    )
    fights = [float(line.rpartition(" ")[2]) for line in lines if "zerotouch_fights{" in line]
    assert (len(fights), sum(fights)) == (3, 20)


async def test_an_account_that_two_objects_declare_has_each_series_once() -> None:
    operator = operator_with_fleet(2, 2)
    for record in list(operator.shared.index.accounts()):
        operator.shared.index.put(replace(record, key=account_key("other", record.key.name)))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(OperatorCollector(operator))
    lines = series(generate_latest(registry))
    names = [line.rpartition(" ")[0] for line in lines]
    assert sorted(names) == sorted(set(names))
    drift = [float(line.rpartition(" ")[2]) for line in lines if "zerotouch_drift{" in line]
    assert sum(drift) == 2 * 2 * 2 * 17 * len(REGION_KINDS)


async def test_coverage_counts_instances_by_stage_and_reason_and_names_what_lacks() -> None:
    lines = await scraped(3, 1)
    assert 'zerotouch_coverage_instances{stage="running"} 459.0' in lines
    assert 'zerotouch_coverage_instances{stage="covered"} 374.0' in lines
    assert 'zerotouch_coverage_gaps{reason="AgentOffline"} 17.0' in lines
    assert "zerotouch_coverage_unseen 0.0" in lines
    named = [line for line in lines if line.startswith("zerotouch_uncovered_instances")]
    assert named[0] == 'zerotouch_uncovered_instances{account="000000000000",region="us-east-1"} 5.0'
    assert len(named) == 3


async def test_deliveries_are_counted_and_only_what_fails_is_named() -> None:
    lines = [line for line in await scraped(3, 1) if "deliver" in line or "letters" in line]
    assert 'zerotouch_delivery_targets{delivering="True"} 34.0' in lines
    assert 'zerotouch_delivery_targets{delivering="False"} 17.0' in lines
    assert 'zerotouch_delivery_targets{delivering="Unknown"} 0.0' in lines
    assert "zerotouch_delivery_unseen 0.0" in lines
    assert 'zerotouch_dead_letters{account="000000000000"} 34.0' in lines
    (last,) = [line for line in lines if "last_success" in line]
    assert last.startswith('zerotouch_delivery_last_success_timestamp_seconds{name="production",namespace="security"}')
    assert float(last.split()[1]) == AT.timestamp()
    failing = [line for line in lines if line.startswith("zerotouch_delivery_failing")]
    assert (
        failing[0] == 'zerotouch_delivery_failing{account="000000000000",reason="DeadLetters",region="us-east-1"} 1.0'
    )
    assert len(failing) == 2


def drift(found: float, mended: float | None, occurred: float | None, by: DetectedBy) -> Drift:
    def at(seconds: float | None) -> datetime | None:
        return None if seconds is None else AT + timedelta(seconds=seconds)

    resource, difference = ResourceID("Rule", "us-east-1", "n"), Difference("state", "ENABLED", "DISABLED")
    return Drift(resource, difference, mended is not None, at(found), at(mended), by, at(occurred))


def sums(stats: Stats) -> dict[tuple[str, str], tuple[float, float]]:
    """(histogram, source) → (count, sum), where something was counted."""
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for name, histogram in (("detect", stats.detect_seconds), ("repair", stats.repair_seconds)):
        samples = [s for metric in histogram.collect() for s in metric.samples]
        for source in DetectedBy:
            mine = {s.name.rpartition("_")[2]: s.value for s in samples if s.labels.get("source") == source.value}
            if mine["count"]:
                found[name, source.value] = (mine["count"], mine["sum"])
    return found


def test_times_are_told_by_what_found_the_drift() -> None:
    stats = Stats()
    stats.drifted(Seen(drift(10, 12, 7, DetectedBy.EVENT), new=True))
    assert sums(stats) == {("detect", "event"): (1, 3), ("repair", "event"): (1, 2)}


def test_a_start_that_nobody_knows_is_left_out() -> None:
    stats = Stats()
    stats.drifted(Seen(drift(10, None, None, DetectedBy.POLL), new=True))
    assert sums(stats) == {}


def test_the_repair_of_what_was_told_before_counts_from_then_and_its_detection_once() -> None:
    stats = Stats()
    stats.drifted(Seen(drift(10, None, 4, DetectedBy.POLL), new=True))
    stats.drifted(Seen(drift(70, 75, 4, DetectedBy.POLL), new=False, since=AT + timedelta(seconds=10)))
    assert sums(stats) == {("detect", "poll"): (1, 6), ("repair", "poll"): (1, 65)}
    assert (stats.drift_seen["Rule", "changed"], stats.drift_mended["Rule", "changed"]) == (1, 1)


def test_the_repair_of_what_the_status_had_no_room_for_is_counted_without_a_time() -> None:
    stats = Stats()
    stats.drifted(Seen(drift(70, 75, 4, DetectedBy.POLL), new=False))
    assert sums(stats) == {}
    assert (stats.drift_seen["Rule", "changed"], stats.drift_mended["Rule", "changed"]) == (0, 1)


def test_a_clock_of_aws_that_is_ahead_gives_no_negative_time() -> None:
    stats = Stats()
    stats.drifted(Seen(drift(10, 11, 12, DetectedBy.EVENT), new=True))
    assert sums(stats)["detect", "event"] == (1, 0)

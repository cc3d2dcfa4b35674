"""See the package."""

import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.detection.bus import Bus
from bench.detection.fleet import Fleet
from bench.detection.measure import Results, at_once, by_event
from bench.detection.work import Task, accounts_for, in_turn, rounds, tasks, topologies
from sandbox.aws.admin import Admin
from sandbox.deployment import Deployment, Replica
from sandbox.gateway.admin import GatewayAdmin
from sandbox.processes import wait_until
from sandbox.state import Sandbox
from tests.e2e.tenant import Tenant
from tests.reconcile.drift.kinds import KINDS
from tests.reconcile.drift.model import KindDrift

_TEN_MINUTES = 600.0
_LONG_POLL = 12.0
_BY_POLL_ONLY = "changes to what tells the events that keep them from arriving"
_QUEUE = "apart, as SQS may read attributes back late; here it does so at once"
_QUEUE_LATE = "attributes are read back after 60 s, as late as SQS does, all queues changed at once; from the change"


def main(most: int | None) -> int:
    """Print one line of JSON, times in seconds; answers how many drifts were neither told nor found."""
    with tempfile.TemporaryDirectory() as directory, Sandbox(Path(directory) / "bench", _progress).up() as sandbox:
        deployment = Deployment(sandbox)
        deployment.install_crds()
        deployment.install()
        operator = _Operator(deployment)
        tenant = Tenant(sandbox, Admin(sandbox.aws_endpoint), GatewayAdmin(sandbox.gateway_url), 1)
        tenant.credentials()
        fleets = _fleets(tenant)
        _declare(fleets, {"events": {}}, "24h")
        operator.restart()
        told = _told(tenant, fleets, most)
        age = _mean(operator.replica, "zerotouch_drift_event_age_seconds")
        operator.restart()
        late = _told_late(tenant, fleets)
        operator.restart()
        found = _found(tenant, fleets, most)
    event = {"age_mean": age, **_report(told), "queue_late": {"why": _QUEUE_LATE, **_by_kind(late.seconds)}}
    lost = [*told.lost, *late.lost, *found.lost]
    print(json.dumps({"event": event, "poll_30s": _report(found), "lost": lost}))
    return len(lost)


class _Operator:
    """One that runs. For a while after its own writes to a queue it says nothing of it; a new one knows of none."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.replica = deployment.start()

    def restart(self) -> None:
        """Wait until it, and nobody else, reads the queue."""
        self.replica.process.stop()
        stopped = time.monotonic()
        replica = self.replica = self._deployment.start()
        wait_until(lambda: _series(replica, "zerotouch_drift_queue_reachable") == 1, _TEN_MINUTES)
        # The last poll of the one before would still get events, and keep them for half a minute.
        wait_until(lambda: time.monotonic() - stopped > _LONG_POLL, _TEN_MINUTES)


def _fleets(tenant: Tenant) -> list[tuple[Fleet, list[KindDrift]]]:
    fleets, first = [], 1
    for number, kinds in enumerate(topologies(), start=1):
        size = accounts_for(kinds)
        fleets.append((Fleet(tenant, f"fleet-{number}", kinds[0].spec, first, size), kinds))
        first += size
    return fleets


def _declare(fleets: list[tuple[Fleet, list[KindDrift]]], detection: dict[str, Any] | None, interval: str) -> None:
    for fleet, _ in fleets:
        fleet.apply(detection, interval)
    for fleet, _ in fleets:
        fleet.settle(detecting=detection is not None)
        _progress(f"{fleet.name}: {len(fleet.accounts)} accounts are right, interval {interval}, detection {detection}")


def _told(tenant: Tenant, fleets: list[tuple[Fleet, list[KindDrift]]], most: int | None) -> Results:
    work = in_turn([by_kind for fleet, kinds in fleets for by_kind in tasks(fleet, kinds)], most)
    # What may end the events comes last.
    return by_event(Bus(tenant.aws), sorted(work, key=lambda task: task.of_detection), _progress)


def _told_late(tenant: Tenant, fleets: list[tuple[Fleet, list[KindDrift]]]) -> Results:
    results = Results()
    every = [task for fleet, kinds in fleets for by_kind in tasks(fleet, kinds, turned=True) for task in by_kind]
    work = [task for task in every if task.of_queue]
    for task in work:
        tenant.aws.set_queue_times(task.place.id, late=60.0)
    at_once(list(rounds(work)), "event", results, _progress)
    for task in work:
        tenant.aws.set_queue_times(task.place.id)
    return results


def _found(tenant: Tenant, fleets: list[tuple[Fleet, list[KindDrift]]], most: int | None) -> Results:
    """First what stands only where events are asked for, then the rest without them: states are told without a trail."""
    results = Results()
    work = in_turn([by_kind for fleet, kinds in fleets for by_kind in tasks(fleet, kinds, turned=True)], most)
    for fleet, _ in fleets:
        for account in fleet.accounts:
            tenant.aws.set_trail(account, logging=False)
    for of_detection, detection in ((True, {"events": {}}), (False, None)):
        _declare(fleets, detection, "30s")
        part = rounds(task for task in work if task.of_detection == of_detection)
        at_once(list(part), "poll", results, _progress)
    return results


def _report(results: Results) -> dict[str, Any]:
    seconds = [(task, lasted) for task, lasted in results.seconds if not task.of_queue]
    queue = [(task, lasted) for task, lasted in results.seconds if task.of_queue]
    only = Counter(task.drift.name for task in results.by_poll_only)
    return {
        "total": _summary(lasted for _, lasted in seconds),
        "kinds": _by_kind(seconds),
        "queue": {"why": _QUEUE, **_by_kind(queue)},
        **({"by_poll_only": {"why": _BY_POLL_ONLY, **only}} if only else {}),
    }


def _by_kind(seconds: list[tuple[Task, float]]) -> dict[str, dict[str, float]]:
    found = {drift.name: [lasted for task, lasted in seconds if task.drift.name == drift.name] for drift in KINDS}
    return {name: _summary(times) for name, times in found.items() if times}


def _summary(seconds: Iterable[float]) -> dict[str, float]:
    times = sorted(seconds)
    if not times:
        return {"n": 0}
    centiles = statistics.quantiles(times, n=100, method="inclusive") if len(times) > 1 else times * 99
    p50, p95 = centiles[49], centiles[94]
    return {"n": len(times), "p50": round(p50, 2), "p95": round(p95, 2), "max": round(times[-1], 2)}


def _mean(operator: Replica, name: str) -> float:
    return round(_series(operator, f"{name}_sum") / max(1.0, _series(operator, f"{name}_count")), 2)


def _series(operator: Replica, name: str) -> float:
    """0 where there is none yet."""
    lines = [line.rpartition(" ") for line in operator.metrics().splitlines()]
    return sum(float(value) for series, _, value in lines if series == name)


def _progress(text: str) -> None:
    print(f"· {time.strftime('%H:%M:%S')} {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(min(1, main(int(sys.argv[1]) if len(sys.argv) > 1 else None)))

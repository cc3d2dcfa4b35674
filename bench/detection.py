"""`python -m bench.detection [DRIFTS]`: how long drift lasts when it is told by events, and when it is found at the interval.

By event: from the arrival of the event in the queue to the last write that mends it, one drift after the other. The age of
events is told apart; here it is that of an emulated trail without delay, while CloudTrail's own takes seconds to minutes. By
poll: from the change to that write, every account changed at once, at an interval of 30 s. Everything shares the machine.
"""

import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.aws.admin import Admin
from sandbox.deployment import Deployment
from sandbox.gateway.admin import GatewayAdmin
from sandbox.processes import wait_until
from sandbox.state import Sandbox
from tests.e2e.tenant import OBJECT, Tenant
from tests.reconcile.drift.kinds import KINDS
from tests.reconcile.drift.model import CONNECTOR, PREFIX, Break, KindDrift, Then
from zerotouch.resources.base import OptionalKind
from zerotouch.resources.dead_letter_queue import DeadLetterQueue

_ACCOUNTS = 24
_MINUTES = 60.0
_GIVE_UP = 60.0
_READS = ("Describe", "Get", "List", "Lookup", "Assume", "Receive")
# As many passes at once as an account is allowed: past it events wait on purpose.
_MOST_EACH = 8


@dataclass(frozen=True)
class Place:
    """What a break needs to know of an account."""

    id: str
    admin: Admin

    def client(self, service: str, region: str = "us-east-1") -> Any:
        return self.admin.client(service, self.id, region)


def main(number: int) -> None:
    """Print one line of JSON; times in seconds."""
    with tempfile.TemporaryDirectory() as directory, Sandbox(Path(directory) / "bench", _progress).up() as sandbox:
        deployment = Deployment(sandbox)
        deployment.install_crds()
        deployment.install()
        operator = deployment.start()
        tenant = Tenant(sandbox, Admin(sandbox.aws_endpoint), GatewayAdmin(sandbox.gateway_url), 1)
        with ThreadPoolExecutor(8) as pool:
            accounts = list(pool.map(tenant.account, range(1, _ACCOUNTS + 1)))
        places = [Place(account, tenant.aws) for account in accounts]
        tenant.credentials()
        _declare(tenant, accounts, {"events": {}}, "24h")
        tried = [_one(tenant, place, broken) for place, broken in _work(places, number)]
        by_event = [took for took in tried if took is not None]
        age = _mean(operator.metrics(), "zerotouch_drift_event_age_seconds")
        _declare(tenant, accounts, None, "30s")
        # Turned, because some changes can be made once in an account only.
        turned = places[7:] + places[:7]
        by_poll = [took for breaks in _rounds(number) for took in _round(tenant, turned, breaks)]
        told = {"drifts": number, "kinds": len(_measured()), "event_age_mean": age}
        print(json.dumps({**told, "event": _summary(by_event), "poll_30s": _summary(by_poll)}))


def _declare(tenant: Tenant, accounts: list[str], detection: dict[str, Any] | None, interval: str) -> None:
    more = {"detection": detection} if detection else {}
    tenant.apply(
        *accounts,
        regions={"names": ["us-east-1"]},
        connector=CONNECTOR,
        delivery={"deadLetterQueue": "Managed"},
        tags={"team": "secops"},
        interval=interval,
        server_side=True,
        **more,
    )
    wait_until(lambda: _looked_at(tenant) == len(accounts), 15 * _MINUTES)
    tenant.ready(timeout=15 * _MINUTES)
    if detection:
        wait_until(lambda: tenant.condition(tenant.object(), "Detecting").get("status") == "True", 2 * _MINUTES)


def _looked_at(tenant: Tenant) -> int:
    items = json.loads(tenant.kubectl("get", "qzta", "-o", "json"))["items"]
    return sum(i["metadata"]["generation"] == (i.get("status") or {}).get("observedGeneration") for i in items)


def _measured() -> list[KindDrift]:
    """Those that stand in every account here. What tells the events cannot tell of its own end, and a queue reads back late."""
    unfit = (OptionalKind, DeadLetterQueue)
    return [drift for drift in KINDS if not drift.spec and not isinstance(drift.kind, unfit)]


def _breaks() -> Iterator[Break]:
    """Kind by kind in turn; those that are mended, and do not stand in the way of the next."""
    # What holds the owner's mark, which is another one here than in the tests.
    unfit = {"exists", "description", "token", "duplicates"}
    usable = [[b for b in drift.breaks if b.then is Then.MENDED and b.field not in unfit] for drift in _measured()]
    for row in itertools.zip_longest(*usable):
        yield from (broken for broken in row if broken is not None)


def _work(places: list[Place], number: int) -> Iterator[tuple[Place, Break]]:
    if number > _MOST_EACH * len(places):
        raise SystemExit(f"at most {_MOST_EACH * len(places)} drifts")
    return zip(itertools.cycle(places), itertools.islice(itertools.cycle(_breaks()), number), strict=False)


def _rounds(number: int) -> list[list[Break]]:
    breaks = itertools.cycle(_breaks())
    return [list(itertools.islice(breaks, _ACCOUNTS)) for _ in range(-(-number // _ACCOUNTS))]


def _one(tenant: Tenant, place: Place, broken: Break) -> float | None:
    """None where no event told of it."""
    before = _recent(tenant, place.id)
    tenant.aws.forget_calls()
    broken.do(place)
    try:
        wait_until(lambda: _recent(tenant, place.id) != before, _GIVE_UP)
    except TimeoutError:
        _progress(f"not told: {place.id} {broken.field} {broken.how}")
        return None
    return _lasted(tenant, place.id)


def _round(tenant: Tenant, places: list[Place], breaks: list[Break]) -> list[float]:
    before = {place.id: _recent(tenant, place.id) for place in places}
    tenant.aws.forget_calls()
    for place, broken in zip(places, breaks, strict=True):
        broken.do(place)

    def changed() -> list[Place]:
        return [place for place in places if _recent(tenant, place.id) != before[place.id]]

    try:
        wait_until(lambda: len(changed()) == len(places), _GIVE_UP)
    except TimeoutError:
        _progress(f"not found: {[b.field for p, b in zip(places, breaks, strict=True) if p not in changed()]}")
    return [_lasted(tenant, place.id) for place in changed()]


def _lasted(tenant: Tenant, account: str) -> float:
    """From the first write, which is ours, to the last, which mends. The emulated trail puts an event into the queue at once."""
    writes = [c["at"] for c in tenant.aws.calls(account) if not c["operation"].startswith(_READS) and c["code"] == "OK"]
    return float(max(writes) - min(writes))


def _recent(tenant: Tenant, account: str) -> str:
    status = tenant.child(account, OBJECT)["status"]
    return json.dumps([status.get("recentDrifts"), status.get("repairs")])


def _mean(metrics: str, name: str) -> float:
    values = {line.split(" ")[0]: float(line.split(" ")[1]) for line in metrics.splitlines() if line.startswith(name)}
    return round(values[f"{name}_sum"] / max(1.0, values[f"{name}_count"]), 2)


def _summary(seconds: list[float]) -> dict[str, float]:
    centiles = statistics.quantiles(seconds, n=100)
    return {
        "n": len(seconds),
        "p50": round(centiles[49], 2),
        "p95": round(centiles[94], 2),
        "max": round(max(seconds), 2),
    }


def _progress(text: str) -> None:
    print(f"· {text} ({PREFIX}, {time.strftime('%H:%M:%S')})", file=sys.stderr)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 120)

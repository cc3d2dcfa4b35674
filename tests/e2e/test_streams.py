"""Instances that start all the time, while the way that their events take, or the token that they carry, is changed."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest

from sandbox.deployment import Replica
from tests.e2e.tenant import OBJECT, Tenant

EAST, WEST, OREGON = REGIONS = ("us-east-1", "eu-west-1", "us-west-2")
_PAUSE: Final = 0.4
_MOST: Final = 900
# How long before and after a write AWS may act on what it replaces; the emulator acts at once.
_AROUND: Final = 2.0


@dataclass(frozen=True)
class Start:
    """One instance. `at`: Unix time before it was started."""

    account: str
    region: str
    at: float


class Stream:
    """Starts more than two instances a second, in one account and region after the other."""

    def __init__(self, tenant: Tenant, accounts: list[str]) -> None:
        self._tenant, self._accounts = tenant, accounts
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.starts: dict[str, Start] = {}

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Ends with an instance started in every place after all that happened meanwhile."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()
        for account, region in itertools.product(self._accounts, REGIONS):
            self._start(account, region)

    def told(self) -> Counter[str]:
        """Instance → how often Qualys was told that it runs: by instance and state, since a forwarded event has another id."""
        mine = (e for e in self._tenant.qualys.events() if e["account"] in self._accounts and e["state"] == "running")
        return Counter(e["instance"] for e in mine)

    def all_arrive(self) -> None:
        self._tenant.wait(lambda: self.told().keys() >= self.starts.keys())

    def doubled(self) -> list[Start]:
        return [self.starts[instance] for instance, times in self.told().items() if times > 1]

    def _run(self) -> None:
        places = itertools.cycle(itertools.product(self._accounts, REGIONS))
        while not self._stop.wait(_PAUSE) and len(self.starts) < _MOST:
            self._start(*next(places))

    def _start(self, account: str, region: str) -> None:
        at = time.time()
        self.starts[self._tenant.aws.start_instance(account, region)] = Start(account, region, at)


def main(region: str) -> dict[str, Any]:
    return {"topology": "MainRegion", "mainRegion": region}


def led_over(tenant: Tenant, account: str, delivery: dict[str, Any]) -> None:
    """Change the live object, and wait until its account is as it says."""
    tenant.patch({"delivery": delivery})

    def done() -> bool:
        child = tenant.child(account)
        asked = child["spec"]["delivery"].get("mainRegion") == delivery["mainRegion"]
        seen = child["status"].get("observedGeneration") == child["metadata"]["generation"]
        return asked and seen and tenant.condition(child)["status"] == "True"

    tenant.wait(done)


def connected(tenant: Tenant, account: str) -> set[str]:
    return {r.split()[1] for r in tenant.held(account) if r.split()[0] in {"Connection", "ApiDestination"}}


def hand_overs(tenant: Tenant, account: str, since: float) -> list[tuple[str, float]]:
    calls = tenant.aws.calls(account)
    return [(c["region"], c["at"]) for c in calls if c["operation"] == "PutTargets" and c["at"] > since]


def test_no_event_is_lost_while_the_topology_of_the_live_object_is_changed_again_and_again(
    operator: Replica, tenant: Tenant
) -> None:
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account, regions={"names": list(REGIONS)}, interval="1h")
    tenant.ready()
    since = time.time()
    stream = Stream(tenant, [account])
    with stream.flowing():
        led_over(tenant, account, main(EAST))
        assert connected(tenant, account) == {EAST}
        led_over(tenant, account, main(WEST))
        assert connected(tenant, account) == {WEST}
        led_over(tenant, account, {"topology": "PerRegion", "mainRegion": None})
        assert connected(tenant, account) == set(REGIONS)
    stream.all_arrive()
    changes = hand_overs(tenant, account, since)
    # Each region's one target is changed once by each change that concerns it, and never removed.
    assert Counter(region for region, _ in changes) == {EAST: 2, WEST: 2, OREGON: 3}
    assert not [c for c in tenant.aws.calls(account) if c["operation"] == "RemoveTargets"]
    explained = [
        start
        for start in stream.doubled()
        if any(start.region == r and abs(start.at - at) < _AROUND for r, at in changes)
    ]
    assert stream.doubled() == explained
    print(f"{len(stream.starts)} starts, {len(stream.doubled())} told of twice")


@pytest.mark.parametrize(
    "delivery", [{}, pytest.param(main(EAST), marks=pytest.mark.slow)], ids=["per-region", "main-region"]
)
def test_no_event_is_lost_or_doubled_while_the_token_is_rotated(
    operator: Replica, tenant: Tenant, delivery: dict[str, Any]
) -> None:
    accounts = [tenant.account(number) for number in (1, 2)]
    tenant.credentials()
    tenant.apply(*accounts, regions={"names": list(REGIONS)}, interval="1h", delivery=delivery)
    tenant.ready()
    before = tenant.object()["status"]["token"]["fingerprint"]
    stream = Stream(tenant, accounts)
    with stream.flowing():
        tenant.annotate("qzt", OBJECT, "zerotouch.dev/rotateToken=leak")

        def rotated() -> bool:
            token = tenant.object()["status"]["token"]
            return token["fingerprint"] != before and "next" not in token

        tenant.wait(rotated, timeout=180)
    stream.all_arrive()
    assert stream.doubled() == []
    mine = [e for e in tenant.qualys.events() if e["instance"] in stream.starts]
    assert len({e["token"] for e in mine}) == 2
    last = {e["token"] for e in mine[-len(accounts) * len(REGIONS) :]}
    assert len(last) == 1

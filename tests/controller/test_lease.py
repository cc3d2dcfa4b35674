"""Leadership against an API server that is a dictionary: who leads, how long, and what happens in between."""

import copy
from typing import Any

import pytest

from zerotouch.controller import lease as module
from zerotouch.controller.kube import Body, KubeError, KubeUnavailable
from zerotouch.controller.lease import DURATION, Lease


class Server:
    """Holds one Lease, and refuses stale versions as the API server does."""

    def __init__(self) -> None:
        self.body: Body | None = None
        self.away = False
        self.lose_answer = False

    async def get(self, path: str, timeout: float) -> Body:
        self._answer()
        if self.body is None:
            raise KubeError(404, "not found")
        return copy.deepcopy(self.body)

    async def create(self, path: str, body: Body, timeout: float) -> Body:
        self._answer()
        if self.body is not None:
            raise KubeError(409, "exists")
        return self._store(body, 1)

    async def replace(self, path: str, body: Body, timeout: float) -> Body:
        self._answer()
        assert self.body is not None
        if body["metadata"]["resourceVersion"] != self.body["metadata"]["resourceVersion"]:
            raise KubeError(409, "changed")
        stored = self._store(body, int(body["metadata"]["resourceVersion"]) + 1)
        if self.lose_answer:
            self.lose_answer = False
            raise KubeUnavailable(0, "answer lost")
        return stored

    def _answer(self) -> None:
        if self.away:
            raise KubeUnavailable(0, "away")

    def _store(self, body: Body, version: int) -> Body:
        self.body = copy.deepcopy(body)
        self.body["metadata"]["resourceVersion"] = str(version)
        return copy.deepcopy(self.body)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time passes only where somebody sleeps."""
    clock = Clock()

    async def sleep(seconds: float) -> None:
        clock.now += seconds

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    return clock


def candidate(server: Any, clock: Clock, name: str) -> Lease:
    return Lease(server, "ns", "zerotouch", name, clock)


async def test_the_first_leads_at_once(clock: Clock) -> None:
    lease = candidate(Server(), clock, "a")
    assert await lease.acquire() is False
    assert lease.held
    assert lease.holds_for(DURATION - 0.1)
    assert not lease.holds_for(DURATION)


async def test_a_vanished_leader_is_succeeded_after_its_duration(clock: Clock) -> None:
    server = Server()
    first, second = candidate(server, clock, "a"), candidate(server, clock, "b")
    await first.acquire()
    began = clock.now
    assert await second.acquire() is True
    assert clock.now - began >= DURATION
    assert not first.held
    assert second.held


async def test_a_released_lease_is_taken_at_once(clock: Clock) -> None:
    server = Server()
    first, second = candidate(server, clock, "a"), candidate(server, clock, "b")
    await first.acquire()
    await first.release()
    assert not first.held
    began = clock.now
    assert await second.acquire() is False
    assert clock.now == began


async def test_a_leader_that_cannot_renew_stops_before_its_lease_ends(clock: Clock) -> None:
    server = Server()
    lease = candidate(server, clock, "a")
    await lease.acquire()
    server.away = True
    began = clock.now
    await lease.hold()
    assert clock.now - began < DURATION


async def test_a_leader_that_was_replaced_stops(clock: Clock) -> None:
    server = Server()
    lease = candidate(server, clock, "a")
    await lease.acquire()
    assert server.body is not None
    server.body["spec"]["holderIdentity"] = "b"
    server.body["metadata"]["resourceVersion"] = "77"
    await lease.hold()


async def test_a_renewal_whose_answer_was_lost_is_still_ours(clock: Clock) -> None:
    server = Server()
    lease = candidate(server, clock, "a")
    await lease.acquire()
    server.lose_answer = True
    with pytest.raises(KubeError):
        await lease._renew()
    assert await lease._renew()
    assert await lease._renew()


async def test_two_candidates_at_once_and_only_one_wins(clock: Clock) -> None:
    server = Server()
    first, second = candidate(server, clock, "a"), candidate(server, clock, "b")
    await first.acquire()
    await first.release()
    stale = await server.get("", 0)
    await first.acquire()

    async def get(path: str, timeout: float) -> Body:
        return copy.deepcopy(stale)

    server.get = get  # type: ignore[method-assign]
    assert await second._try() is None
    assert not second.held

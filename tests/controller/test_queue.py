"""Each key once, by priority, never twice at a time; time is a number that the test sets."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotouch.controller.objects import Key, account_key
from zerotouch.controller.queue import Backoff, Priority, WorkQueue

A, B, C = (account_key("n", name) for name in "abc")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def take(queue: WorkQueue) -> Key | None:
    """What `get` answers at once, None where it would wait."""
    try:
        return await asyncio.wait_for(queue.get(), 0.01)
    except TimeoutError:
        return None


async def test_once_however_often_it_was_added(clock: Clock) -> None:
    queue = WorkQueue(clock)
    for _ in range(3):
        queue.add(A)
    assert [await take(queue), await take(queue)] == [A, None]


async def test_priority_among_what_is_due(clock: Clock) -> None:
    queue = WorkQueue(clock)
    queue.add(A, Priority.ROUTINE)
    queue.add(B, Priority.NORMAL)
    queue.add(C, Priority.URGENT)
    assert [await take(queue) for _ in range(3)] == [C, B, A]


async def test_later_and_then_earlier(clock: Clock) -> None:
    queue = WorkQueue(clock)
    queue.add(A, delay=60)
    assert await take(queue) is None
    queue.add(A, delay=10)
    queue.add(A, delay=100)
    clock.now = 11
    assert [await take(queue), await take(queue)] == [A, None]


async def test_what_is_urgent_becomes_so_while_it_waits(clock: Clock) -> None:
    queue = WorkQueue(clock)
    queue.add(A, Priority.ROUTINE)
    queue.add(B, Priority.NORMAL)
    queue.add(A, Priority.URGENT)
    assert await take(queue) == A


async def test_never_two_passes_of_one_key_at_a_time(clock: Clock) -> None:
    queue = WorkQueue(clock)
    queue.add(A)
    assert await take(queue) == A
    queue.add(A)
    assert await take(queue) is None
    queue.done(A)
    assert await take(queue) == A


async def test_a_back_off_is_not_cut_short_by_ensuring(clock: Clock) -> None:
    queue = WorkQueue(clock)
    queue.add(A, delay=60)
    queue.ensure(A)
    queue.ensure(B)
    assert [await take(queue), await take(queue)] == [B, None]
    queue.ensure(B)
    queue.done(B)
    assert await take(queue) is None


async def test_forgotten(clock: Clock) -> None:
    queue = WorkQueue(clock)
    queue.add(A)
    queue.add(B, delay=5)
    queue.forget(A)
    queue.forget(B)
    clock.now = 6
    assert await take(queue) is None
    assert (len(queue), queue.due) == (0, 0)


async def test_a_waiting_worker_is_woken() -> None:
    queue = WorkQueue()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add(A, delay=0.05)
    queue.add(B)
    assert await asyncio.wait_for(waiting, 1) == B
    assert await asyncio.wait_for(queue.get(), 1) == A


@given(st.lists(st.tuples(st.sampled_from([A, B, C]), st.sampled_from(Priority), st.sampled_from([0.0, 1.0, 5.0]))))
def test_everything_comes_out_once_and_none_is_lost(added: list[tuple[Key, Priority, float]]) -> None:
    async def run() -> None:
        clock = Clock()
        queue = WorkQueue(clock)
        for key, priority, delay in added:
            queue.add(key, priority, delay)
        clock.now = 10.0
        wanted = {key for key, _, _ in added}
        assert {await asyncio.wait_for(queue.get(), 1) for _ in wanted} == wanted
        assert len(queue) == 0

    asyncio.run(run())


def test_back_off_grows_to_its_cap_and_starts_over() -> None:
    back_off = Backoff(2.0, 30.0)
    delays = [back_off.next(A) for _ in range(8)]
    for delay, ceiling in zip(delays, [2, 4, 8, 16, 30, 30, 30, 30], strict=True):
        assert ceiling / 2 <= delay <= ceiling
    assert back_off.next(B) <= 2
    back_off.reset(A)
    assert back_off.next(A) <= 2

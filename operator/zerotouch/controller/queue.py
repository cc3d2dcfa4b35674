"""The work queue: keys, each at most once, by due time and priority, and never two passes of one key at a time."""

import asyncio
import heapq
import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from zerotouch.controller.objects import Key


class Priority(IntEnum):
    """Among keys that are due, the lower goes first."""

    URGENT = 0
    NORMAL = 1
    ROUTINE = 2


@dataclass(frozen=True, order=True)
class _Entry:
    due: float
    priority: Priority


class WorkQueue:
    """For one event loop. `get` and `done` go in pairs."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._entries: dict[Key, _Entry] = {}
        self._running: set[Key] = set()
        self._later: list[tuple[float, int, Key]] = []
        self._ready: list[tuple[int, int, Key]] = []
        self._order = itertools.count()
        self._changed = asyncio.Event()

    def add(self, key: Key, priority: Priority = Priority.NORMAL, delay: float = 0.0) -> None:
        """Have the key worked on in `delay` seconds, or when it is due already if that is earlier."""
        wanted = _Entry(self._clock() + delay, priority)
        known = self._entries.get(key)
        if known is not None:
            wanted = _Entry(min(known.due, wanted.due), min(known.priority, wanted.priority))
            if wanted == known:
                return
        self._entries[key] = wanted
        if key not in self._running:
            self._schedule(key, wanted)

    def ensure(self, key: Key) -> None:
        """Have the key worked on, unless that is planned already: a back-off is not cut short."""
        if key not in self._entries and key not in self._running:
            self.add(key)

    def forget(self, key: Key) -> None:
        """Do not work on it any more; a pass that runs is not stopped."""
        self._entries.pop(key, None)

    async def get(self) -> Key:
        """The next key; waits until one is due."""
        while True:
            key, wait = self._next()
            if key is not None:
                return key
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), wait)
            except TimeoutError:
                continue

    def done(self, key: Key) -> None:
        """The pass has ended; what was added meanwhile is worked on when due."""
        self._running.discard(key)
        if key in self._entries:
            self._schedule(key, self._entries[key])

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def due(self) -> int:
        """How many keys wait although they are due."""
        now = self._clock()
        return sum(entry.due <= now and key not in self._running for key, entry in self._entries.items())

    def _schedule(self, key: Key, entry: _Entry) -> None:
        heapq.heappush(self._later, (entry.due, next(self._order), key))
        self._changed.set()

    def _next(self) -> tuple[Key | None, float | None]:
        now = self._clock()
        while self._later and self._later[0][0] <= now:
            _, order, key = heapq.heappop(self._later)
            entry = self._entries.get(key)
            if entry is not None and entry.due <= now and key not in self._running:
                heapq.heappush(self._ready, (entry.priority, order, key))
        while self._ready:
            key = heapq.heappop(self._ready)[2]
            if key in self._entries and key not in self._running and self._entries[key].due <= now:
                del self._entries[key]
                self._running.add(key)
                return key, None
        return None, (self._later[0][0] - now if self._later else None)


def grown(base: float, cap: float, failures: int) -> float:
    """The delay after so many failures, in seconds: doubled each time, up to the cap."""
    return min(cap, base * 2.0 ** min(failures - 1, 16))


class Backoff:
    """Growing delays per key, with jitter, in seconds."""

    def __init__(self, base: float, cap: float) -> None:
        self._base, self._cap = base, cap
        self._failures: dict[Key, int] = {}

    def next(self, key: Key) -> float:
        """The delay after one more failure."""
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        ceiling = grown(self._base, self._cap, failures)
        return random.uniform(ceiling / 2, ceiling)

    def reset(self, key: Key) -> None:
        """It went well."""
        self._failures.pop(key, None)

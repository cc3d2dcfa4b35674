"""Signals that wait for a pass, per account object: debounced, and no more passes than an account's allowance."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from zerotouch.aws.budget import Bucket
from zerotouch.controller.conditions import now
from zerotouch.controller.objects import Key
from zerotouch.controller.queue import Priority, WorkQueue
from zerotouch.plan.signal import Signal

# Seconds: events of one change come in a burst.
_DEBOUNCE: Final = 0.3
# So many passes at once, then one in so many seconds: whatever is in the queue cannot cause more.
_BURST: Final = 10.0
_EVERY: Final = 30.0
# Seconds until each try to find an author in CloudTrail's history, which may lag a quarter of an hour.
_SEARCH_AFTER: Final = (1.0, 60.0, 300.0, 900.0)
# So many of one region are kept, so that a burst in one does not hide what happens in another.
_MOST_OF_REGION: Final = 25
_MOST_WAITING: Final = 1000
# What is read back late in AWS is right by then.
_LATE: Final = 60.0

Scopes = Mapping[str, list[Signal]]
"""Scope → the signals that call for a look there."""


class Signals:
    """For one event loop. `queue`: account objects for which signals wait. `searches`: those of which an author is sought."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.queue, self.searches = WorkQueue(clock), WorkQueue(clock)
        self._clock = clock
        self._waiting: dict[Key, list[Signal]] = {}
        self._again: dict[Key, list[tuple[float, Scopes]]] = {}
        self._allowances: dict[Key, Bucket] = {}
        self._tried: dict[Key, int] = {}
        self._early: set[Key] = set()
        self._written: dict[tuple[Key, str], datetime] = {}

    def add(self, key: Key, signal: Signal) -> bool:
        """Have the account looked at soon. Of too many at once the first ones are kept; answers whether it was."""
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = self._waiting[key] = []
            self.queue.add(key, Priority.URGENT, _DEBOUNCE + self._allowance(key).reserve(self._clock()))
        of_region = sum(one.region == signal.region for one in waiting)
        if of_region >= _MOST_OF_REGION or len(waiting) >= _MOST_WAITING:
            return False
        waiting.append(signal)
        return True

    def take(self, key: Key) -> list[Signal]:
        """Those that wait, the oldest first."""
        return self._waiting.pop(key, [])

    def came_early(self, key: Key) -> None:
        """Signals came before the operator had seen the account's declaration: it is looked at once that was seen."""
        self._early.add(key)

    def take_early(self, key: Key) -> bool:
        """Whether some did."""
        early = key in self._early
        self._early.discard(key)
        return early

    def look_again(self, key: Key, scopes: Scopes) -> None:
        """Have these scopes looked at once more in a minute: a change there may be read back late."""
        waiting = self._again.setdefault(key, [])
        if len(waiting) < _MOST_WAITING:
            delay = _LATE + self._allowance(key).reserve(self._clock())
            waiting.append((self._clock() + delay, scopes))
            self.queue.add(key, Priority.ROUTINE, delay)

    def take_again(self, key: Key) -> Scopes:
        """Those to look at once more now."""
        now, waiting, due = self._clock(), self._again.pop(key, []), dict[str, list[Signal]]()
        for at, scopes in waiting:
            if at > now:
                self._again.setdefault(key, []).append((at, scopes))
                self.queue.add(key, Priority.ROUTINE, at - now)
                continue
            for scope, signals in scopes.items():
                due.setdefault(scope, []).extend(signals)
        return due

    def search(self, key: Key) -> None:
        """Have the author of a drift looked for, at once and a few times later."""
        self._tried[key] = 0
        self.search_again(key)

    def search_again(self, key: Key) -> bool:
        """Plan the next try; answers whether there is one."""
        tried = self._tried.get(key, 0)
        if tried >= len(_SEARCH_AFTER):
            self._tried.pop(key, None)
            return False
        self._tried[key] = tried + 1
        self.searches.add(key, Priority.ROUTINE, _SEARCH_AFTER[tried])
        return True

    def wrote(self, key: Key, scopes: Iterable[str]) -> None:
        """The operator has just written to these scopes: states of connections that follow are an echo."""
        at = now()
        self._written |= {(key, scope): at for scope in scopes}

    def written_at(self, key: Key, scope: str) -> datetime | None:
        """When it last did."""
        return self._written.get((key, scope))

    def forget(self, key: Key) -> None:
        """The account object is gone."""
        self.queue.forget(key)
        self.searches.forget(key)
        for remembered in (self._waiting, self._again, self._allowances, self._tried):
            remembered.pop(key, None)
        self._early.discard(key)
        for known in [k for k in self._written if k[0] == key]:
            del self._written[known]

    def _allowance(self, key: Key) -> Bucket:
        if key not in self._allowances:
            self._allowances[key] = Bucket(1 / _EVERY, _BURST, self._clock())
        return self._allowances[key]


def age(signal: Signal) -> float:
    """Seconds since it happened, as far as AWS's clock and ours agree."""
    return max(0.0, (datetime.now(UTC) - signal.at).total_seconds())

"""Which breaks are made where: all that are mended, spread so that no account is changed too often."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bench.detection.fleet import Fleet, Place
from tests.reconcile.drift.kinds import KINDS
from tests.reconcile.drift.model import Break, KindDrift, Then
from zerotouch.resources.dead_letter_queue import DeadLetterQueue
from zerotouch.resources.detection_role import DetectionRole
from zerotouch.resources.detection_rule import DetectionRule

# Past ten passes at once an account's events wait on purpose; a field that is changed again and again is left alone.
_MOST_EACH: Final = 6
_LEAST_ACCOUNTS: Final = 16


@dataclass(frozen=True)
class Task:
    """One break of one kind, to be made in that account."""

    fleet: Fleet
    place: Place
    drift: KindDrift
    broken: Break

    def __str__(self) -> str:
        return f"{self.drift.name} {self.broken.field} {self.broken.how} in {self.place.id}"

    @property
    def of_detection(self) -> bool:
        """Whether it breaks what tells the events."""
        return isinstance(self.drift.kind, (DetectionRole, DetectionRule))

    @property
    def of_queue(self) -> bool:
        """Whether it breaks the dead-letter queue, which is judged in a group of its own."""
        return isinstance(self.drift.kind, DeadLetterQueue)


def breaks(drift: KindDrift) -> list[Break]:
    """Those that are mended; a conflict is told and left alone."""
    return [broken for broken in drift.breaks if broken.then is Then.MENDED]


def topologies() -> list[list[KindDrift]]:
    """The kinds, by what they take to stand in an account."""
    found: dict[str, list[KindDrift]] = {}
    for drift in KINDS:
        found.setdefault(str(drift.spec), []).append(drift)
    return list(found.values())


def accounts_for(kinds: Iterable[KindDrift]) -> int:
    """How many accounts these kinds' breaks need."""
    return max(_LEAST_ACCOUNTS, -(-sum(len(breaks(drift)) for drift in kinds) // _MOST_EACH))


def tasks(fleet: Fleet, kinds: Iterable[KindDrift], turned: bool = False) -> list[list[Task]]:
    """By kind. `turned`: every break in another account than otherwise, half of them further on."""
    places: Sequence[Place] = fleet.places()
    turn = len(places) // 2 if turned else 0
    where = (places[(n + turn) % len(places)] for n in itertools.count())
    return [[Task(fleet, next(where), drift, broken) for broken in breaks(drift)] for drift in kinds]


def in_turn(by_kind: Iterable[list[Task]], most: int | None) -> list[Task]:
    """Kind by kind in turn, at most so many."""
    rows = itertools.zip_longest(*by_kind)
    return list(itertools.islice((task for row in rows for task in row if task is not None), most))


def rounds(work: Iterable[Task]) -> Iterator[list[Task]]:
    """In each at most one task of an account."""
    by_place: dict[str, list[Task]] = {}
    for task in work:
        by_place.setdefault(task.place.id, []).append(task)
    for row in itertools.zip_longest(*by_place.values()):
        yield [task for task in row if task is not None]

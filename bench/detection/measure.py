"""Making one change, or one in each account, and waiting until it is mended."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from bench.detection.bus import Bus
from bench.detection.fleet import Fleet, Mended
from bench.detection.work import Task
from sandbox.aws.admin import Admin
from sandbox.processes import wait_until

_GIVE_UP: Final = 90.0
_READS: Final = ("Describe", "Get", "List", "Lookup", "Assume", "Receive")

Progress = Callable[[str], None]


@dataclass
class Results:
    """Seconds by task; tasks that no event could tell of; what went wrong."""

    seconds: list[tuple[Task, float]] = field(default_factory=list)
    by_poll_only: list[Task] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def by_event(bus: Bus, work: list[Task], progress: Progress) -> Results:
    """One after the other. What no event tells is mended by a look that is asked for."""
    results = Results()
    for number, task in enumerate(work, start=1):
        _tell(bus, task, results)
        if number % 20 == 0 or number == len(work):
            progress(f"by event: {number} of {len(work)}{_lost(results)}")
    return results


def at_once(rounds: list[list[Task]], by: str, results: Results, progress: Progress) -> None:
    """All of a round at once; they must be found `by` event or poll."""
    for number, tasks in enumerate(rounds, start=1):
        _round(tasks, by, results)
        progress(f"by {by}, at once: round {number} of {len(rounds)}, {len(tasks)} drifts{_lost(results)}")


def _tell(bus: Bus, task: Task, results: Results) -> None:
    fleet, account, admin = task.fleet, task.place.id, task.place.admin
    before = fleet.mended(account)
    bus.empty()
    admin.forget_calls()
    task.broken.do(task.place)
    broken_at = time.time()
    arrived_at = bus.first(account)
    if arrived_at is None:
        fleet.look(account)
    # A second look, at what an event told of a queue a minute ago, may come before the one that is asked for.
    by = ("event", "poll") if arrived_at is None else ("event",)
    try:
        # Asking the emulator costs less than asking the API server.
        wait_until(lambda: _last_write(admin, account, broken_at) is not None, _GIVE_UP)
        wait_until(lambda: _news(task, before, fleet.mended(account), by), _GIVE_UP)
    except TimeoutError:
        results.lost.append(f"by {' or '.join(by)}: {task}")
        return
    last = _last_write(admin, account, broken_at)
    if arrived_at is None or last is None:
        results.by_poll_only.append(task)
        if not task.of_detection:
            results.lost.append(f"no event: {task}")
    else:
        results.seconds.append((task, last - arrived_at))


def _round(tasks: list[Task], by: str, results: Results) -> None:
    fleets: dict[str, Fleet] = {task.fleet.name: task.fleet for task in tasks}
    before = {account: mended for fleet in fleets.values() for account, mended in fleet.all_mended().items()}
    admin = tasks[0].place.admin
    admin.forget_calls()
    times: dict[str, tuple[float, float]] = {}
    for task in tasks:
        began = time.time()
        task.broken.do(task.place)
        times[task.place.id] = began, time.time()
    waiting = list(tasks)

    def all_mended() -> bool:
        now = {account: mended for fleet in fleets.values() for account, mended in fleet.all_mended().items()}
        waiting[:] = [t for t in waiting if not _news(t, before[t.place.id], now[t.place.id], (by,))]
        if waiting:
            time.sleep(1.0)
        return not waiting

    try:
        wait_until(all_mended, _GIVE_UP)
    except TimeoutError:
        results.lost += [f"{by}: {task}" for task in waiting]
    for task in tasks:
        began, broken_at = times[task.place.id]
        last = _last_write(admin, task.place.id, broken_at)
        if task not in waiting and last is not None:
            results.seconds.append((task, last - began))


def _lost(results: Results) -> str:
    return f", lost: {results.lost}" if results.lost else ""


def _news(task: Task, before: list[Mended], now: list[Mended], by: Collection[str]) -> bool:
    known = {mended.told for mended in before}
    return any(m.kind == task.drift.kind.name and m.by in by and m.told not in known for m in now)


def _last_write(admin: Admin, account: str, since: float) -> float | None:
    """When the operator last wrote there; what was written earlier was the break."""
    calls = [c for c in admin.calls(account) if not c["operation"].startswith(_READS) and c["code"] == "OK"]
    return max((float(c["at"]) for c in calls if c["at"] > since), default=None)

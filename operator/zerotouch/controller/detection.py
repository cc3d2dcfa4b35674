"""Drift by event: keeps the operator's event bus and queue right, reads the queue, and has what events name looked at.

Whatever comes by this way is a hint only: the look at the interval finds the same, later.
"""

import asyncio
import contextlib
import threading
from typing import Final

import structlog

from zerotouch.api.conditions import Reason
from zerotouch.aws.calls import Interrupted, Pass
from zerotouch.aws.errors import AWSError, Retry
from zerotouch.controller.queue import grown
from zerotouch.controller.shared import Shared
from zerotouch.plan.signal import parse_message
from zerotouch.reconcile.central import CentralEvents, Message
from zerotouch.reconcile.report import Problem
from zerotouch.resources.central import Central

_log = structlog.get_logger()
# Seconds between two looks at the bus and the queue, and between two looks whether the declared accounts have changed.
_EVERY: Final = 300.0
_CHANGES: Final = 2.0
_AFTER_PROBLEM: Final = 60.0
_AFTER_ERROR: Final = 5.0
# A queue's name cannot be used again at once, and somebody who turns events off may turn them on again.
_LINGER: Final = 600.0
_DISPATCH_SECONDS: Final = 60.0


class Detection:
    """For the leader only. Does nothing, and calls nothing, where the operator was given no bus."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._events = CentralEvents(shared.reconciler.home, Pass(shared.stop, shared.fence))
        # What is read; None where nothing is, or where the queue may not be ours.
        self._central: Central | None = None
        self._ours, self._again = False, threading.Event()
        self._plumbing: Problem | None = None
        self._reading: Problem | None = None
        self._mend = asyncio.Event()
        self._began, self._removed = shared.loop.time(), False
        self._used_at: float | None = None

    async def run(self) -> None:
        """Until cancelled."""
        bus = self._shared.settings.events_bus_arn
        if bus is None:
            await asyncio.Event().wait()
            return
        threading.Thread(target=self._receive, name="events", daemon=True).start()
        done: Central | None = None
        due = 0.0
        while True:
            wanted, now = self._wanted(bus), self._shared.loop.time()
            if wanted.accounts:
                self._used_at, self._removed = now, False
            if wanted != done or now >= due or self._mend.is_set():
                self._mend.clear()
                # What is wrong may need a person: it is tried again, but not at full speed.
                due = now + (_EVERY if await self._plumb(wanted, now) else _AFTER_PROBLEM)
                done = wanted
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._mend.wait(), _CHANGES)

    def _wanted(self, bus: str) -> Central:
        """Only accounts that were entered are admitted: one that does not exist might void the bus's policy for all."""
        settings, accounts = self._shared.settings, self._shared.index.accounts()
        there = (a for a in accounts if a.told_by_events and a.view.states and not a.trigger.deleting)
        told = sorted({a.account_id for a in there})
        return Central(bus, settings.owner_id, tuple(told), settings.events_organization if told else None)

    async def _plumb(self, central: Central, now: float) -> bool:
        """Make it right, or remove it where nobody has used it for a while; answers whether that went well."""
        make = self._events.reconcile
        if not central.accounts:
            if self._removed or (self._used_at is None and now - self._began < _LINGER):
                return True
            if self._used_at is None or now - self._used_at >= _LINGER:
                make = self._events.remove
        try:
            problem = await asyncio.to_thread(make, central)
        except Interrupted:
            return False
        except Exception as error:  # noqa: BLE001 - drift is found at the interval all the same
            _log.exception("cannot look after the event bus")
            problem = _problem(error)
        if problem is not None:
            _log.warning("drift is not told by events", problem=problem.message)
        self._removed = make == self._events.remove and problem is None
        self._plumbed(central, problem)
        return problem is None

    def _plumbed(self, central: Central, problem: Problem | None) -> None:
        """A queue that was seen to be ours is read on, whatever else is wrong: what is in it is told all the same."""
        if problem is None or problem.reason is Reason.CONFLICT:
            self._ours = problem is None and bool(central.accounts)
        self._central = central if central.accounts and self._ours else None
        self._plumbing = problem
        if self._central is None:
            self._reading = None
            self._shared.stats.detection.queue_reachable = False if central.accounts else None
        if problem is None:
            self._again.set()
        self._say(known=bool(central.accounts))

    def _say(self, known: bool) -> None:
        """Parents tell of it in a condition."""
        state = (self._plumbing or self._reading, known)
        if state != (self._shared.detection_problem, self._shared.detection_known):
            self._shared.detection_problem, self._shared.detection_known = state
            for record in list(self._shared.index.parents()):
                self._shared.parents.add(record.key)

    def _receive(self) -> None:
        """In a thread of its own, because it waits most of the time."""
        stop, loop, failures = self._shared.stop, self._shared.loop, 0
        while not stop.is_set():
            central = self._central
            if central is None:
                stop.wait(0.5)
                continue
            self._again.clear()
            try:
                messages = self._events.receive(central)
                loop.call_soon_threadsafe(self._read)
                if messages:
                    asyncio.run_coroutine_threadsafe(self._dispatch(messages), loop).result(_DISPATCH_SECONDS)
                    self._events.delete(central, messages)
                failures = 0
            except Interrupted:
                stop.wait(1.0)
            except Exception as error:  # noqa: BLE001 - the loop must go on, and tells what is wrong
                failures += 1
                loop.call_soon_threadsafe(self._unreadable, error)
                # Sooner where the queue has just been put right.
                self._again.wait(grown(_AFTER_ERROR, _AFTER_PROBLEM, failures))

    def _read(self) -> None:
        if self._central is not None:
            self._reading, self._shared.stats.detection.queue_reachable = None, True
            self._say(known=True)

    def _unreadable(self, error: Exception) -> None:
        stats = self._shared.stats.detection
        stats.queue_errors += 1
        if self._central is None:
            return
        if self._reading is None:
            _log.warning("cannot read the queue of events: changes are found at the interval", error=str(error))
            # Once: what stays wrong may need a person.
            self._mend.set()
        stats.queue_reachable, problem = False, _problem(error)
        # The same again differs in its request id only.
        if self._reading is None or self._reading.reason is not problem.reason:
            self._reading = problem
        self._say(known=True)

    async def _dispatch(self, messages: list[Message]) -> None:
        """Every message is handled by this: what it names is looked at, or it is none of ours."""
        stats, index = self._shared.stats.detection, self._shared.index
        for message in messages:
            signal = parse_message(message.body)
            if signal is None:
                stats.events["malformed"] += 1
                continue
            found = [a for a in index.accounts() if a.account_id == signal.account and a.told_by_events]
            if not found:
                stats.events["foreign"] += 1
            for account in found:
                if not self._shared.signals.add(account.key, signal):
                    stats.events["dropped"] += 1


def _problem(error: Exception) -> Problem:
    if isinstance(error, AWSError):
        return Problem(error.reason, str(error), error.retry)
    return Problem(Reason.INTERNAL_ERROR, f"internal error ({type(error).__name__})", Retry.PERSON)

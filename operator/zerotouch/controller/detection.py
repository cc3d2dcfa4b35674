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
        self._central: Central | None = None
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
        settings, accounts = self._shared.settings, self._shared.index.accounts()
        told = sorted({a.account_id for a in accounts if a.told_by_events and not a.trigger.deleting})
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
            problem = Problem(Reason.INTERNAL_ERROR, f"internal error ({type(error).__name__})", Retry.PERSON)
        if problem is not None:
            _log.warning("drift is not told by events", problem=problem.message)
        self._removed = make == self._events.remove and problem is None
        self._central = central if central.accounts and problem is None else None
        if not central.accounts:
            self._shared.stats.detection.queue_reachable = None
        self._say(problem, known=bool(central.accounts))
        return problem is None

    def _say(self, problem: Problem | None, known: bool) -> None:
        """Parents tell of it in a condition."""
        state = (problem, known)
        if state != (self._shared.detection_problem, self._shared.detection_known):
            self._shared.detection_problem, self._shared.detection_known = state
            for record in list(self._shared.index.parents()):
                self._shared.parents.add(record.key)

    def _receive(self) -> None:
        """In a thread of its own, because it waits most of the time."""
        stats, stop = self._shared.stats.detection, self._shared.stop
        while not stop.is_set():
            central = self._central
            if central is None:
                stop.wait(0.5)
                continue
            try:
                messages = self._events.receive(central)
                stats.queue_reachable = True
                if messages:
                    dispatch = asyncio.run_coroutine_threadsafe(self._dispatch(messages), self._shared.loop)
                    dispatch.result(_DISPATCH_SECONDS)
                    self._events.delete(central, messages)
            except Interrupted:
                stop.wait(1.0)
            except Exception as error:  # noqa: BLE001 - the loop must go on, and tells what is wrong
                self._unreachable(error)
                stop.wait(_AFTER_ERROR)

    def _unreachable(self, error: Exception) -> None:
        stats = self._shared.stats.detection
        stats.queue_errors += 1
        if stats.queue_reachable is not False:
            _log.warning("cannot read the queue of events: changes are found at the interval", error=str(error))
        stats.queue_reachable = False
        if isinstance(error, AWSError):
            problem = Problem(error.reason, str(error), error.retry)
            self._shared.loop.call_soon_threadsafe(self._lost, problem)

    def _lost(self, problem: Problem) -> None:
        self._say(problem, known=True)
        self._mend.set()

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
                self._shared.signals.add(account.key, signal)

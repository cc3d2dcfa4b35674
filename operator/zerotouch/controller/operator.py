"""The operator: what it is made of, how it starts, leads, and stops."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog

from zerotouch.api.meta import ACCOUNT_PLURAL, GROUP, VERSION, ZEROTOUCH_PLURAL
from zerotouch.aws.settings import AWSSettings
from zerotouch.controller.account import AccountHandler
from zerotouch.controller.detection import Detection
from zerotouch.controller.index import AccountRecord, Record, record_of
from zerotouch.controller.kube import KubeAPI, KubeError
from zerotouch.controller.lease import Lease
from zerotouch.controller.objects import Key, collection, key_of
from zerotouch.controller.outcome import Outcome
from zerotouch.controller.parent import ParentHandler
from zerotouch.controller.queue import Backoff, Priority, WorkQueue
from zerotouch.controller.settings import Settings
from zerotouch.controller.shared import Shared
from zerotouch.controller.signalled import SignalHandler
from zerotouch.controller.stats import Stats
from zerotouch.controller.watch import Watch
from zerotouch.reconcile.reconciler import Reconciler

_log = structlog.get_logger()
_LEASE: Final = "zerotouch"
_CRD_SECONDS: Final = 5.0
_KUBE_SECONDS: Final = 5.0
_PLURALS: Final = (ZEROTOUCH_PLURAL, ACCOUNT_PLURAL)
# A write is begun only while the lease holds for this long.
_FENCE_SECONDS: Final = 1.0
LOST_LEADERSHIP: Final = 3


class Operator:
    """One replica. `run` returns the process's exit status."""

    def __init__(self, kube: KubeAPI, settings: Settings, aws: AWSSettings | None = None) -> None:
        self._kube, self._settings, self._aws = kube, settings, aws or AWSSettings(settle=settings.settle)
        self._lease = Lease(kube, settings.namespace, _LEASE, settings.identity)
        self.shared = Shared(settings, kube, Reconciler(self._aws), self._fence, Stats())
        self._watch = Watch(self.shared.loop, self.observe)
        self._parents, self._accounts = ParentHandler(self.shared), AccountHandler(self.shared)
        self._signalled, self._detection = SignalHandler(self.shared, self._accounts), Detection(self.shared)
        self._last_parent_status: dict[Key, float] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._crashed = asyncio.Event()

    @property
    def leading(self) -> bool:
        """Whether this replica writes."""
        return self._lease.held

    @property
    def ready(self) -> bool:
        """Whether everything that exists has been seen."""
        return self.shared.index.complete and self._watch.ready.is_set()

    async def run(self) -> int:
        """Work until SIGTERM or SIGINT, or until it cannot go on."""
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            self.shared.loop.add_signal_handler(number, stopping.set)
        main = asyncio.create_task(self._start(), name="start")
        stop = asyncio.create_task(stopping.wait(), name="stop")
        ended = asyncio.create_task(self._watch.ended.wait(), name="watch ended")
        crashed = asyncio.create_task(self._crashed.wait(), name="crashed")
        await asyncio.wait({main, stop, ended, crashed}, return_when=asyncio.FIRST_COMPLETED)
        if main.done() and not main.cancelled() and (error := main.exception()) is not None:
            _log.error("the operator failed", exc_info=error)
        asked = stopping.is_set()
        _log.info("stopping", asked=asked)
        await self._shut_down([main, stop, ended, crashed])
        return 0 if asked else 1

    async def _start(self) -> None:
        await self._wait_for_crds()
        await self._seed()
        self._watch.start()
        taken_over = await self._lease.acquire()
        hold = asyncio.create_task(self._hold(), name="lease")
        self._tasks.append(hold)
        if taken_over:
            # A call that its vanished predecessor began may still be on its way.
            wait = self._aws.connect_timeout + self._aws.read_timeout
            _log.info("another leader vanished: waiting for its last calls to end", seconds=wait)
            await asyncio.sleep(wait)
        self._lead()
        await hold

    def _lead(self) -> None:
        shared, settings = self.shared, self._settings
        for record in shared.index.parents():
            shared.parents.add(record.key, Priority.URGENT)
        for account in shared.index.accounts():
            if account.trigger.deleting or shared.index.parent(account.parent) is None:
                shared.accounts.add(account.key, Priority.URGENT)
        back_off = Backoff(settings.retry_base, settings.retry_cap)
        hurry, late = (Backoff(settings.retry_base, settings.retry_cap) for _ in range(2))
        works: list[Awaitable[None]] = [
            *(self._work(shared.parents, self._parents.handle, back_off) for _ in range(settings.parents_at_once)),
            *(self._work(shared.accounts, self._accounts.handle, back_off) for _ in range(settings.accounts_at_once)),
            *(self._work(shared.signals.queue, self._signalled.handle, hurry) for _ in range(settings.signals_at_once)),
            *(
                self._work(shared.signals.searches, self._signalled.search, late)
                for _ in range(settings.searches_at_once)
            ),
            self._detection.run(),
            self._look_at_secrets(),
            self._sweep(),
        ]
        for work in works:
            task = asyncio.ensure_future(work)
            task.add_done_callback(self._task_ended)
            self._tasks.append(task)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        """None of them ends by itself: a half-dead operator would be worse than one that is started again."""
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a background task failed", exc_info=error)
            self._crashed.set()

    async def _hold(self) -> None:
        await self._lease.hold()
        _log.error("leadership was lost: ending at once")
        # Nothing may be finished: another replica may be writing in a moment.
        os._exit(LOST_LEADERSHIP)

    def _fence(self) -> bool:
        return self._lease.holds_for(_FENCE_SECONDS)

    async def _shut_down(self, extra: list[asyncio.Task[Any]]) -> None:
        """Passes end before their next call; then the lease is released."""
        self.shared.stop.set()
        workers = [task for task in self._tasks if task.get_name() != "lease"]
        for task in workers:
            task.cancel()
        await asyncio.to_thread(self.shared.threads.shutdown, wait=True, cancel_futures=True)
        for task in [*extra, *self._tasks]:
            task.cancel()
        await asyncio.gather(*extra, *self._tasks, return_exceptions=True)
        self.shared.reconciler.close()
        await self._lease.release()
        await self._watch.stop()

    async def _work(self, queue: WorkQueue, handle: Callable[[Key], Awaitable[Outcome]], back_off: Backoff) -> None:
        while True:
            key = await queue.get()
            try:
                outcome = await self._handled(key, handle)
                if outcome.failed:
                    queue.add(key, Priority.NORMAL, max(outcome.delay or 0.0, back_off.next(key)))
                else:
                    back_off.reset(key)
                    if outcome.delay is not None:
                        queue.add(key, Priority.ROUTINE, outcome.delay)
            finally:
                queue.done(key)

    async def _handled(self, key: Key, handle: Callable[[Key], Awaitable[Outcome]]) -> Outcome:
        try:
            outcome = await handle(key)
        except KubeError as error:
            log = _log.debug if error.conflict else _log.warning
            log("the API server refused", object=str(key), error=str(error))
            return Outcome(failed=True)
        except Exception:  # noqa: BLE001 - one object's bug must not stop the others
            _log.exception("a handler failed", object=str(key))
            return Outcome(failed=True)
        if key.is_parent:
            self._last_parent_status[key] = self.shared.loop.time()
        return outcome

    def observe(self, key: Key, record: Record | None) -> None:
        """What the watch saw."""
        shared = self.shared
        if record is None:
            before = shared.index.remove(key)
            if isinstance(before, AccountRecord):
                shared.accounts.forget(key)
                shared.signals.forget(key)
                shared.stats.last_pass.pop(before.account_id, None)
                shared.parents.add(before.parent)
            elif before is not None:
                shared.parents.add(key)
            return
        before = shared.index.put(record)
        if not isinstance(record, AccountRecord):
            if before is None or before.trigger != record.trigger:
                shared.parents.add(key, Priority.URGENT)
            return
        known = before if isinstance(before, AccountRecord) else None
        if known is None or (known.trigger, known.hash) != (record.trigger, record.hash):
            shared.accounts.add(key)
            if shared.expected.get(key) != record.hash:
                shared.parents.add(record.parent)
        if known is None or known.view != record.view:
            self._refresh(record.parent)

    def _refresh(self, parent: Key) -> None:
        """Have the parent's status follow: at once when all has become right, else not more often than its least interval."""
        known = self.shared.index.parent(parent)
        done = known is not None and not known.ready and self.shared.index.all_ready(parent)
        last = self._last_parent_status.get(parent, 0.0)
        wait = last + self._settings.parent_status_every - self.shared.loop.time()
        self.shared.parents.add(parent, Priority.ROUTINE, 0.0 if done else max(0.0, wait))

    async def _wait_for_crds(self) -> None:
        while True:
            try:
                served = await self._kube.get(f"/apis/{GROUP}/{VERSION}")
                missing = set(_PLURALS) - {resource["name"] for resource in served["resources"]}
                if not missing:
                    return
                text = f"not served: {', '.join(sorted(missing))}"
            except KubeError as error:
                text = "not installed" if error.not_found else str(error)
            _log.warning("waiting for the CRDs: kubectl apply -k deploy/crds", problem=text)
            await asyncio.sleep(_CRD_SECONDS)

    async def _seed(self) -> None:
        while True:
            try:
                for plural in _PLURALS:
                    async for body in self._kube.list(collection(plural)):
                        record = record_of(plural, body)
                        if isinstance(record, Key):
                            _log.error("an object cannot be read: was its CRD changed?", object=str(record))
                        else:
                            self.shared.index.put(record)
            except KubeError as error:
                _log.warning("cannot list the objects yet", error=str(error))
                await asyncio.sleep(_KUBE_SECONDS)
            else:
                self.shared.index.complete = True
                return

    async def _look_at_secrets(self) -> None:
        while True:
            await asyncio.sleep(self._settings.secrets_every)
            for parent in await self.shared.secrets.changed():
                self.shared.parents.add(parent, Priority.URGENT)

    async def _sweep(self) -> None:
        """After a broken watch Kopf tells nothing of what vanished meanwhile."""
        while True:
            await asyncio.sleep(self._settings.sweep_every)
            try:
                for plural in _PLURALS:
                    known = self.shared.index.keys(plural)
                    bodies = self._kube.list(collection(plural), metadata_only=True)
                    there = {key_of(plural, body) async for body in bodies}
                    for key in known - there:
                        self.observe(key, None)
            except KubeError as error:
                _log.warning("cannot list the objects", error=str(error))

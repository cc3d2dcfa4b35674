"""Kopf watches both kinds, in a thread and an event loop of its own, and hands on slim records. It decides nothing.

Only `on.event` is used, and Kopf's own finalizer has a name that nobody uses: with handlers of other sorts Kopf would
store each spec in an annotation (2,000 accounts do not fit) and keep a task for every object.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

import kopf
import structlog

from zerotouch.api.meta import ACCOUNT_PLURAL, DOMAIN, GROUP, VERSION, ZEROTOUCH_PLURAL
from zerotouch.controller.index import Record, record_of
from zerotouch.controller.objects import Key, key_of

_log = structlog.get_logger()
_LONGEST_BACKOFF: Final = 10.0
_STOP_SECONDS: Final = 15.0

Observer = Callable[[Key, Record | None], None]


class EndlessBackoff:
    """Seconds between tries while the API server is away; Kopf ends the process when a sequence is used up."""

    def __iter__(self) -> Iterator[float]:
        delay = 0.5
        while True:
            yield delay
            delay = min(_LONGEST_BACKOFF, delay * 2)


class Watch:
    """`observe(key, record)` is called in `loop`; the record is None where the object is gone."""

    def __init__(self, loop: asyncio.AbstractEventLoop, observe: Observer) -> None:
        self._loop, self._observe = loop, observe
        self._stop, self.ready = threading.Event(), threading.Event()
        self.ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    async def stop(self) -> None:
        """Ask it to end, and wait a while for that."""
        self._stop.set()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join, _STOP_SECONDS)

    def _run(self) -> None:
        try:
            asyncio.run(
                kopf.operator(
                    registry=self._registry(),
                    settings=_settings(),
                    clusterwide=True,
                    standalone=True,
                    stop_flag=self._stop,
                    ready_flag=self.ready,
                )
            )
        except Exception:  # noqa: BLE001 - whatever it was, the operator ends and says why
            _log.exception("the watch failed")
        finally:
            self._loop.call_soon_threadsafe(self.ended.set)

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(_login)
        for plural in (ZEROTOUCH_PLURAL, ACCOUNT_PLURAL):
            kopf.on.event(GROUP, VERSION, plural, id=plural, registry=registry)(self._handler(plural))
        return registry

    def _handler(self, plural: str) -> Any:
        async def on_event(event: kopf.RawEvent, **_: Any) -> None:
            body = event["object"]
            record = None if event["type"] == "DELETED" else record_of(plural, body)
            if isinstance(record, Key):
                _log.error("an object cannot be read: was its CRD changed?", object=str(record))
                return
            self._loop.call_soon_threadsafe(self._observe, key_of(plural, body), record)

        return on_event


def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.persistence.finalizer = f"{DOMAIN}/unused"
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.networking.error_backoffs = EndlessBackoff()
    settings.process.ultimate_exiting_timeout = None
    return settings

"""Kubernetes events with deterministic names, so that a repeated one is counted and not made again.

An event is named by its object, type, reason, and by `about`: what it speaks of, without values that change.
"""

import hashlib
from datetime import UTC, datetime
from typing import Any, Final, Literal

import structlog

from zerotouch.api.meta import API_VERSION
from zerotouch.controller.kube import KubeAPI, KubeError
from zerotouch.controller.objects import Key
from zerotouch.plan.render import cut

_log = structlog.get_logger()
_MOST_CHARACTERS: Final = 1024
_COMPONENT: Final = "zerotouch"


class EventRecorder:
    """Events are told best-effort: one that cannot be written (a namespace that is being deleted) is logged only."""

    def __init__(self, kube: KubeAPI) -> None:
        self._kube = kube

    async def normal(self, key: Key, uid: str, reason: str, message: str, about: str = "") -> None:
        await self._tell(key, uid, "Normal", reason, message, about)

    async def warning(self, key: Key, uid: str, reason: str, message: str, about: str = "") -> None:
        await self._tell(key, uid, "Warning", reason, message, about)

    async def _tell(
        self, key: Key, uid: str, kind: Literal["Normal", "Warning"], reason: str, message: str, about: str
    ) -> None:
        text = cut(message, _MOST_CHARACTERS)
        _log.info("event", object=str(key), type=kind, reason=reason, message=text)
        try:
            await self._write(key, uid, kind, reason, text, about)
        except KubeError as error:
            _log.warning("cannot write an event", object=str(key), reason=reason, error=str(error))

    async def _write(self, key: Key, uid: str, kind: str, reason: str, message: str, about: str) -> None:
        events = f"/api/v1/namespaces/{key.namespace}/events"
        digest = hashlib.sha256(f"{uid}/{kind}/{reason}/{about}".encode()).hexdigest()[:16]
        name, now = f"{key.name}.{digest}", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        known = await self._kube.find(f"{events}/{name}")
        if known is None:
            await self._kube.create(events, _event(key, uid, kind, reason, message, name, now))
        else:
            patch = {"count": known.get("count", 1) + 1, "lastTimestamp": now, "message": message}
            await self._kube.merge(f"{events}/{name}", patch)


def _event(key: Key, uid: str, kind: str, reason: str, message: str, name: str, now: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": key.namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": key.kind,
            "namespace": key.namespace,
            "name": key.name,
            "uid": uid,
        },
        "type": kind,
        "reason": reason,
        "message": message,
        "count": 1,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "source": {"component": _COMPONENT},
        "reportingComponent": _COMPONENT,
    }

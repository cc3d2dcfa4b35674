"""Leadership by a `coordination.k8s.io/v1` Lease.

The Python client's leader election is not used: a refused connection ends its loop while the leader works on, it
compares wall clocks of different machines, its requests have no timeout and it does not release.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from zerotouch.controller.kube import Body, KubeAPI, KubeError

_log = structlog.get_logger()

DURATION: Final = 15.0
RENEW_DEADLINE: Final = 10.0
RETRY: Final = 2.0
_CALL_TIMEOUT: Final = 5.0


def boot_time() -> float:
    """Seconds since the machine started, suspension included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lease:
    """One candidate. `acquire`, then `hold` until it is lost or cancelled, then `release`."""

    def __init__(
        self,
        kube: KubeAPI,
        namespace: str,
        name: str,
        identity: str,
        clock: Callable[[], float] = boot_time,
    ) -> None:
        self._kube, self._identity, self._clock = kube, identity, clock
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._path, self._name = f"{self._collection}/{name}", name
        self._seen: tuple[Any, float] = (None, 0.0)
        self._valid_until = 0.0
        self._body: Body | None = None

    @property
    def held(self) -> bool:
        """Whether we lead now. Thread-safe: it reads one number."""
        return self._clock() < self._valid_until

    def holds_for(self, seconds: float) -> bool:
        """Whether we still lead after that many seconds, whatever happens. Thread-safe."""
        return self._clock() + seconds < self._valid_until

    async def acquire(self) -> bool:
        """Wait until we lead; answers whether another leader vanished without releasing."""
        while True:
            try:
                taken_over = await self._try()
            except KubeError as error:
                _log.warning("cannot ask for leadership", error=str(error))
            else:
                if taken_over is not None:
                    _log.info("leading", identity=self._identity)
                    return taken_over
            await asyncio.sleep(RETRY)

    async def hold(self) -> None:
        """Renew until leadership is lost; returns then."""
        while self._clock() < self._valid_until - (DURATION - RENEW_DEADLINE):
            await asyncio.sleep(RETRY)
            try:
                if not await self._renew():
                    return
            except KubeError as error:
                _log.warning("cannot renew leadership", error=str(error))

    async def release(self) -> None:
        """Let another candidate lead at once."""
        if self._body is None or not self.held:
            return
        self._valid_until = 0.0
        self._body["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
        try:
            await self._kube.replace(self._path, self._body, _CALL_TIMEOUT)
        except KubeError as error:
            _log.warning("cannot release leadership", error=str(error))

    async def _try(self) -> bool | None:
        """None where another leads."""
        try:
            body = await self._kube.get(self._path, _CALL_TIMEOUT)
        except KubeError as error:
            if not error.not_found:
                raise
            return await self._create()
        spec = body.get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        if holder and not self._expired(body, spec):
            return None
        started = self._clock()
        taken = {**body, "spec": {**spec, **self._spec(spec.get("leaseTransitions", 0) + 1)}}
        try:
            self._won(await self._kube.replace(self._path, taken, _CALL_TIMEOUT), started)
        except KubeError as error:
            if error.conflict:
                return None
            raise
        return bool(holder)

    def _expired(self, body: Body, spec: dict[str, Any]) -> bool:
        """Whether it has not changed for its duration, by our own clock alone."""
        version, now = body["metadata"]["resourceVersion"], self._clock()
        if self._seen[0] != version:
            self._seen = (version, now)
        return now - self._seen[1] > float(spec.get("leaseDurationSeconds") or DURATION)

    async def _create(self) -> bool | None:
        started = self._clock()
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name},
            "spec": self._spec(0),
        }
        try:
            self._won(await self._kube.create(self._collection, body, _CALL_TIMEOUT), started)
        except KubeError as error:
            if error.conflict:
                return None
            raise
        return False

    async def _renew(self) -> bool:
        assert self._body is not None
        started = self._clock()
        self._body["spec"]["renewTime"] = _now()
        try:
            self._won(await self._kube.replace(self._path, self._body, _CALL_TIMEOUT), started)
        except KubeError as error:
            if not error.conflict:
                raise
            # A renewal whose answer was lost conflicts as well: it is ours still if it names us.
            current = await self._kube.get(self._path, _CALL_TIMEOUT)
            if (current.get("spec") or {}).get("holderIdentity") != self._identity:
                return False
            self._body = current
        return True

    def _won(self, body: Body, started: float) -> None:
        self._body, self._valid_until = body, started + DURATION

    def _spec(self, transitions: int) -> dict[str, Any]:
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(DURATION),
            "acquireTime": _now(),
            "renewTime": _now(),
            "leaseTransitions": transitions,
        }


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

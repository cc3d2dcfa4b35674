"""Writes to objects of ours: status and finalizer, diffed first, bounded in rate, and never over somebody else's change."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

from zerotouch.api.conditions import ObjectStatus
from zerotouch.api.meta import FINALIZER
from zerotouch.controller.conditions import in_order
from zerotouch.controller.kube import Body, KubeAPI
from zerotouch.controller.merge import merge_patch
from zerotouch.controller.objects import Account, Key, Meta, Parent, dump

_WRITES_A_SECOND: Final = 20.0


class Writer:
    """All methods raise KubeError; `conflict` where the object has changed since it was read: read it again."""

    def __init__(self, kube: KubeAPI) -> None:
        self._kube = kube
        self._next = 0.0

    async def status(self, live: Account | Parent, wanted: ObjectStatus) -> Body | None:
        """Make it the object's status; None where it is already."""
        ordered = wanted.model_copy(update={"conditions": in_order(wanted.conditions)})
        patch = merge_patch(live.body.get("status") or {}, dump(ordered))
        if not patch:
            return None
        await self._pace()
        version = {"resourceVersion": live.meta.resource_version}
        return await self._kube.merge(f"{live.key.path}/status", {"metadata": version, "status": patch})

    async def protect(self, key: Key, meta: Meta) -> Body:
        """Add our finalizer."""
        return await self._finalizers(key, meta, [*meta.finalizers, FINALIZER])

    async def release(self, key: Key, meta: Meta) -> None:
        """Drop our finalizer: the object may go."""
        await self._finalizers(key, meta, [f for f in meta.finalizers if f != FINALIZER])

    async def spec(self, live: Account, wanted: Mapping[str, Any]) -> None:
        """Make it the account object's spec."""
        patch = merge_patch(live.body["spec"], wanted)
        if patch:
            version = {"resourceVersion": live.meta.resource_version}
            await self._kube.merge(live.key.path, {"metadata": version, "spec": patch})

    async def _finalizers(self, key: Key, meta: Meta, wanted: list[str]) -> Body:
        patch = {"metadata": {"finalizers": wanted, "resourceVersion": meta.resource_version}}
        return await self._kube.merge(key.path, patch)

    async def _pace(self) -> None:
        now = time.monotonic()
        self._next = max(self._next, now) + 1.0 / _WRITES_A_SECOND
        if (wait := self._next - now - 1.0 / _WRITES_A_SECOND) > 0:
            await asyncio.sleep(wait)

"""Secrets that objects refer to: read by name, and looked at every few seconds for changes.

There is no watch: it would need the right to list every Secret of a namespace or of the cluster.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from zerotouch.controller.kube import KubeAPI, KubeError
from zerotouch.controller.objects import Key, secret_path

_log = structlog.get_logger()


class SecretForbidden(Exception):
    """The operator may not read or write that Secret; its argument is the name."""


class Secret:
    """A Secret's data; hides its values from repr."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._data: Mapping[str, str] = body.get("data") or {}
        self.meta: Mapping[str, Any] = body["metadata"]

    def get(self, key: str) -> bytes | None:
        """The value, None where there is no such key."""
        encoded = self._data.get(key)
        try:
            return None if encoded is None else base64.b64decode(encoded, validate=True)
        except binascii.Error:
            return b""

    def __repr__(self) -> str:
        return f"Secret({self.meta.get('namespace')}/{self.meta.get('name')})"


class SecretWatch:
    """Which object has read which version of which Secret."""

    def __init__(self, kube: KubeAPI) -> None:
        self._kube = kube
        self._seen: dict[Key, dict[tuple[str, str], str | None]] = {}

    async def read(self, reader: Key, name: str) -> Secret | None:
        """The Secret of the reader's namespace, None where there is none. Raises SecretForbidden, KubeError."""
        where = (reader.namespace, name)
        try:
            body = await self._kube.find(secret_path(*where))
        except KubeError as error:
            if error.forbidden:
                raise SecretForbidden(name) from None
            raise
        self._seen.setdefault(reader, {})[where] = _version(body)
        return None if body is None else Secret(body)

    def start(self, reader: Key) -> None:
        """The reader is about to read all its Secrets afresh."""
        self._seen[reader] = {}

    def wrote(self, reader: Key, body: Mapping[str, Any]) -> None:
        """The reader has itself written this version."""
        meta = body["metadata"]
        self._seen.setdefault(reader, {})[meta["namespace"], meta["name"]] = _version(body)

    def forget(self, reader: Key) -> None:
        self._seen.pop(reader, None)

    async def changed(self) -> Iterable[Key]:
        """Look at each Secret once; answers the readers of those that are not as they were."""
        places = {where for seen in self._seen.values() for where in seen}
        stale: set[tuple[tuple[str, str], str | None]] = set()
        for where in sorted(places):
            try:
                version = _version(await self._kube.find(secret_path(*where)))
            except KubeError as error:
                _log.warning("cannot look at a Secret", namespace=where[0], name=where[1], error=str(error))
                continue
            stale |= {(where, known) for seen in self._seen.values() if (known := seen.get(where, version)) != version}
        return [
            reader
            for reader, seen in self._seen.items()
            if any((where, version) in stale for where, version in seen.items())
        ]


def _version(body: Mapping[str, Any] | None) -> str | None:
    return None if body is None else str(body["metadata"]["resourceVersion"])

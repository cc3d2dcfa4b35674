"""The Kubernetes API: plain JSON objects, bounded times, few errors."""

import json
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Any, Final

import aiohttp
from kubernetes.aio.client import ApiClient, ApiException, Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

_TIMEOUT: Final = 15.0
_PAGE: Final = 100
_MERGE: Final = "application/merge-patch+json"
_JSON: Final = "application/json"
_METADATA_ONLY: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

Body = dict[str, Any]


class KubeError(Exception):
    """The API server refused. `status` is the HTTP status; the message is the server's own."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(f"{status}: {message}")

    @property
    def not_found(self) -> bool:
        return self.status == HTTPStatus.NOT_FOUND

    @property
    def conflict(self) -> bool:
        """Somebody else wrote first, or it exists already."""
        return self.status == HTTPStatus.CONFLICT

    @property
    def forbidden(self) -> bool:
        return self.status == HTTPStatus.FORBIDDEN


class KubeUnavailable(KubeError):
    """No answer, or 5xx or 429: waiting helps."""


class KubeAPI:
    """One connection pool to the API server. Make it with `connect`."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    @classmethod
    async def connect(cls) -> "KubeAPI":
        """In a pod by its ServiceAccount, elsewhere by kubeconfig. Raises ConfigException where there is neither."""
        configuration = Configuration()
        try:
            load_incluster_config(configuration)
        except ConfigException:
            await load_kube_config(client_configuration=configuration)
        return cls(ApiClient(configuration))

    async def close(self) -> None:
        await self._client.close()

    async def get(self, path: str, timeout: float = _TIMEOUT) -> Body:
        """One object. Raises KubeError."""
        return await self._request("GET", path, timeout=timeout)

    async def find(self, path: str) -> Body | None:
        """One object, None where there is none. Raises KubeError."""
        try:
            return await self.get(path)
        except KubeError as error:
            if error.not_found:
                return None
            raise

    async def create(self, path: str, body: Body, timeout: float = _TIMEOUT) -> Body:
        """POST to a collection. Raises KubeError."""
        return await self._request("POST", path, body=body, timeout=timeout)

    async def replace(self, path: str, body: Body, timeout: float = _TIMEOUT) -> Body:
        """PUT; with metadata.resourceVersion in it, refused where somebody else wrote first. Raises KubeError."""
        return await self._request("PUT", path, body=body, timeout=timeout)

    async def merge(self, path: str, patch: Body) -> Body:
        """Merge patch. Raises KubeError."""
        return await self._request("PATCH", path, body=patch, content=_MERGE)

    async def delete(self, path: str, uid: str) -> None:
        """Delete that very object; nothing happens where it is gone. Raises KubeError."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        try:
            await self._request("DELETE", path, body=options)
        except KubeError as error:
            if not (error.not_found or error.conflict):
                raise

    async def list(self, path: str, metadata_only: bool = False, selector: str = "") -> AsyncIterator[Body]:
        """All objects of a collection that carry the labels, page by page. Raises KubeError."""
        more = ""
        while True:
            query = {"limit": str(_PAGE), "labelSelector": selector, "continue": more}
            answer = await self._request("GET", path, query=query, accept=_METADATA_ONLY if metadata_only else _JSON)
            # An empty list of metadata alone comes as null.
            for item in answer.get("items") or ():
                yield item
            more = answer.get("metadata", {}).get("continue") or ""
            if not more:
                return

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
        content: str = _JSON,
        accept: str = _JSON,
        timeout: float = _TIMEOUT,
    ) -> Body:
        headers = {"Accept": accept, "Content-Type": content}
        try:
            serialized = await self._client.param_serialize(
                method,
                path,
                query_params=[(name, value) for name, value in (query or {}).items() if value],
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
            )
            response = await self._client.call_api(*serialized, _request_timeout=timeout)
            data = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError, ApiException) as error:
            raise KubeUnavailable(0, f"{method} {path}: {type(error).__name__}: {error}") from None
        return _answer(response.status, data, f"{method} {path}")


def _answer(status: int, data: bytes, what: str) -> Body:
    try:
        decoded = json.loads(data)
    except ValueError:
        decoded = {}
    if status < 300 and isinstance(decoded, dict):
        return decoded
    message = decoded.get("message") if isinstance(decoded, dict) else None
    error = KubeUnavailable if status >= 500 or status == 429 else KubeError
    raise error(status, f"{what}: {message or 'no message'}")

"""The gateway seen from tests and the demo."""

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any


class GatewayAdmin:
    """Talks to `/_zerotouch/` of a running gateway."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def events(self) -> list[dict[str, Any]]:
        """Accepted events: account, region, instance, state, token (fingerprint), api_key, at."""
        events: list[dict[str, Any]] = self._state()["events"]
        return events

    def requests(self) -> list[dict[str, Any]]:
        """Every request to a documented path: path, status, at."""
        requests: list[dict[str, Any]] = self._state()["requests"]
        return requests

    def wait_for_event(self, wanted: Callable[[dict[str, Any]], bool], timeout: float = 30.0) -> dict[str, Any]:
        """The first event that is wanted. Raises TimeoutError."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for event in self.events():
                if wanted(event):
                    return event
            time.sleep(0.1)
        raise TimeoutError(f"no such event within {timeout} s; there were {self.events()[-5:]}")

    def mint_count(self) -> int:
        """How often a subscription token was asked for."""
        return int(self._state()["minted"])

    def mint(self, expiry: float | None = 500_000, padding: int = 0) -> str:
        """A token made by hand."""
        return str(self._post("mint", expiry=expiry, padding=padding)["token"])

    def revoke(self, fingerprint: str) -> None:
        """From now on answer 401 to this token."""
        self._post("revoke", fingerprint=fingerprint)

    def add_fault(self, path: str, kind: str, count: int = 1, seconds: float = 1.0) -> None:
        """The next `count` requests to the path fail in this way (see `app._faulty`)."""
        self._post("fault", path=path, kind=kind, count=count, seconds=seconds)

    def answer_shape(self, shape: str) -> None:
        """text, string or object: how a minted token is answered."""
        self._post("shape", shape=shape)

    def clear(self) -> None:
        """Forget events, requests and faults."""
        self._post("clear")

    def _state(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/_zerotouch/state", timeout=10) as answer:
            state: dict[str, Any] = json.load(answer)
            return state

    def _post(self, command: str, **body: Any) -> dict[str, Any]:
        request = urllib.request.Request(f"{self.url}/_zerotouch/{command}", json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            result: dict[str, Any] = json.load(answer)
            return result

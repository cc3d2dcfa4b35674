"""Delivery to API destinations: attempts, retries, and giving up.

Source: EventBridge user guide, "API destinations" (timeout, what is retried, what de-authorizes a connection) and "Debugging
event delivery" (missing permissions and targets are not retried).
"""

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import eventbridge

from sandbox.aws import buses, connections, evidence

# A bounded stand-in for the 24 hours and 185 retries of the service; a target's own retry policy may ask for less.
_MOST_RETRIES: Final = 4
_RETRIED: Final = frozenset({401, 407, 409, 429})
# As letters of the service itself show: SDK_CLIENT_ERROR with this beginning.
_UNABLE: Final = "Unable to invoke ApiDestination endpoint: "

attempts: list[dict[str, Any]] = []


@dataclass(frozen=True)
class _Delivery:
    """One event on its way, with all that is needed outside of the request which caused it."""

    account: str
    region: str
    destination: Mapping[str, Any]
    target: Mapping[str, Any]
    rule: Mapping[str, Any]
    payload: str

    def record(self, outcome: str) -> None:
        _record(self.account, self.region, self.destination["Name"], outcome)


def deliver(spec: Any, payload: str, target: dict[str, Any]) -> None:
    """In a thread of its own, so that the request which caused the event does not wait for the endpoint."""
    rule = buses.current_rule()
    account, region = get_account_id(), get_region()
    name = spec.resource.split("/")[1]
    destination = eventbridge._api_destinations.get(name)
    if destination is None or destination["ApiDestinationArn"] != target["Arn"]:
        _record(account, region, name, "no such API destination")
        return evidence.give_up(rule, target, payload, "NO_RESOURCE", "The API destination does not exist.")
    if not buses.may(target.get("RoleArn", ""), "events:InvokeApiDestination", target["Arn"]):
        _record(account, region, name, "the role may not invoke it")
        return evidence.give_up(rule, target, payload, "NO_PERMISSIONS", "The role may not invoke the API destination.")
    delivery = _Delivery(account, region, destination, target, rule, payload)
    threading.Thread(target=_deliver, args=(delivery,), daemon=True).start()
    return None


def install() -> None:
    """Replace ministack's function, which it looks up by name."""
    eventbridge._dispatch_to_api_destination = deliver


def _deliver(delivery: _Delivery) -> None:
    policy = delivery.target.get("RetryPolicy") or {}
    retries = min(int(policy.get("MaximumRetryAttempts", 185)), _MOST_RETRIES)
    for attempt in range(retries + 1):
        if attempt:
            time.sleep(0.2 * 2 ** (attempt - 1))
        with request_scope(delivery.account, delivery.region):
            problem, again = _try(delivery, first=attempt == 0)
            if problem is None:
                return evidence.succeed(delivery.rule)
            if not again or attempt == retries:
                return _give_up(delivery, problem, attempt, again)
    return None


def _give_up(delivery: _Delivery, problem: str, retries: int, again: bool) -> None:
    exhausted = "MaximumRetryAttempts" if again else None
    arguments = (delivery.rule, delivery.target, delivery.payload)
    evidence.give_up(*arguments, "SDK_CLIENT_ERROR", _UNABLE + problem, retries, exhausted)


def _try(delivery: _Delivery, *, first: bool) -> tuple[str | None, bool]:
    """What went wrong, None where nothing did; and whether it is tried again."""
    evidence.count(delivery.rule, "InvocationAttempts", *([] if first else ["RetryInvocationAttempts"]))
    connection = connections.connection_by_arn(delivery.destination["ConnectionArn"])
    if connection is None or connection["ConnectionState"] != "AUTHORIZED":
        delivery.record("the connection is not authorized")
        return "The connection is not authorized.", True
    status = _post(delivery.destination["InvocationEndpoint"], _headers(connection), delivery.payload)
    delivery.record(str(status))
    if status in {401, 407}:
        connections.deauthorize(connection["Name"])
    if status < 300:
        return None, False
    if status == 599:
        return "API destination endpoint cannot be reached.", True
    return f"API destination endpoint returned HTTP status {status}.", status >= 500 or status in _RETRIED


def _headers(connection: dict[str, Any]) -> dict[str, str]:
    auth = connection.get("AuthParameters", {})
    http = auth.get("InvocationHttpParameters") or {}
    headers = {p["Key"]: p.get("Value", "") for p in http.get("HeaderParameters") or []}
    key = auth.get("ApiKeyAuthParameters")
    if key:
        headers[key["ApiKeyName"]] = key["ApiKeyValue"]
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Amazon/EventBridge/ApiDestinations",
        **headers,
    }


def _post(url: str, headers: dict[str, str], payload: str) -> int:
    request = urllib.request.Request(url, payload.encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as failure:
        return failure.code
    except OSError:
        return 599


def _record(account: str, region: str, destination: str, outcome: str) -> None:
    attempts.append(
        {"account": account, "region": region, "destination": destination, "outcome": outcome, "at": time.time()}
    )

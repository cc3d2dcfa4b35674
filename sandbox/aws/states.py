"""State changes of connections and API destinations, as EventBridge tells them on the default bus; they need no trail.

Source: EventBridge events detail reference, "Connection state events" and "API Destination state events".
"""

import json
import time
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import eventbridge

from sandbox.aws import trail

_CONNECTION: Final = {
    "CreateConnection": ("Connection Creation Started", "Connection Authorized"),
    "UpdateConnection": ("Connection Update Started", "Connection Authorized"),
    "DeleteConnection": ("Connection Deletion Started",),
    "DeauthorizeConnection": ("Connection Deauthorization Started", "Connection Deauthorized"),
}


def after(call: dict[str, Any], body: bytes) -> None:
    """The events that a successful call causes."""
    if call["service"] != "events" or call["operation"] not in _CONNECTION:
        return
    name = json.loads(body)["Name"]
    with request_scope(call["account"], call["region"]):
        _tell(name, _CONNECTION[call["operation"]])
        if call["operation"] == "DeauthorizeConnection":
            _destinations(name, "API Destination Deactivated")
        elif call["operation"] == "UpdateConnection":
            _destinations(name, "API Destination Activated")


def deauthorized(name: str) -> None:
    """The endpoint has refused the connection's credentials. In the account and region of the request."""
    _tell(name, ("Connection Deauthorized",), "The endpoint answered 401 or 407.")
    _destinations(name, "API Destination Deactivated")


def _tell(name: str, events: tuple[str, ...], why: str | None = None) -> None:
    connection = eventbridge._connections.get(name)
    resources = (connection["ConnectionArn"],) if connection else ()
    detail = {"ConnectionName": name, "Timestamp": _now(), **({"StateReason": why} if why else {})}
    for event in events:
        trail.emit(get_account_id(), get_region(), "aws.events", event, detail, resources)


def _destinations(connection: str, event: str) -> None:
    found = eventbridge._connections.get(connection)
    for destination in list(eventbridge._api_destinations.values()):
        if found is not None and destination["ConnectionArn"] == found["ConnectionArn"]:
            detail = {"ApiDestinationName": destination["Name"], "Timestamp": _now()}
            resources = (destination["ApiDestinationArn"],)
            trail.emit(get_account_id(), get_region(), "aws.events", event, detail, resources)


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC", time.gmtime())

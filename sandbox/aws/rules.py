"""EventBridge rules and targets: full replace, refusals, PassRole; and the delivery to API destinations."""

import threading
import time
import urllib.error
import urllib.request
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import eventbridge

from sandbox.aws import buses, connections
from sandbox.aws.caller import Response, error, response

# A bounded stand-in for the 24 hours and 185 attempts of the service.
_ATTEMPTS: Final = 5
_RETRIED: Final = frozenset({401, 407, 409, 429})

deliveries: list[dict[str, Any]] = []

_put_rule = eventbridge._put_rule
_put_targets = eventbridge._put_targets
_remove_targets = eventbridge._remove_targets
_delete_rule = eventbridge._delete_rule
_list_targets = eventbridge._list_targets_by_rule
_handle_request = eventbridge.handle_request


def put_rule(data: dict[str, Any]) -> Response:
    """A full replace: what is omitted becomes null; tags of an existing rule are ignored (API reference, PutRule)."""
    exists = _exists(data.get("Name"), data)
    full = {"Description": "", "RoleArn": "", "State": "ENABLED", **data}
    if exists:
        full.pop("Tags", None)
    return response(_put_rule(full))


def put_targets(data: dict[str, Any]) -> Response:
    """Needs a role that EventBridge may assume and that the caller may pass."""
    if not _exists(data.get("Rule"), data):
        return _no_rule(data.get("Rule"))
    for target in data.get("Targets", []):
        problem = _check_target(target) or buses.check_target(target, data.get("EventBusName", "default"))
        if problem:
            return problem
    return response(_put_targets(data))


def remove_targets(data: dict[str, Any]) -> Response:
    return response(_remove_targets(data)) if _exists(data.get("Rule"), data) else _no_rule(data.get("Rule"))


def list_targets(data: dict[str, Any]) -> Response:
    return response(_list_targets(data)) if _exists(data.get("Rule"), data) else _no_rule(data.get("Rule"))


def delete_rule(data: dict[str, Any]) -> Response:
    """Refused while targets exist; repeating it succeeds."""
    if eventbridge._targets.get(eventbridge._rule_key(data["Name"], data.get("EventBusName", "default"))):
        return error("ValidationException", "Rule can't be deleted since it has targets.")
    return response(_delete_rule(data))


def deliver(spec: Any, payload: str, target: dict[str, Any]) -> None:
    """In a thread of its own, so that the request which caused the event does not wait for the endpoint."""
    account, region = get_account_id(), get_region()
    name = spec.resource.split("/")[1]
    destination = eventbridge._api_destinations.get(name)
    if destination is None or destination["ApiDestinationArn"] != target["Arn"]:
        return _record(account, region, name, "no such API destination")
    if not buses.may(target.get("RoleArn", ""), "events:InvokeApiDestination", target["Arn"]):
        return _record(account, region, name, "the role may not invoke it")
    arguments = (account, region, name, destination["InvocationEndpoint"], destination["ConnectionArn"], payload)
    threading.Thread(target=_deliver, args=arguments, daemon=True).start()
    return None


def install() -> None:
    """Replace ministack's handlers, which it looks up by name for every request."""
    eventbridge._put_rule = put_rule
    eventbridge._put_targets = put_targets
    eventbridge._remove_targets = remove_targets
    eventbridge._list_targets_by_rule = list_targets
    eventbridge._delete_rule = delete_rule
    eventbridge._dispatch_to_api_destination = deliver


def _exists(name: Any, data: dict[str, Any]) -> bool:
    return eventbridge._rule_key(name, data.get("EventBusName", "default")) in eventbridge._rules


def _no_rule(name: Any) -> Response:
    return error("ResourceNotFoundException", f"Rule {name} does not exist on EventBus default.")


def _check_target(target: dict[str, Any]) -> Response | None:
    if ":api-destination/" not in target.get("Arn", ""):
        return None
    return buses.check_role(target)


def _deliver(account: str, region: str, name: str, url: str, connection_arn: str, payload: str) -> None:
    for attempt in range(_ATTEMPTS):
        with request_scope(account, region):
            connection = connections.connection_by_arn(connection_arn)
            if connection is None or connection["ConnectionState"] != "AUTHORIZED":
                return _record(account, region, name, "the connection is not authorized")
            headers = _headers(connection)
        status = _post(url, headers, payload)
        _record(account, region, name, str(status))
        if status in {401, 407}:
            with request_scope(account, region):
                connections.deauthorize(connection["Name"])
        if status < 500 and status not in _RETRIED:
            return None
        time.sleep(0.2 * 2**attempt)
    return None


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
    deliveries.append(
        {"account": account, "region": region, "destination": destination, "outcome": outcome, "at": time.time()}
    )

"""EventBridge connections and API destinations as the API reference and recorded answers of AWS show them."""

import copy
import json
import secrets
import time
import uuid
from typing import Any, Final
from urllib.parse import urlsplit

from ministack.core.responses import json_response
from ministack.services import eventbridge, secretsmanager

from sandbox.aws import states
from sandbox.aws.caller import Response, arn, denied, error, response

_AUTH_PARTS: Final = ("ApiKeyAuthParameters", "BasicAuthParameters", "OAuthParameters")
_HTTP_PARTS: Final = ("HeaderParameters", "QueryStringParameters", "BodyParameters")


def create_connection(data: dict[str, Any]) -> Response:
    """The ARN ends in a UUID; an API_KEY connection is authorized at once; a secret stands behind it."""
    name = data["Name"]
    if name in eventbridge._connections:
        return error("ResourceAlreadyExistsException", f"Connection {name} already exists.")
    # EventBridge makes the secret with the caller's permissions (user guide, "Managing connections").
    secret_name = f"events!connection/{name}/{uuid.uuid4()}"
    secret_arn = arn("secretsmanager", f"secret:{secret_name}-{secrets.token_hex(3)}")
    for action in ("secretsmanager:CreateSecret", "secretsmanager:PutSecretValue"):
        refused = denied(action, secret_arn)
        if refused:
            return refused
    now = time.time()
    eventbridge._connections[name] = {
        "Name": name,
        "ConnectionArn": arn("events", f"connection/{name}/{uuid.uuid4()}"),
        "ConnectionState": "AUTHORIZED",
        "AuthorizationType": data["AuthorizationType"],
        "AuthParameters": copy.deepcopy(data.get("AuthParameters", {})),
        "Description": data.get("Description"),
        "SecretArn": secret_arn,
        "CreationTime": now,
        "LastModifiedTime": now,
        "LastAuthorizedTime": now,
    }
    _store_secret(secret_name, secret_arn)
    return _short(eventbridge._connections[name])


def describe_connection(data: dict[str, Any]) -> Response:
    """Never answers the API key's value, nor any parameter's value that is marked secret."""
    connection = eventbridge._connections.get(data["Name"])
    if connection is None:
        return _no_connection(data["Name"])
    shown = {k: v for k, v in copy.deepcopy(connection).items() if v is not None}
    auth = shown.get("AuthParameters", {})
    for part, secret in (("ApiKeyAuthParameters", "ApiKeyValue"), ("BasicAuthParameters", "Password")):
        auth.get(part, {}).pop(secret, None)
    auth.get("OAuthParameters", {}).get("ClientParameters", {}).pop("ClientSecret", None)
    http = auth.get("InvocationHttpParameters")
    if http is not None:
        # Lists that were sent empty come back absent; a block that was sent comes back, if only as {}.
        auth["InvocationHttpParameters"] = {
            part: [_masked(p) for p in http[part]] for part in _HTTP_PARTS if http.get(part)
        }
    return response(json_response(shown))


def update_connection(data: dict[str, Any]) -> Response:
    """Keeps the secret's ARN and authorizes again. Whole blocks are replaced."""
    connection = eventbridge._connections.get(data["Name"])
    if connection is None:
        return _no_connection(data["Name"])
    refused = denied("secretsmanager:UpdateSecret", connection["SecretArn"]) or denied(
        "secretsmanager:PutSecretValue", connection["SecretArn"]
    )
    if refused:
        return refused
    for key in ("AuthorizationType", "AuthParameters", "Description"):
        if key in data:
            connection[key] = copy.deepcopy(data[key])
    now = time.time()
    connection |= {"ConnectionState": "AUTHORIZED", "LastModifiedTime": now, "LastAuthorizedTime": now}
    return _short(connection)


def delete_connection(data: dict[str, Any]) -> Response:
    """Answers DELETING; the next look finds nothing. The secret goes with it."""
    connection = eventbridge._connections.get(data["Name"])
    if connection is None:
        return _no_connection(data["Name"])
    refused = denied("secretsmanager:DeleteSecret", connection["SecretArn"])
    if refused:
        return refused
    del eventbridge._connections[data["Name"]]
    secretsmanager._secrets.pop(_secret_name(connection["SecretArn"]), None)
    return _short({**connection, "ConnectionState": "DELETING"})


def deauthorize(name: str) -> None:
    """What a 401 or 407 from the endpoint does to an API_KEY connection (user guide, "API destinations")."""
    connection = eventbridge._connections.get(name)
    if connection is not None:
        connection["ConnectionState"] = "DEAUTHORIZED"
        connection["LastModifiedTime"] = time.time()
        states.deauthorized(name)


def connection_by_arn(connection_arn: str) -> dict[str, Any] | None:
    """A connection of the request's account and region."""
    found: list[dict[str, Any]] = [c for c in eventbridge._connections.values() if c["ConnectionArn"] == connection_arn]
    return found[0] if found else None


def create_api_destination(data: dict[str, Any]) -> Response:
    """Authorized on the destination (by ministack) and on the connection."""
    name = data["Name"]
    problem = _check_destination(data)
    if problem:
        return problem
    if name in eventbridge._api_destinations:
        return error("ResourceAlreadyExistsException", f"An api-destination '{name}' already exists.")
    refused = denied("events:CreateApiDestination", data["ConnectionArn"])
    if refused:
        return refused
    now = time.time()
    eventbridge._api_destinations[name] = {
        "Name": name,
        "ApiDestinationArn": arn("events", f"api-destination/{name}/{uuid.uuid4()}"),
        "ConnectionArn": data["ConnectionArn"],
        "InvocationEndpoint": data["InvocationEndpoint"],
        "HttpMethod": data["HttpMethod"],
        "InvocationRateLimitPerSecond": data.get("InvocationRateLimitPerSecond", 300),
        "Description": data.get("Description"),
        "CreationTime": now,
        "LastModifiedTime": now,
    }
    return response(json_response(_destination(eventbridge._api_destinations[name])))


def describe_api_destination(data: dict[str, Any]) -> Response:
    """ACTIVE while its connection is authorized."""
    destination = eventbridge._api_destinations.get(data["Name"])
    if destination is None:
        return error("ResourceNotFoundException", f"Failed to describe the api-destination(s). {data['Name']}")
    return response(json_response(_destination(destination)))


def update_api_destination(data: dict[str, Any]) -> Response:
    destination = eventbridge._api_destinations.get(data["Name"])
    if destination is None:
        return error("ResourceNotFoundException", f"An api-destination '{data['Name']}' does not exist.")
    problem = _check_destination({**destination, **data})
    if problem:
        return problem
    keys = ("ConnectionArn", "InvocationEndpoint", "HttpMethod", "InvocationRateLimitPerSecond", "Description")
    destination |= {key: data[key] for key in keys if key in data}
    destination["LastModifiedTime"] = time.time()
    return response(json_response(_destination(destination)))


def list_api_destinations(data: dict[str, Any]) -> Response:
    wanted = data.get("ConnectionArn")
    found = [
        _destination(d)
        for name, d in sorted(eventbridge._api_destinations.items())
        if name.startswith(data.get("NamePrefix", "")) and wanted in {None, d["ConnectionArn"]}
    ]
    return response(json_response({"ApiDestinations": found}))


def install() -> None:
    """Replace ministack's handlers, which it looks up by name for every request."""
    eventbridge._create_connection = create_connection
    eventbridge._describe_connection = describe_connection
    eventbridge._update_connection = update_connection
    eventbridge._delete_connection = delete_connection
    eventbridge._create_api_destination = create_api_destination
    eventbridge._describe_api_destination = describe_api_destination
    eventbridge._update_api_destination = update_api_destination
    eventbridge._list_api_destinations = list_api_destinations


def _check_destination(data: dict[str, Any]) -> Response | None:
    """https only; loopback is excepted, because the sandbox's own gateway listens there."""
    endpoint = urlsplit(data["InvocationEndpoint"])
    if endpoint.scheme != "https" and endpoint.hostname != "127.0.0.1":
        return error("ValidationException", "Parameter InvocationEndpoint is not valid. Reason: must be https.")
    if connection_by_arn(data["ConnectionArn"]) is None:
        return error("ResourceNotFoundException", f"Connection '{data['ConnectionArn']}' does not exist.")
    return None


def _destination(destination: dict[str, Any]) -> dict[str, Any]:
    connection = connection_by_arn(destination["ConnectionArn"])
    active = connection is not None and connection["ConnectionState"] == "AUTHORIZED"
    shown = {**destination, "ApiDestinationState": "ACTIVE" if active else "INACTIVE"}
    return {k: v for k, v in shown.items() if v is not None}


def _masked(parameter: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in parameter.items() if k != "Value" or not parameter.get("IsValueSecret")}


def _short(connection: dict[str, Any]) -> Response:
    keys = ("ConnectionArn", "ConnectionState", "CreationTime", "LastModifiedTime", "LastAuthorizedTime")
    return response(json_response({k: connection[k] for k in keys}))


def _no_connection(name: str) -> Response:
    return error(
        "ResourceNotFoundException", f"Failed to describe the connection(s). Connection '{name}' does not exist."
    )


def _store_secret(name: str, secret_arn: str) -> None:
    """Only that the secret exists: EventBridge's own format of its content is not documented."""
    now = int(time.time())
    version = str(uuid.uuid4())
    secretsmanager._secrets[name] = {
        "ARN": secret_arn,
        "Name": name,
        "OwningService": "events",
        "CreatedDate": now,
        "LastChangedDate": now,
        "Tags": [],
        "Versions": {version: {"SecretString": json.dumps({}), "Stages": ["AWSCURRENT"], "CreatedDate": now}},
    }


def _secret_name(secret_arn: str) -> str:
    return secret_arn.split(":secret:", 1)[1].rsplit("-", 1)[0]

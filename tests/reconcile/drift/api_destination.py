"""Kind `APIDestination`."""

import contextlib
from typing import Any

from tests.reconcile.drift.model import PREFIX, Break, KindDrift, Then
from zerotouch.plan.ownership import describe_owner
from zerotouch.resources.api_destination import APIDestination


def _update(**changes: Any) -> Any:
    return lambda a: a.client("events").update_api_destination(Name=PREFIX, **changes)


def _marked(account: Any) -> None:
    _update(Description=describe_owner(account.owner))(account)


def _other_connection(account: Any) -> None:
    auth = {"ApiKeyAuthParameters": {"ApiKeyName": "k", "ApiKeyValue": "v"}}
    events = account.client("events")
    # Once in an account, however often this is done there.
    with contextlib.suppress(events.exceptions.ResourceAlreadyExistsException):
        events.create_connection(Name="other", AuthorizationType="API_KEY", AuthParameters=auth)
    _update(ConnectionArn=events.describe_connection(Name="other")["ConnectionArn"])(account)


DRIFT = KindDrift(
    APIDestination(),
    (
        Break("exists", "deleted", lambda a: a.client("events").delete_api_destination(Name=PREFIX)),
        Break("description", "changed", lambda a: _update(Description=f"mine; owner={a.owner}")(a)),
        Break("description", "another owner", _update(Description="owner=x/y/z"), Then.CONFLICT, _marked),
        Break("endpoint", "elsewhere", _update(InvocationEndpoint="https://evil.example/x")),
        Break("method", "PUT", _update(HttpMethod="PUT")),
        Break("rateLimitPerSecond", "1", _update(InvocationRateLimitPerSecond=1)),
        Break("connection", "another", _other_connection),
    ),
    sent={
        "create_api_destination.Name": "(identity)",
        "create_api_destination.Description": "description",
        "create_api_destination.ConnectionArn": "connection",
        "create_api_destination.InvocationEndpoint": "endpoint",
        "create_api_destination.HttpMethod": "method",
        "create_api_destination.InvocationRateLimitPerSecond": "rateLimitPerSecond",
    },
)

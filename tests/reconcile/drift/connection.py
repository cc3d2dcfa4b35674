"""Kind `Connection`. That only secret values were changed is shown in `test_secret_values.py`."""

import re
from collections.abc import Callable
from typing import Any

from tests.reconcile.drift.model import PREFIX, Break, KindDrift, Then
from zerotouch.plan.ownership import describe_owner, token_in
from zerotouch.resources.connection import Connection

_KEY = {"ApiKeyName": "X-API-KEY", "ApiKeyValue": "v"}
_HEADER = {"Key": "Authorization", "Value": "x", "IsValueSecret": True}


def _update(account: Any, http: dict[str, Any] | None = None, key: dict[str, str] = _KEY, **changes: Any) -> None:
    parameters = {"HeaderParameters": [_HEADER], **(http or {})}
    auth = {"ApiKeyAuthParameters": key, "InvocationHttpParameters": parameters}
    request = {"Name": PREFIX, "AuthorizationType": "API_KEY", "AuthParameters": auth, **changes}
    account.client("events").update_connection(**request)


def _headers(*headers: dict[str, Any]) -> Any:
    return lambda a: _update(a, {"HeaderParameters": list(headers)})


def _described(change: Callable[[str], str]) -> Any:
    """The same marks in another text, or other marks."""
    return lambda a: _update(a, Description=change(a.client("events").describe_connection(Name=PREFIX)["Description"]))


def _other_token(text: str) -> str:
    return re.sub("token=[0-9a-f]{12}", f"token={(token_in(text) or '')[::-1]}", text)


def _mark(account: Any) -> None:
    _described(lambda text: describe_owner(account.owner, token_in(text)))(account)


_BASIC = {"AuthorizationType": "BASIC", "AuthParameters": {"BasicAuthParameters": {"Username": "u", "Password": "p"}}}

DRIFT = KindDrift(
    Connection(),
    (
        Break("exists", "deleted", lambda a: a.client("events").delete_connection(Name=PREFIX)),
        Break("state", "de-authorized", lambda a: a.client("events").deauthorize_connection(Name=PREFIX)),
        Break("authorizationType", "basic", lambda a: _update(a, **_BASIC)),
        Break("apiKeyName", "another", lambda a: _update(a, key={"ApiKeyName": "Z", "ApiKeyValue": "v"})),
        Break("description", "changed", _described(lambda text: text.replace("Managed by zerotouch", "mine"))),
        Break(
            "description",
            "another owner",
            _described(lambda text: describe_owner("x/y/z", token_in(text))),
            Then.CONFLICT,
            _mark,
        ),
        Break("token", "another", _described(_other_token)),
        Break("headers.Authorization.secret", "shown", _headers({**_HEADER, "IsValueSecret": False})),
        Break("headers.Authorization", "renamed", _headers({**_HEADER, "Key": "X-Other"})),
        Break("headers.X-More", "added", _headers(_HEADER, {**_HEADER, "Key": "X-More"})),
        Break("queryStrings.q", "added", lambda a: _update(a, {"QueryStringParameters": [{"Key": "q", "Value": "1"}]})),
        Break("bodies.b", "added", lambda a: _update(a, {"BodyParameters": [{"Key": "b", "Value": "1"}]})),
    ),
    sent={
        "create_connection.Name": "(identity)",
        "create_connection.Description": "description,token",
        "create_connection.AuthorizationType": "authorizationType",
        "create_connection.AuthParameters": "apiKeyName,headers,queryStrings,bodies",
    },
    unbroken={"connectivity": "the emulator has no private connectivity"},
)

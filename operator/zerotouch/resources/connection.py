"""EventBridge connection: holds the subscription token and the API key that Qualys expects.

Source of the values: Qualys's CloudFormation template (github.com/Qualys/TotalCloud, FlexScan). Other than there, the
bearer header is a secret value, so that DescribeConnection does not show it.
AWS never answers secret values; the token's fingerprint in the Description stands for it.
"""

from typing import Any, Final

from zerotouch.api.conditions import Reason
from zerotouch.aws.calls import RegionAPI
from zerotouch.aws.errors import AWSError, Call, Retry
from zerotouch.desired.context import Context
from zerotouch.desired.values import UNKNOWN
from zerotouch.plan.ownership import by_owner, describe_owner, owner_in, token_in, without_token
from zerotouch.plan.routing import Fact, Says
from zerotouch.plan.version import make_version
from zerotouch.resources.base import Authorization, Differences, Fields, Observed, RoutingKind

API_KEY_NAME: Final = "X-API-KEY"
API_KEY_VALUE: Final = "QFLOW-SSM-EVALUATION"  # a public constant of Qualys's template, not a secret
TOKEN_HEADER: Final = "Authorization"

_MISSING: Final = ("ResourceNotFoundException",)
_SETTLING: Final = frozenset({"CREATING", "UPDATING", "DELETING", "AUTHORIZING", "DEAUTHORIZING"})


class Connection(RoutingKind):
    """Kind `Connection`."""

    name = "Connection"
    account_wide = False
    needs: tuple[str, ...] = ()

    def resource_name(self, context: Context) -> str:
        return context.prefix

    def desired(self, context: Context) -> Fields | None:
        if not context.route.has_destination:
            return None
        return {
            "state": "AUTHORIZED",
            "authorizationType": "API_KEY",
            "apiKeyName": API_KEY_NAME,
            "description": describe_owner(context.owner),
            "token": context.spec.token_fingerprint or UNKNOWN,
            "headers": {TOKEN_HEADER: {"secret": True}},
            "queryStrings": {},
            "bodies": {},
            "connectivity": None,
        }

    def observe(self, api: RegionAPI, context: Context) -> Observed | None:
        answer = api.find("events", "describe_connection", _MISSING, Name=context.prefix)
        if answer is None:
            return None
        owner, fields = owner_in(answer.get("Description")), _fields(answer)
        return Observed(
            fields=fields,
            ref=answer["ConnectionArn"],
            ownership=by_owner(owner, context.owner),
            owner=owner,
            handle=answer.get("KmsKeyIdentifier"),
            settling=answer["ConnectionState"] in _SETTLING,
            version=make_version(answer["ConnectionArn"], answer["LastModifiedTime"]),
            authorization=Authorization(
                token=fields["token"],
                modified_at=answer["LastModifiedTime"],
                lost=answer["ConnectionState"] == "DEAUTHORIZED",
                by_person=not fields["headers"] and fields["apiKeyName"] is None,
            ),
            facts=_facts(answer, context.scope),
        )

    def create(self, api: RegionAPI, context: Context, token: str | None) -> None:
        try:
            api.call("events", "create_connection", **_request(context, token, "create_connection"))
        except AWSError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise

    def update(
        self, api: RegionAPI, context: Context, observed: Observed, differences: Differences, token: str | None
    ) -> None:
        # The whole block each time: what AWS does with an omitted part of it is not documented.
        kept = {"KmsKeyIdentifier": observed.handle} if observed.handle else {}
        request = _request(context, token, "update_connection")
        api.call("events", "update_connection", **request, **kept)

    def delete(self, api: RegionAPI, context: Context, observed: Observed) -> None:
        api.find("events", "delete_connection", _MISSING, Name=context.prefix)


def _facts(answer: dict[str, Any], region: str) -> frozenset[Fact]:
    connected = {Fact(Says.CONNECTED, region)} if answer["ConnectionState"] == "AUTHORIZED" else set()
    return frozenset({Fact(Says.HOLDS, region), *connected})


def _fields(answer: dict[str, Any]) -> Fields:
    auth = answer.get("AuthParameters") or {}
    http = auth.get("InvocationHttpParameters") or {}
    return {
        "state": answer["ConnectionState"],
        "authorizationType": answer.get("AuthorizationType"),
        "apiKeyName": (auth.get("ApiKeyAuthParameters") or {}).get("ApiKeyName"),
        "description": without_token(answer.get("Description")),
        "token": token_in(answer.get("Description")),
        "headers": _parameters(http.get("HeaderParameters")),
        "queryStrings": _parameters(http.get("QueryStringParameters")),
        "bodies": _parameters(http.get("BodyParameters")),
        "connectivity": "present" if _connectivity(answer, auth) else None,
    }


def _connectivity(answer: dict[str, Any], auth: dict[str, Any]) -> bool:
    return bool(answer.get("InvocationConnectivityParameters") or auth.get("ConnectivityParameters"))


def _parameters(found: list[dict[str, Any]] | None) -> dict[str, dict[str, bool]]:
    return {p["Key"]: {"secret": bool(p.get("IsValueSecret"))} for p in found or []}


def _request(context: Context, token: str | None, operation: str) -> dict[str, Any]:
    if token is None:
        raise AWSError(
            Call(context.account_id, context.scope, "events", operation),
            Reason.TOKEN_INVALID,
            Retry.PERSON,
            "NotCalled",
            f"there is no usable subscription token: see the conditions of {context.spec.parent.name}",
        )
    return {
        "Name": context.prefix,
        "Description": describe_owner(context.owner, context.spec.token_fingerprint),
        "AuthorizationType": "API_KEY",
        "AuthParameters": {
            "ApiKeyAuthParameters": {
                "ApiKeyName": API_KEY_NAME,
                "ApiKeyValue": API_KEY_VALUE,
            },
            "InvocationHttpParameters": {
                "HeaderParameters": [
                    {
                        "Key": TOKEN_HEADER,
                        "Value": f"Bearer {token}",
                        "IsValueSecret": True,
                    }
                ],
                "QueryStringParameters": [],
                "BodyParameters": [],
            },
        },
    }

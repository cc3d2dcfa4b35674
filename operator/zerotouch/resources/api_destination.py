"""EventBridge API destination: the Qualys gateway's path for events."""

from typing import Any, Final

from zerotouch.aws.calls import RegionAPI
from zerotouch.aws.errors import AWSError
from zerotouch.desired.context import Context
from zerotouch.plan.ownership import by_owner, describe_owner, owner_in
from zerotouch.plan.routing import Fact, Says
from zerotouch.resources.base import Differences, Fields, Observed, RoutingKind

EVENTS_PATH: Final = "/qflow/aws-eb"
_MISSING: Final = ("ResourceNotFoundException",)


class APIDestination(RoutingKind):
    """Kind `APIDestination`."""

    name = "APIDestination"
    account_wide = False
    needs: tuple[str, ...] = ("Connection",)

    def resource_name(self, context: Context) -> str:
        return context.prefix

    def desired(self, context: Context) -> Fields | None:
        if not context.route.has_destination:
            return None
        return {
            "description": describe_owner(context.owner),
            "endpoint": context.spec.gateway_url + EVENTS_PATH,
            "method": "POST",
            "rateLimitPerSecond": context.spec.delivery.invocation_rate_limit_per_second,
            "connection": context.ref("Connection"),
        }

    def observe(self, api: RegionAPI, context: Context) -> Observed | None:
        answer = api.find("events", "describe_api_destination", _MISSING, Name=context.prefix)
        if answer is None:
            return None
        owner = owner_in(answer.get("Description"))
        return Observed(
            fields={
                "description": answer.get("Description"),
                "endpoint": answer.get("InvocationEndpoint"),
                "method": answer.get("HttpMethod"),
                "rateLimitPerSecond": answer.get("InvocationRateLimitPerSecond"),
                "connection": answer.get("ConnectionArn"),
            },
            ref=answer["ApiDestinationArn"],
            ownership=by_owner(owner, context.owner),
            owner=owner,
            facts=frozenset({Fact(Says.HOLDS, context.scope), Fact(Says.DELIVERS, context.scope)}),
        )

    def create(self, api: RegionAPI, context: Context, token: str | None) -> None:
        try:
            api.call("events", "create_api_destination", **self._request(context))
        except AWSError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise

    def update(
        self, api: RegionAPI, context: Context, observed: Observed, differences: Differences, token: str | None
    ) -> None:
        api.call("events", "update_api_destination", **self._request(context))

    def delete(self, api: RegionAPI, context: Context, observed: Observed) -> None:
        api.find("events", "delete_api_destination", _MISSING, Name=context.prefix)

    def _request(self, context: Context) -> dict[str, Any]:
        wanted = self.desired(context) or {}
        return {
            "Name": context.prefix,
            "Description": wanted["description"],
            "ConnectionArn": wanted["connection"],
            "InvocationEndpoint": wanted["endpoint"],
            "HttpMethod": wanted["method"],
            "InvocationRateLimitPerSecond": wanted["rateLimitPerSecond"],
        }

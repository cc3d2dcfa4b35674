"""The role with which EventBridge invokes the API destinations of this account, and no other."""

from collections.abc import Iterable

from zerotouch.desired.context import Context
from zerotouch.plan.routing import Says
from zerotouch.resources.service_role import ServiceRole


class ExecutionRole(ServiceRole):
    """Kind `ExecutionRole`."""

    name = "ExecutionRole"
    suffix = "events"
    description = "Lets EventBridge tell Qualys of started EC2 instances"
    policy_name = "invoke-qualys"
    action = "events:InvokeApiDestination"
    says = Says.INVOKES

    @staticmethod
    def regions(context: Context) -> Iterable[str]:
        return context.routing.invokes

    @staticmethod
    def resource(context: Context, region: str) -> str:
        """The API destination of our name; the last part of its ARN is a UUID."""
        return context.events_arn(region, f"api-destination/{context.prefix}/*")

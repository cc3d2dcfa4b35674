"""The role with which EventBridge puts events of other regions on the main region's default bus, and on no other.

While another region becomes the main one it may put them on both.
Source: EventBridge user guide, "Sending and receiving events between Regions"; API reference, PutTargets.
"""

from collections.abc import Iterable

from zerotouch.desired.context import Context
from zerotouch.plan.routing import Says
from zerotouch.resources.base import OptionalKind
from zerotouch.resources.service_role import ServiceRole


class ForwardRole(ServiceRole, OptionalKind):
    """Kind `ForwardRole`; only with topology MainRegion."""

    name = "ForwardRole"
    suffix = "forward"
    description = "Lets EventBridge hand started EC2 instances to the main region"
    policy_name = "forward-to-main-region"
    action = "events:PutEvents"
    says = Says.FORWARDS

    @staticmethod
    def regions(context: Context) -> Iterable[str]:
        return context.routing.forwards

    @staticmethod
    def resource(context: Context, region: str) -> str:
        """A region's default event bus."""
        return context.events_arn(region, "event-bus/default")

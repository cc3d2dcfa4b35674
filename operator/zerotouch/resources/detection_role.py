"""The role with which EventBridge puts events of this account on the operator's event bus, and on no other."""

from typing import Any, Final

from zerotouch.aws.calls import RegionAPI
from zerotouch.desired.context import Context
from zerotouch.resources.base import Fields, Observed, OptionalKind
from zerotouch.resources.roles import OwnedRole, as_tree, observe_role
from zerotouch.resources.service_role import trust

POLICY_NAME: Final = "tell-zerotouch"
DESCRIPTION: Final = "Lets EventBridge tell zerotouch of changes to its resources"


class DetectionRole(OwnedRole, OptionalKind):
    """Kind `DetectionRole`. One for all regions of the account, since IAM is account-wide."""

    name = "DetectionRole"
    account_wide = True
    needs: tuple[str, ...] = ()

    @staticmethod
    def name_of(context: Context) -> str:
        """Name of the role."""
        return f"{context.prefix}-detection"

    def resource_name(self, context: Context) -> str:
        return self.name_of(context)

    def desired(self, context: Context) -> Fields | None:
        bus = bus_of(context)
        if bus is None:
            return None
        return {
            "description": DESCRIPTION,
            "trust": as_tree(trust(context.account_id)),
            "permissionsBoundary": context.spec.access.permissions_boundary_arn,
            "tags": context.tags,
            "inlinePolicies": {POLICY_NAME: as_tree(put_events_policy(bus))},
            "attachedPolicies": [],
        }

    def observe(self, api: RegionAPI, context: Context) -> Observed | None:
        return observe_role(api, self.name_of(context), context.owner)


def bus_of(context: Context) -> str | None:
    """ARN of the operator's bus; None where changes are not told by events."""
    detection = context.spec.detection
    return detection.bus_arn if detection else None


def put_events_policy(bus: str) -> dict[str, Any]:
    """Put events on this bus (EventBridge user guide, "Permissions for event bus targets")."""
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "events:PutEvents", "Resource": [bus]}],
    }

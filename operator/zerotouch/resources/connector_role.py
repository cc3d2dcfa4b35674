"""The role that Qualys assumes, where the spec asks for one of ours."""

from typing import Any, Final

from zerotouch.aws.calls import RegionAPI
from zerotouch.desired.context import Context
from zerotouch.resources.base import Fields, Observed
from zerotouch.resources.roles import OwnedRole, as_tree, observe_role

DESCRIPTION: Final = "Lets the Qualys connector assess instances through AWS APIs"


class ConnectorRole(OwnedRole):
    """Kind `ConnectorRole`."""

    name = "ConnectorRole"
    account_wide = True
    needs: tuple[str, ...] = ()

    def resource_name(self, context: Context) -> str:
        connector = context.spec.connector
        return connector.role.name if connector and connector.role else ""

    def desired(self, context: Context) -> Fields | None:
        connector = context.spec.connector
        if connector is None or connector.role is None:
            return None
        role = connector.role
        return {
            "description": DESCRIPTION,
            "trust": as_tree(trust(context.partition, role.trusted_account_id, role.external_id)),
            "permissionsBoundary": context.spec.access.permissions_boundary_arn,
            "tags": context.tags,
            "inlinePolicies": {},
            "attachedPolicies": [context.iam_arn("policy", f"{context.prefix}-connector")],
        }

    def observe(self, api: RegionAPI, context: Context) -> Observed | None:
        name = self.resource_name(context)
        if not name:
            return None
        observed = observe_role(api, name, context.owner)
        if observed is None or not observed.fields:
            return observed
        # That our policy is attached is told, and mended, by the attachment's own kind.
        ours = context.iam_arn("policy", f"{context.prefix}-connector")
        attached = sorted({*observed.fields["attachedPolicies"], ours})
        fields = {**observed.fields, "attachedPolicies": attached}
        return Observed(fields, observed.ref, observed.ownership, observed.owner)


def trust(partition: str, trusted_account_id: str, external_id: str) -> dict[str, Any]:
    """The Qualys account, with the connector's external id (docs.qualys.com, connectors, AWS, create role)."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{partition}:iam::{trusted_account_id}:root"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
            }
        ],
    }

"""The role with which EventBridge invokes the API destinations of this account, and no other."""

from typing import Any, Final

from zerotouch.aws.calls import RegionAPI
from zerotouch.desired.context import Context
from zerotouch.resources.base import Differences, Fields, Observed
from zerotouch.resources.roles import (
    as_tree,
    create_role,
    delete_role,
    observe_role,
    update_role,
)

POLICY_NAME: Final = "invoke-qualys"
DESCRIPTION: Final = "Lets EventBridge tell Qualys of started EC2 instances"


class ExecutionRole:
    """Kind `ExecutionRole`. One for all regions of the account, since IAM is account-wide."""

    name = "ExecutionRole"
    account_wide = True
    needs: tuple[str, ...] = ()

    @staticmethod
    def name_of(context: Context) -> str:
        """Name of the role."""
        return f"{context.prefix}-events"

    def resource_name(self, context: Context) -> str:
        return self.name_of(context)

    def desired(self, context: Context) -> Fields | None:
        return {
            "description": DESCRIPTION,
            "trust": as_tree(trust(context.account_id)),
            "permissionsBoundary": context.spec.access.permissions_boundary_arn,
            "tags": context.tags,
            "inlinePolicies": {POLICY_NAME: as_tree(invoke_policy(context))},
            "attachedPolicies": [],
        }

    def observe(self, api: RegionAPI, context: Context) -> Observed | None:
        return observe_role(api, self.name_of(context), context.owner)

    def create(self, api: RegionAPI, context: Context, token: str | None) -> None:
        create_role(api, self.name_of(context), self.desired(context) or {})

    def update(
        self, api: RegionAPI, context: Context, observed: Observed, differences: Differences, token: str | None
    ) -> None:
        update_role(
            api,
            self.name_of(context),
            self.desired(context) or {},
            observed.fields,
            differences,
        )

    def delete(self, api: RegionAPI, context: Context, observed: Observed) -> None:
        delete_role(api, self.name_of(context), observed.fields)


def trust(account_id: str) -> dict[str, Any]:
    """EventBridge, on behalf of this account only (EventBridge user guide, confused deputy prevention)."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
            }
        ],
    }


def invoke_policy(context: Context) -> dict[str, Any]:
    """Invoke the API destination of our name in each of the account's regions; the last part of its ARN is a UUID."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "events:InvokeApiDestination",
                "Resource": [
                    f"arn:{context.partition}:events:{region}:{context.account_id}:api-destination/{context.prefix}/*"
                    for region in context.regions
                ],
            }
        ],
    }

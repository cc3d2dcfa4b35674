"""What the roles that EventBridge assumes have in common: whom they trust, and one action on one resource per region."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from zerotouch.aws.calls import RegionAPI
from zerotouch.desired.context import Context
from zerotouch.plan.routing import Fact, Says
from zerotouch.resources.base import Fields, Observed, RoutingKind
from zerotouch.resources.roles import OwnedRole, allowed, as_tree, observe_role


class ServiceRole(OwnedRole, RoutingKind):
    """A kind but for what its subclass says. One for all regions of the account, since IAM is account-wide."""

    name: str
    account_wide = True
    needs: tuple[str, ...] = ()
    suffix: str
    description: str
    policy_name: str
    action: str
    says: Says

    @staticmethod
    def regions(context: Context) -> Iterable[str]:
        """The regions in which it may do so; the role is not wanted where there are none."""
        raise NotImplementedError

    @staticmethod
    def resource(context: Context, region: str) -> str:
        """ARN, or pattern of ARNs, on which it may do so in a region."""
        raise NotImplementedError

    @classmethod
    def name_of(cls, context: Context) -> str:
        """Name of the role."""
        return f"{context.prefix}-{cls.suffix}"

    def resource_name(self, context: Context) -> str:
        return self.name_of(context)

    def desired(self, context: Context) -> Fields | None:
        resources = [self.resource(context, region) for region in self.regions(context)]
        if not resources:
            return None
        return {
            "description": self.description,
            "trust": as_tree(trust(context.account_id)),
            "permissionsBoundary": context.spec.access.permissions_boundary_arn,
            "tags": context.tags,
            "inlinePolicies": {self.policy_name: as_tree(_allow(self.action, resources))},
            "attachedPolicies": [],
        }

    def observe(self, api: RegionAPI, context: Context) -> Observed | None:
        observed = observe_role(api, self.name_of(context), context.owner)
        return observed and replace(observed, facts=self._facts(observed.fields, context))

    def _facts(self, fields: Fields, context: Context) -> frozenset[Fact]:
        ours = re.compile(re.escape(self.resource(context, "REGION")).replace("REGION", "([a-z0-9-]+)"))
        found = (ours.fullmatch(arn) for arn in allowed(fields.get("inlinePolicies", {}), self.action))
        return frozenset(Fact(self.says, match[1]) for match in found if match)


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


def _allow(action: str, resources: list[str]) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": action, "Resource": resources}],
    }

"""The customer-managed policy with the six actions of API-based assessment, and the roles that it is attached to.

Policy and attachment are one kind: one look at the policy tells both, and either is without use alone.
"""

import json
from typing import Any, Final

from zerotouch.api.meta import OWNER_TAG
from zerotouch.aws.calls import RegionAPI
from zerotouch.aws.errors import AWSError
from zerotouch.desired.context import ROLE_PATH, Context
from zerotouch.plan.ownership import Ownership, by_tags
from zerotouch.resources.base import (
    Differences,
    Fields,
    Observed,
    from_tags,
    tag_changes,
    to_tags,
    touches,
)
from zerotouch.resources.roles import (
    EXISTS,
    MISSING,
    as_tree,
    delete_role,
    observe_role,
)

# docs.qualys.com/en/conn/latest/aws/create_role.htm
ACTIONS: Final = (
    "ec2:DescribeAddresses",
    "ec2:DescribeImages",
    "ec2:DescribeInstances",
    "ec2:DescribeRegions",
    "ssm:DescribeInstanceInformation",
    "ssm:ListInventoryEntries",
)
DOCUMENT: Final[dict[str, Any]] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": list(ACTIONS), "Resource": "*"}],
}
DESCRIPTION: Final = "Qualys API-based assessment"
_MOST_VERSIONS: Final = 5


class ConnectorPolicy:
    """Kind `ConnectorPolicy`."""

    name = "ConnectorPolicy"
    account_wide = True
    needs: tuple[str, ...] = ("ConnectorRole",)

    def resource_name(self, context: Context) -> str:
        return f"{context.prefix}-connector"

    def desired(self, context: Context) -> Fields | None:
        connector = context.spec.connector
        if connector is None:
            return None
        role = connector.existing_role_name or (connector.role.name if connector.role else "")
        return {
            "document": as_tree(DOCUMENT),
            "tags": context.tags,
            "attachedTo": [role],
        }

    def observe(self, api: RegionAPI, context: Context) -> Observed | None:
        arn = self._arn(context)
        answer = api.find("iam", "get_policy", MISSING, PolicyArn=arn)
        if answer is None:
            return None
        policy = answer["Policy"]
        tags = to_tags(policy.get("Tags") or [])
        version = policy["DefaultVersionId"]
        document = api.call("iam", "get_policy_version", PolicyArn=arn, VersionId=version)
        roles = api.pages(
            "iam",
            "list_entities_for_policy",
            "PolicyRoles",
            PolicyArn=arn,
            EntityFilter="Role",
        )
        return Observed(
            fields={
                "document": as_tree(document["PolicyVersion"]["Document"]),
                "tags": tags,
                "attachedTo": sorted(r["RoleName"] for r in roles),
            },
            ref=arn,
            ownership=by_tags(tags, context.owner),
            owner=tags.get(OWNER_TAG),
        )

    def create(self, api: RegionAPI, context: Context, token: str | None) -> None:
        wanted = self.desired(context) or {}
        try:
            api.call(
                "iam",
                "create_policy",
                PolicyName=self.resource_name(context),
                Path=ROLE_PATH,
                Description=DESCRIPTION,
                PolicyDocument=json.dumps(DOCUMENT),
                Tags=from_tags(wanted["tags"]),
            )
        except AWSError as error:
            if error.code not in EXISTS:
                raise
            return
        for role in wanted["attachedTo"]:
            api.call("iam", "attach_role_policy", RoleName=role, PolicyArn=self._arn(context))

    def update(
        self, api: RegionAPI, context: Context, observed: Observed, differences: Differences, token: str | None
    ) -> None:
        wanted, found = self.desired(context) or {}, observed.fields
        if touches(differences, "document"):
            self._new_version(api, context)
        if touches(differences, "tags"):
            setting, removing = tag_changes(wanted["tags"], found["tags"])
            if setting:
                api.call("iam", "tag_policy", PolicyArn=observed.ref, Tags=from_tags(setting))
            if removing:
                api.call("iam", "untag_policy", PolicyArn=observed.ref, TagKeys=removing)
        for role in sorted(set(wanted["attachedTo"]) - set(found["attachedTo"])):
            api.call("iam", "attach_role_policy", RoleName=role, PolicyArn=observed.ref)
        for role in sorted(set(found["attachedTo"]) - set(wanted["attachedTo"])):
            self._detach(api, context, role, observed.ref)

    def delete(self, api: RegionAPI, context: Context, observed: Observed) -> None:
        for role in observed.fields["attachedTo"]:
            self._detach(api, context, role, observed.ref)
        for version in self._old_versions(api, observed.ref):
            api.find(
                "iam",
                "delete_policy_version",
                MISSING,
                PolicyArn=observed.ref,
                VersionId=version,
            )
        api.find("iam", "delete_policy", MISSING, PolicyArn=observed.ref)

    def _arn(self, context: Context) -> str:
        return context.iam_arn("policy", self.resource_name(context))

    def _new_version(self, api: RegionAPI, context: Context) -> None:
        arn = self._arn(context)
        old = self._old_versions(api, arn)
        if len(old) + 1 >= _MOST_VERSIONS:
            api.find("iam", "delete_policy_version", MISSING, PolicyArn=arn, VersionId=old[0])
        api.call(
            "iam",
            "create_policy_version",
            PolicyArn=arn,
            PolicyDocument=json.dumps(DOCUMENT),
            SetAsDefault=True,
        )

    @staticmethod
    def _old_versions(api: RegionAPI, arn: str) -> list[str]:
        """Ids of the versions that are not in force, the oldest first."""
        versions = api.pages("iam", "list_policy_versions", "Versions", PolicyArn=arn)
        old = [v for v in versions if not v["IsDefaultVersion"]]
        return [v["VersionId"] for v in sorted(old, key=lambda v: int(v["VersionId"][1:]))]

    @staticmethod
    def _detach(api: RegionAPI, context: Context, role: str, arn: str) -> None:
        """Detach; and if the role is one of ours that the spec no longer names, remove it as well."""
        api.find("iam", "detach_role_policy", MISSING, RoleName=role, PolicyArn=arn)
        connector = context.spec.connector
        if connector and role in {
            connector.existing_role_name,
            connector.role.name if connector.role else "",
        }:
            return
        answer = api.find("iam", "get_role", MISSING, RoleName=role)
        if answer is None or answer["Role"].get("Path") != ROLE_PATH:
            return
        observed = observe_role(api, role, context.owner)
        if observed is not None and observed.ownership is Ownership.OURS:
            delete_role(api, role, observed.fields)

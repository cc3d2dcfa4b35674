"""What the kinds that own an IAM role share: reading it, mending it field by field, deleting it."""

import json
from collections.abc import Mapping
from typing import Any, Final

from zerotouch.api.meta import OWNER_TAG
from zerotouch.aws.calls import RegionAPI
from zerotouch.aws.errors import AWSError
from zerotouch.desired.context import ROLE_PATH, Context
from zerotouch.plan.change import Difference
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

MISSING: Final = ("NoSuchEntity", "NoSuchEntityException")
EXISTS: Final = ("EntityAlreadyExists", "EntityAlreadyExistsException")


class OwnedRole:
    """Base of a kind that is an IAM role of ours: how it is made, mended and deleted."""

    def resource_name(self, context: Context) -> str:
        """Name of the role."""
        raise NotImplementedError

    def desired(self, context: Context) -> Fields | None:
        """None where it is not wanted."""
        raise NotImplementedError

    def create(self, api: RegionAPI, context: Context, token: str | None) -> None:
        create_role(api, self.resource_name(context), self.desired(context) or {})

    def update(
        self, api: RegionAPI, context: Context, observed: Observed, differences: Differences, token: str | None
    ) -> None:
        update_role(api, self.resource_name(context), self.desired(context) or {}, observed.fields, differences)

    def delete(self, api: RegionAPI, context: Context, observed: Observed) -> None:
        delete_role(api, self.resource_name(context), observed.fields)


def observe_role(api: RegionAPI, name: str, owner: str) -> Observed | None:
    """Description, trust, tags, boundary, and everything that is attached to it or stands in it."""
    answer = api.find("iam", "get_role", MISSING, RoleName=name)
    if answer is None:
        return None
    role = answer["Role"]
    tags = to_tags(role.get("Tags") or [])
    if role.get("Path") != ROLE_PATH:
        # Our rights do not reach there, and rules refer to our path.
        return Observed({}, role["Arn"], Ownership.FOREIGN, tags.get(OWNER_TAG))
    inline = {
        policy: as_tree(api.call("iam", "get_role_policy", RoleName=name, PolicyName=policy)["PolicyDocument"])
        for policy in api.pages("iam", "list_role_policies", "PolicyNames", RoleName=name)
    }
    attached = api.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name)
    return Observed(
        fields={
            "description": role.get("Description"),
            "trust": as_tree(role["AssumeRolePolicyDocument"]),
            "permissionsBoundary": (role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn"),
            "tags": tags,
            "inlinePolicies": inline,
            "attachedPolicies": sorted(p["PolicyArn"] for p in attached),
        },
        ref=role["Arn"],
        ownership=by_tags(tags, owner),
        owner=tags.get(OWNER_TAG),
    )


def create_role(api: RegionAPI, name: str, wanted: Fields) -> None:
    """The role with its inline policies. One that exists already is no error: it is observed again."""
    boundary = wanted["permissionsBoundary"]
    try:
        api.call(
            "iam",
            "create_role",
            Path=ROLE_PATH,
            RoleName=name,
            Description=wanted["description"],
            AssumeRolePolicyDocument=json.dumps(wanted["trust"]),
            Tags=from_tags(wanted["tags"]),
            **({"PermissionsBoundary": boundary} if boundary else {}),
        )
    except AWSError as error:
        if error.code not in EXISTS:
            raise
        return
    _put_inline(api, name, wanted["inlinePolicies"])


def update_role(
    api: RegionAPI,
    name: str,
    wanted: Fields,
    found: Fields,
    differences: tuple[Difference, ...],
) -> None:
    """Mend exactly what differs. Attached policies are removed, never added: the connector's attachment has a kind of its own."""
    if touches(differences, "trust"):
        api.call(
            "iam",
            "update_assume_role_policy",
            RoleName=name,
            PolicyDocument=json.dumps(wanted["trust"]),
        )
    if touches(differences, "description"):
        api.call("iam", "update_role_description", RoleName=name, Description=wanted["description"])
    if touches(differences, "permissionsBoundary"):
        _mend_boundary(api, name, wanted["permissionsBoundary"])
    if touches(differences, "tags"):
        setting, removing = tag_changes(wanted["tags"], found["tags"])
        if setting:
            api.call("iam", "tag_role", RoleName=name, Tags=from_tags(setting))
        if removing:
            api.call("iam", "untag_role", RoleName=name, TagKeys=removing)
    changed = {
        policy: document
        for policy, document in wanted["inlinePolicies"].items()
        if touches(differences, f"inlinePolicies.{policy}")
    }
    _put_inline(api, name, changed)
    for policy in sorted(found["inlinePolicies"].keys() - wanted["inlinePolicies"].keys()):
        api.find("iam", "delete_role_policy", MISSING, RoleName=name, PolicyName=policy)
    for arn in sorted(set(found["attachedPolicies"]) - set(wanted["attachedPolicies"])):
        api.find("iam", "detach_role_policy", MISSING, RoleName=name, PolicyArn=arn)


def delete_role(api: RegionAPI, name: str, found: Fields) -> None:
    """The role and what would keep AWS from deleting it."""
    for arn in found["attachedPolicies"]:
        api.find("iam", "detach_role_policy", MISSING, RoleName=name, PolicyArn=arn)
    for policy in sorted(found["inlinePolicies"]):
        api.find("iam", "delete_role_policy", MISSING, RoleName=name, PolicyName=policy)
    api.find("iam", "delete_role", MISSING, RoleName=name)


def as_tree(document: Any) -> Any:
    """A policy document as a tree in which a single value equals a list of one and the order of lists does not count.

    Source: IAM JSON policy reference, "Grammar": most elements accept a string or a list of strings.
    """
    tree = json.loads(document) if isinstance(document, str) else document
    return _normal(tree, None)


def allowed(policies: Mapping[str, Any], action: str) -> list[str]:
    """Resources for which the policies, each a tree as `as_tree` makes it, name the action."""
    return [
        resource
        for policy in policies.values()
        for statement in policy.get("Statement", ())
        if statement.get("Effect") == "Allow" and action in statement.get("Action", ())
        for resource in statement.get("Resource", ())
    ]


_LISTS: Final = frozenset({"Action", "NotAction", "Resource", "NotResource", "Service", "AWS", "Federated"})


def _normal(node: Any, key: str | None) -> Any:
    if key == "Statement":
        statements = [_normal(item, None) for item in (node if isinstance(node, list) else [node])]
        return sorted(statements, key=lambda s: json.dumps(s, sort_keys=True))
    if isinstance(node, Mapping):
        inside = {k: _normal(v, k) for k, v in node.items()}
        if key == "Condition":
            return {op: {k: _as_list(v) for k, v in values.items()} for op, values in inside.items()}
        return inside
    if isinstance(node, list):
        items = [_normal(item, None) for item in node]
        return sorted(items) if all(isinstance(i, str) for i in items) else items
    return [node] if key in _LISTS and isinstance(node, str) else node


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _put_inline(api: RegionAPI, name: str, policies: Mapping[str, Any]) -> None:
    for policy, document in policies.items():
        api.call(
            "iam",
            "put_role_policy",
            RoleName=name,
            PolicyName=policy,
            PolicyDocument=json.dumps(document),
        )


def _mend_boundary(api: RegionAPI, name: str, boundary: str | None) -> None:
    if boundary:
        api.call(
            "iam",
            "put_role_permissions_boundary",
            RoleName=name,
            PermissionsBoundary=boundary,
        )
    else:
        api.call("iam", "delete_role_permissions_boundary", RoleName=name)

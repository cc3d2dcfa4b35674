"""What the kinds that own an IAM role share."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.reconcile.drift.model import ACCOUNT, PREFIX, Break, KindDrift, Then, context, documents
from zerotouch.api.meta import OWNER_TAG
from zerotouch.resources.service_role import ServiceRole

_ADMINISTRATOR: Final = "arn:aws:iam::aws:policy/AdministratorAccess"
# Another value for each leaf of a policy document.
OTHER: Final[dict[str, Any]] = {
    "Version": "2008-10-17",
    "Effect": "Deny",
    "Action": ["sts:TagSession"],
    "Resource": ["*"],
    "Service": ["events.amazonaws.com", "ec2.amazonaws.com"],
    "AWS": ["*"],
    "aws:SourceAccount": ["123456789012", "210987654321"],
    "sts:ExternalId": ["canary-other"],
}
SENT: Final = {
    "create_role.Path": "(part of the identity)",
    "create_role.RoleName": "(identity)",
    "create_role.Description": "description",
    "create_role.AssumeRolePolicyDocument": "trust",
    "create_role.Tags": "tags",
    "create_role.PermissionsBoundary": "permissionsBoundary",
}
SENT_INLINE: Final = {
    "put_role_policy.RoleName": "(identity)",
    "put_role_policy.PolicyName": "inlinePolicies",
    "put_role_policy.PolicyDocument": "inlinePolicies",
}


def role_breaks(name: str, trust: Mapping[str, Any]) -> Iterator[Break]:
    """`trust`: as it is wanted in the tests' account."""

    def tag(key: str, value: str) -> Any:
        return lambda a: a.client("iam").tag_role(RoleName=name, Tags=[{"Key": key, "Value": value}])

    def put_trust(account: Any, document: dict[str, Any]) -> None:
        text = json.dumps(document).replace(ACCOUNT, account.id)
        account.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=text)

    def add_policy(account: Any) -> None:
        account.client("iam").put_role_policy(RoleName=name, PolicyName="more", PolicyDocument=_wide())

    def bound(account: Any) -> None:
        account.client("iam").put_role_permissions_boundary(RoleName=name, PermissionsBoundary=_ADMINISTRATOR)

    def attach(account: Any) -> None:
        account.client("iam").attach_role_policy(RoleName=name, PolicyArn=_ADMINISTRATOR)

    yield Break("exists", "deleted", lambda a: _delete(a, name))
    yield Break("description", "changed", lambda a: a.client("iam").update_role(RoleName=name, Description="x"))
    yield from documents("trust", trust, put_trust, OTHER)
    yield Break("permissionsBoundary", "added", bound)
    yield Break("tags.team", "changed", tag("team", "x"))
    yield Break("tags.team", "removed", lambda a: a.client("iam").untag_role(RoleName=name, TagKeys=["team"]))
    yield Break("tags.more", "added", tag("more", "x"))
    yield Break(
        f"tags.{OWNER_TAG}",
        "another owner",
        tag(OWNER_TAG, "x/y/z"),
        Then.CONFLICT,
        lambda a: tag(OWNER_TAG, a.owner)(a),
    )
    yield Break("inlinePolicies.more", "a policy added", add_policy)
    yield Break("attachedPolicies", "a policy attached", attach)


def service_role(kind: ServiceRole, spec: Mapping[str, Any]) -> KindDrift:
    """A role that EventBridge assumes, with its one policy. `spec`: what it takes for it to exist."""
    name, policy = f"{PREFIX}-{kind.suffix}", kind.policy_name
    wanted = kind.desired(context(kind, **spec)) or {}

    def put(account: Any, document: dict[str, Any]) -> None:
        text = json.dumps(document).replace(ACCOUNT, account.id)
        account.client("iam").put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=text)

    def remove(account: Any) -> None:
        account.client("iam").delete_role_policy(RoleName=name, PolicyName=policy)

    breaks = (
        *role_breaks(name, wanted["trust"]),
        *documents(f"inlinePolicies.{policy}", wanted["inlinePolicies"][policy], put, OTHER),
        Break(f"inlinePolicies.{policy}", "removed", remove),
    )
    return KindDrift(kind, breaks, {**SENT, **SENT_INLINE}, spec=spec)


def _delete(account: Any, name: str) -> None:
    iam = account.client("iam")
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=name)


def _wide() -> str:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

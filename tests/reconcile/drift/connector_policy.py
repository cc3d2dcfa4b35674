"""Kind `ConnectorPolicy`."""

import json
from typing import Any

from tests.reconcile.drift.model import CONNECTOR, PREFIX, Break, KindDrift, Then, documents
from tests.reconcile.drift.roles import OTHER
from zerotouch.api.meta import OWNER_TAG
from zerotouch.resources.connector_policy import DOCUMENT, ConnectorPolicy

_ROLE = CONNECTOR["role"]["name"]


def _arn(account: Any) -> str:
    return f"arn:aws:iam::{account.id}:policy/zerotouch/{PREFIX}-connector"


def _put(account: Any, document: dict[str, Any]) -> None:
    iam, arn = account.client("iam"), _arn(account)
    for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(document), SetAsDefault=True)


def _tag(key: str, value: str) -> Any:
    return lambda a: a.client("iam").tag_policy(PolicyArn=_arn(a), Tags=[{"Key": key, "Value": value}])


def _mark(account: Any) -> None:
    _tag(OWNER_TAG, account.owner)(account)


def _detach(account: Any) -> None:
    account.client("iam").detach_role_policy(RoleName=_ROLE, PolicyArn=_arn(account))


def _delete(account: Any) -> None:
    iam, arn = account.client("iam"), _arn(account)
    for role in iam.list_entities_for_policy(PolicyArn=arn, EntityFilter="Role")["PolicyRoles"]:
        iam.detach_role_policy(RoleName=role["RoleName"], PolicyArn=arn)
    for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=arn)


DRIFT = KindDrift(
    ConnectorPolicy(),
    (
        Break("exists", "deleted", _delete),
        *documents("document", DOCUMENT, _put, {**OTHER, "Resource": ["arn:aws:ec2:*:*:instance/*"]}),
        Break("tags.team", "changed", _tag("team", "x")),
        Break("tags.more", "added", _tag("more", "x")),
        Break(f"tags.{OWNER_TAG}", "another owner", _tag(OWNER_TAG, "x/y/z"), Then.CONFLICT, _mark),
        Break("attachedTo", "detached", _detach),
    ),
    sent={
        "create_policy.PolicyName": "(identity)",
        "create_policy.Path": "(part of the identity)",
        "create_policy.Description": "(AWS offers no way to change it)",
        "create_policy.PolicyDocument": "document",
        "create_policy.Tags": "tags",
        "attach_role_policy.RoleName": "attachedTo",
        "attach_role_policy.PolicyArn": "(identity)",
    },
)

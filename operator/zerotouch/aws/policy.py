"""The IAM policies that the operator needs: the least that its calls can do with.

Source of actions, resources and condition keys: Service Authorization Reference; for connections also the EventBridge
user guide ("Permissions for connections": the secret behind a connection is managed with the caller's permissions).
"""

import re
from collections.abc import Sequence
from typing import Any, Final

# A managed policy has at most 6,144 characters; quotes, commas and the rest need some of them.
_MOST_CHARACTERS: Final = 5000
PATH = "zerotouch"
HOST_MANAGEMENT: Final = "/ssm/managed-instance/default-ec2-instance-management-role"
"""The service setting of Default Host Management: SSM manages instances without an instance profile of their own."""
# ReceiveMessage: the letters are looked at, and stay.
_READS = ("Describe", "Get", "List", "ReceiveMessage")
_QUEUE: Final = (
    "sqs:CreateQueue",
    "sqs:DeleteQueue",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ListQueueTags",
    "sqs:ReceiveMessage",
    "sqs:SetQueueAttributes",
    "sqs:TagQueue",
    "sqs:UntagQueue",
)
"""To keep a queue, and to read it."""


def account_policy(
    partition: str,
    account_id: str,
    name_prefix: str,
    existing_connector_role: str | None = None,
) -> dict[str, Any]:
    """What the operator's role in an account may do."""
    events = f"arn:{partition}:events:*:{account_id}"
    iam = f"arn:{partition}:iam::{account_id}"
    secret = f"arn:{partition}:secretsmanager:*:{account_id}:secret:events!connection/{name_prefix}/*"
    roles = [f"{iam}:role/{PATH}/*"]
    attachable = [*roles, f"{iam}:role/{existing_connector_role}"] if existing_connector_role else roles
    policy = f"{iam}:policy/{PATH}/{name_prefix}-connector"
    statements = [
        _allow("Regions", ["ec2:DescribeRegions"], "*"),
        _allow(
            "Inventory",
            [
                "ssm:AddTagsToResource",
                "ssm:CreateAssociation",
                "ssm:DeleteAssociation",
                "ssm:DescribeAssociation",
                "ssm:ListTagsForResource",
                "ssm:RemoveTagsFromResource",
                "ssm:UpdateAssociation",
            ],
            [
                f"arn:{partition}:ssm:*:{account_id}:association/*",
                f"arn:{partition}:ssm:*::document/AWS-GatherSoftwareInventory",
            ],
        ),
        _allow("InventoryList", ["ssm:ListAssociations"], "*"),
        # Not needed where spec.coverage.enabled is false.
        _allow("Coverage", ["ec2:DescribeInstances", "ssm:DescribeInstanceInformation", "ssm:GetInventory"], "*"),
        _allow(
            "CoverageHostManagement",
            ["ssm:GetServiceSetting"],
            f"arn:{partition}:ssm:*:{account_id}:servicesetting{HOST_MANAGEMENT}",
        ),
        _allow(
            "Connection",
            [
                "events:CreateConnection",
                "events:DeleteConnection",
                "events:DescribeConnection",
                "events:UpdateConnection",
            ],
            f"{events}:connection/{name_prefix}*",
        ),
        _allow(
            "ConnectionSecret",
            [
                "secretsmanager:CreateSecret",
                "secretsmanager:DeleteSecret",
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecret",
            ],
            secret,
        ),
        _allow(
            "Destination",
            [
                "events:CreateApiDestination",
                "events:DeleteApiDestination",
                "events:DescribeApiDestination",
                "events:UpdateApiDestination",
            ],
            [f"{events}:api-destination/{name_prefix}*", f"{events}:connection/{name_prefix}*"],
        ),
        # Neither knows resources: lists of what others have set up beside us.
        _allow("Beside", ["events:ListApiDestinations", "events:ListRuleNamesByTarget"], "*"),
        # A rule of others that leads to Qualys as well: is it enabled, and for which events?
        _allow("RuleLookup", ["events:DescribeRule"], f"{events}:rule/*"),
        _allow(
            "Rule",
            [
                "events:DeleteRule",
                "events:ListTagsForResource",
                "events:ListTargetsByRule",
                "events:PutRule",
                "events:PutTargets",
                "events:RemoveTargets",
                "events:TagResource",
                "events:UntagResource",
            ],
            [f"{events}:rule/{name_prefix}", f"{events}:rule/{name_prefix}-detection*"],
        ),
        _allow(
            "DeadLetters",
            [*_QUEUE],
            f"arn:{partition}:sqs:*:{account_id}:{name_prefix}-dead-letters",
        ),
        _allow("Evidence", ["cloudwatch:GetMetricData"], "*"),
        _allow(
            "Roles",
            [
                "iam:CreateRole",
                "iam:DeleteRole",
                "iam:DeleteRolePermissionsBoundary",
                "iam:DeleteRolePolicy",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListRolePolicies",
                "iam:PutRolePermissionsBoundary",
                "iam:PutRolePolicy",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRoleDescription",
            ],
            roles,
        ),
        # A role that does not exist has no path yet: asking for it is authorized on its bare name.
        _allow("RoleLookup", ["iam:GetRole"], f"{iam}:role/*"),
        _allow("Attachment", ["iam:AttachRolePolicy", "iam:DetachRolePolicy"], attachable),
        _allow(
            "ConnectorPolicy",
            [
                "iam:CreatePolicy",
                "iam:CreatePolicyVersion",
                "iam:DeletePolicy",
                "iam:DeletePolicyVersion",
                "iam:GetPolicy",
                "iam:GetPolicyVersion",
                "iam:ListEntitiesForPolicy",
                "iam:ListPolicyVersions",
                "iam:TagPolicy",
                "iam:UntagPolicy",
            ],
            policy,
        ),
        {
            **_allow(
                "PassRoles",
                ["iam:PassRole"],
                [f"{iam}:role/{PATH}/{name_prefix}-{suffix}" for suffix in ("detection", "events", "forward")],
            ),
            "Condition": {"StringEquals": {"iam:PassedToService": "events.amazonaws.com"}},
        },
        {
            **_allow(
                "ServiceLinkedRole",
                ["iam:CreateServiceLinkedRole"],
                f"{iam}:role/aws-service-role/apidestinations.events.amazonaws.com/*",
            ),
            "Condition": {"StringEquals": {"iam:AWSServiceName": "apidestinations.events.amazonaws.com"}},
        },
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def observe_policy(
    partition: str, account_id: str, name_prefix: str, existing_connector_role: str | None = None
) -> dict[str, Any]:
    """What suffices for mode Observe: of the above, what reads."""
    policy = account_policy(partition, account_id, name_prefix, existing_connector_role)
    statements = []
    for statement in policy["Statement"]:
        actions = [a for a in statement["Action"] if a.partition(":")[2].startswith(_READS)]
        # Reading a secret's value would be a right to read; nothing looks into them.
        if actions and statement["Sid"] != "ConnectionSecret":
            statements.append({**statement, "Action": actions})
    return {**policy, "Statement": statements}


def import_policy(partition: str, account_id: str) -> dict[str, Any]:
    """What `zerotouch import` reads: all that mode Observe reads, of any name, and the lists in which it finds it."""
    policy = observe_policy(partition, account_id, "*")
    iam = f"arn:{partition}:iam::{account_id}"
    found = [
        _allow("ImportRules", ["events:ListRules"], "*"),
        _allow("ImportPolicies", ["iam:ListPolicies"], "*"),
        _allow(
            "ImportRoles",
            ["iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"],
            f"{iam}:role/*",
        ),
        _allow("ImportConnector", ["iam:GetPolicyVersion", "iam:ListEntitiesForPolicy"], f"{iam}:policy/*"),
    ]
    return {**policy, "Statement": [*policy["Statement"], *found]}


def simulate_policy(partition: str, account_id: str, name_prefix: str) -> dict[str, Any]:
    """What `zerotouch simulate` adds to an account's role. TestEventPattern knows no resources."""
    events = f"arn:{partition}:events:*:{account_id}"
    rule = [
        "events:DeleteRule",
        "events:DescribeRule",
        "events:ListTagsForResource",
        "events:PutRule",
        "events:PutTargets",
        "events:RemoveTargets",
        "events:TagResource",
    ]
    statements = [
        _allow("SimulationRule", rule, f"{events}:rule/{name_prefix}-simulate"),
        _allow("SimulationEvent", ["events:PutEvents"], f"{events}:event-bus/default"),
        _allow("SimulationPattern", ["events:TestEventPattern"], "*"),
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def attribution_policy() -> dict[str, Any]:
    """What spec.detection.attribution adds to an account's role. LookupEvents knows no resources."""
    return {"Version": "2012-10-17", "Statement": [_allow("Attribution", ["cloudtrail:LookupEvents"], "*")]}


def events_policy(bus_arn: str) -> dict[str, Any]:
    """What drift by event adds to the operator's own identity: its bus with a rule, and a queue of the same name.

    PutPermission and RemovePermission know no resources. Without any write the operator tells what it finds wrong.
    """
    _, partition, _, region, account, bus = bus_arn.split(":", 5)
    name = bus.partition("/")[2]
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow(
                "Bus",
                [
                    "events:CreateEventBus",
                    "events:DeleteEventBus",
                    "events:DescribeEventBus",
                    "events:ListTagsForResource",
                    "events:TagResource",
                    "events:UntagResource",
                ],
                bus_arn,
            ),
            _allow("BusPolicy", ["events:PutPermission", "events:RemovePermission"], "*"),
            _allow(
                "Rule",
                [
                    "events:DeleteRule",
                    "events:DescribeRule",
                    "events:ListTagsForResource",
                    "events:ListTargetsByRule",
                    "events:PutRule",
                    "events:PutTargets",
                    "events:RemoveTargets",
                    "events:TagResource",
                    "events:UntagResource",
                ],
                f"arn:{partition}:events:{region}:{account}:rule/{name}/{name}",
            ),
            _allow(
                "Queue",
                sorted([*_QUEUE, "sqs:DeleteMessage"]),
                f"arn:{partition}:sqs:{region}:{account}:{name}",
            ),
        ],
    }


def operator_policy(partition: str, role_name: str) -> dict[str, Any]:
    """What the operator's own identity may do: assume the role of every account."""
    return _assuming(f"arn:{partition}:iam::*:role/{role_name}")


def assuming_policy(role_arns: Sequence[str]) -> dict[str, Any]:
    """The same for exactly these roles; where they do not fit into a policy, for those names in any account."""
    if sum(map(len, role_arns)) > _MOST_CHARACTERS:
        role_arns = sorted({re.sub(r"::\d{12}:", "::*:", arn) for arn in role_arns})
    return _assuming(list(role_arns))


def _assuming(resource: str | list[str]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [_allow("Accounts", ["sts:AssumeRole", "sts:TagSession"], resource)]}


def trust_policy(operator_role_arn: str, external_id: str | None) -> dict[str, Any]:
    """Who may assume an account's role. TagSession is what EKS Pod Identity adds to every chained session."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"AWS": operator_role_arn},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
    }
    if external_id is not None:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _allow(sid: str, actions: list[str], resource: str | list[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}

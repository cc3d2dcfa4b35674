"""Which events of an account tell of changes to our resources. Pure.

Only changes arrive: EventBridge does not hand on calls that merely read. What failed, and what our own sessions did, is left
out; a field that is absent does not match `anything-but`, so its absence is named. What an event does not name (an
association's id) is left to the consumer. Sources: EventBridge user guide, "Event patterns", "AWS service events delivered
via AWS CloudTrail", events detail reference; CloudTrail user guide, "Global service events".
"""

from typing import Any, Final

from zerotouch.aws.access import session_name
from zerotouch.desired.context import ROLE_PATH, Context
from zerotouch.resources.association import DOCUMENT

_SOURCES: Final = ("aws.events", "aws.secretsmanager", "aws.sqs", "aws.ssm")
_IAM_REGIONS: Final = {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


def iam_events_region(partition: str) -> str:
    """Where IAM's events appear."""
    return _IAM_REGIONS.get(partition, "us-east-1")


def our_session(context: Context) -> str:
    """ARN under which the operator acts in the account; a role's path is not part of it."""
    role = context.spec.access.role_arn.rsplit("/", 1)[-1]
    return f"arn:{context.partition}:sts::{context.account_id}:assumed-role/{role}/{session_name(context.owner)}"


def region_pattern(context: Context) -> dict[str, Any]:
    """Changes to what stands in this region."""
    prefix = context.prefix
    named = [{"prefix": prefix}]
    return _pattern(
        context,
        context.scope,
        _SOURCES,
        [
            # Without a trail: what EventBridge tells of connections by itself.
            {"ConnectionName": named},
            {"ApiDestinationName": named},
            _parameter(name=named),
            _parameter(rule=named),
            _parameter(resourceARN=[{"wildcard": f"*:rule/{prefix}*"}]),
            _parameter(name=[DOCUMENT]),
            _parameter(entries={"name": [DOCUMENT]}),
            {"eventName": ["UpdateAssociation", "DeleteAssociation"]},
            _parameter(resourceType=["Association"]),
            _parameter(queueName=named),
            _parameter(queueUrl=[{"wildcard": f"*/{context.account_id}/{prefix}*"}]),
            _parameter(secretId=[{"wildcard": f"*events!connection/{prefix}/*"}]),
        ],
    )


def iam_pattern(context: Context) -> dict[str, Any]:
    """Changes to our roles and policies."""
    roles: list[Any] = [{"prefix": context.prefix}]
    connector = context.spec.connector
    if connector is not None:
        roles += [connector.role.name if connector.role else connector.existing_role_name]
    policies = f"arn:{context.partition}:iam::{context.account_id}:policy{ROLE_PATH}{context.prefix}"
    return _pattern(
        context,
        iam_events_region(context.partition),
        ("aws.iam",),
        [_parameter(roleName=roles), _parameter(policyArn=[{"prefix": policies}])],
    )


def _pattern(context: Context, region: str, sources: tuple[str, ...], what: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "account": [context.account_id],
        "region": [region],
        "source": list(sources),
        "detail": {
            "errorCode": [{"exists": False}],
            "userIdentity": {"arn": [{"exists": False}, {"anything-but": [our_session(context)]}]},
            "$or": what,
        },
    }


def _parameter(**named: Any) -> dict[str, Any]:
    return {"requestParameters": named}

"""Which Terraform resource a request of AWS's API is, and what its parameters are called there.

Source: documentation of the provider hashicorp/aws, 6.0.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from zerotouch.templates.expressions import translated
from zerotouch.templates.hcl import Call


@dataclass(frozen=True)
class Attribute:
    name: str
    convert: Callable[[Any], Any] = lambda value: value


@dataclass(frozen=True)
class Nested:
    name: str
    fields: "Fields"


Fields = Mapping[str, Attribute | Nested]


def _attributes(**names: str) -> dict[str, Attribute | Nested]:
    return {key: Attribute(name) for key, name in names.items()}


def _encoded(text: str) -> Call:
    return Call("jsonencode", translated(json.loads(text)))


def _tags(pairs: list[dict[str, str]]) -> dict[str, Any]:
    return {pair["Key"]: pair["Value"] for pair in pairs}


def _first_of_each(lists: Mapping[str, list[str]]) -> dict[str, str]:
    return {key: value for key, (value,) in lists.items()}


_TAGS: Final[Fields] = {"Tags": Attribute("tags", _tags)}
_PARAMETER: Final = _attributes(Key="key", Value="value", IsValueSecret="is_value_secret")
RESOURCES: Final[Mapping[str, tuple[str, Fields]]] = {
    "create_connection": (
        "aws_cloudwatch_event_connection",
        {
            **_attributes(Name="name", Description="description", AuthorizationType="authorization_type"),
            "AuthParameters": Nested(
                "auth_parameters",
                {
                    "ApiKeyAuthParameters": Nested("api_key", _attributes(ApiKeyName="key", ApiKeyValue="value")),
                    "InvocationHttpParameters": Nested(
                        "invocation_http_parameters",
                        {
                            "HeaderParameters": Nested("header", _PARAMETER),
                            "QueryStringParameters": Nested("query_string", _PARAMETER),
                            "BodyParameters": Nested("body", _PARAMETER),
                        },
                    ),
                },
            ),
        },
    ),
    "create_api_destination": (
        "aws_cloudwatch_event_api_destination",
        _attributes(
            Name="name",
            Description="description",
            ConnectionArn="connection_arn",
            InvocationEndpoint="invocation_endpoint",
            HttpMethod="http_method",
            InvocationRateLimitPerSecond="invocation_rate_limit_per_second",
        ),
    ),
    "put_rule": (
        "aws_cloudwatch_event_rule",
        {
            **_attributes(Name="name", Description="description", State="state"),
            "EventPattern": Attribute("event_pattern", _encoded),
            **_TAGS,
        },
    ),
    "create_association": (
        "aws_ssm_association",
        {
            **_attributes(
                AssociationName="association_name",
                Name="name",
                DocumentVersion="document_version",
                ScheduleExpression="schedule_expression",
            ),
            "Parameters": Attribute("parameters", _first_of_each),
            **_TAGS,
            "Targets": Nested("targets", _attributes(Key="key", Values="values")),
        },
    ),
    "create_role": (
        "aws_iam_role",
        {
            **_attributes(
                RoleName="name", Path="path", Description="description", PermissionsBoundary="permissions_boundary"
            ),
            "AssumeRolePolicyDocument": Attribute("assume_role_policy", _encoded),
            **_TAGS,
        },
    ),
    "create_policy": (
        "aws_iam_policy",
        {
            **_attributes(PolicyName="name", Path="path", Description="description"),
            "PolicyDocument": Attribute("policy", _encoded),
            **_TAGS,
        },
    ),
    "create_queue": (
        "aws_sqs_queue",
        {
            **_attributes(
                QueueName="name",
                MessageRetentionPeriod="message_retention_seconds",
                SqsManagedSseEnabled="sqs_managed_sse_enabled",
                tags="tags",
            ),
            "Policy": Attribute("policy", _encoded),
        },
    ),
    "put_targets": (
        "aws_cloudwatch_event_target",
        {
            **_attributes(Rule="rule", Id="target_id", Arn="arn", RoleArn="role_arn"),
            "RetryPolicy": Nested(
                "retry_policy",
                _attributes(
                    MaximumEventAgeInSeconds="maximum_event_age_in_seconds",
                    MaximumRetryAttempts="maximum_retry_attempts",
                ),
            ),
            "DeadLetterConfig": Nested("dead_letter_config", _attributes(Arn="arn")),
        },
    ),
    "put_role_policy": (
        "aws_iam_role_policy",
        {**_attributes(RoleName="role", PolicyName="name"), "PolicyDocument": Attribute("policy", _encoded)},
    ),
    "attach_role_policy": ("aws_iam_role_policy_attachment", _attributes(RoleName="role", PolicyArn="policy_arn")),
}

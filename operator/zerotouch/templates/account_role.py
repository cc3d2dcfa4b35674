"""The role that the operator assumes in an account, as templates.

Meant for a StackSet with service-managed permissions over an organization's units, or for one account by hand.
"""

from dataclasses import dataclass
from typing import Any, Final

from zerotouch.api.spec import Mode
from zerotouch.api.zerotouch import QualysZeroTouchSpec
from zerotouch.aws.policy import account_policy, attribution_policy, observe_policy, trust_policy
from zerotouch.templates import parameters as p
from zerotouch.templates.expressions import translated
from zerotouch.templates.hcl import Block, Call, Expression, document
from zerotouch.templates.intrinsics import get_att, intrinsic
from zerotouch.templates.terraform_variables import matches, preamble, variable

_OPERATOR_PATTERN: Final = "^arn:aws[a-z-]*:(iam|sts)::[0-9]{12}:.+$"
_BOUNDARY_PATTERN: Final = r"^(arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\w+=,.@/-]+)?$"
_OPTIONAL_NAME_PATTERN: Final = r"^[\w+=,.@-]{0,64}$"
_TEXTS: Final = {
    "OperatorRoleARN": "ARN of the operator's own role.",
    "ExternalID": "spec.access.externalID of the QualysZeroTouch.",
    "RoleName": "spec.access.roleName of the QualysZeroTouch.",
    "NamePrefix": "spec.namePrefix of the QualysZeroTouch.",
    "ExistingConnectorRoleName": "spec.connector.existingRoleName of the QualysZeroTouch, where given: the operator may then "
    "attach its policy to that role.",
    "PermissionsBoundaryARN": "A policy that bounds this role, where your organization wants one.",
}
_TRUST: Final = trust_policy(p.OPERATOR_ROLE, p.EXTERNAL_ID)
_DESCRIPTION: Final = "Assumed by the zerotouch operator."
_POLICY_NAME: Final = "zerotouch"


@dataclass(frozen=True)
class _Defaults:
    """What the parameters are where nobody gives them; an empty external id has to be given."""

    role_name: str = "zerotouch"
    name_prefix: str = "qualys-zerotouch"
    existing_connector_role: str = ""
    external_id: str = ""


def account_role_template(spec: QualysZeroTouchSpec | None = None) -> dict[str, Any]:
    """CloudFormation, with the permissions that the tests enforce; of a spec, its names and what it needs of them."""
    given = _defaults(spec)
    external = {"Default": given.external_id} if given.external_id else {}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The role by which zerotouch sets up this account for Qualys zero-touch API-based scans.",
        "Parameters": {
            "OperatorRoleARN": _parameter("OperatorRoleARN", AllowedPattern=_OPERATOR_PATTERN),
            "ExternalID": _parameter("ExternalID", NoEcho=True, **external, MinLength=2, MaxLength=1224),
            "RoleName": _parameter("RoleName", Default=given.role_name, AllowedPattern=p.ROLE_NAME_PATTERN),
            "NamePrefix": _parameter("NamePrefix", Default=given.name_prefix, AllowedPattern=p.NAME_PREFIX_PATTERN),
            "ExistingConnectorRoleName": _parameter(
                "ExistingConnectorRoleName",
                Default=given.existing_connector_role,
                AllowedPattern=_OPTIONAL_NAME_PATTERN,
            ),
            "PermissionsBoundaryARN": _parameter(
                "PermissionsBoundaryARN", Default="", AllowedPattern=_BOUNDARY_PATTERN
            ),
        },
        "Conditions": {
            "HasConnectorRole": _given("ExistingConnectorRoleName"),
            "HasBoundary": _given("PermissionsBoundaryARN"),
        },
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "RoleName": {"Ref": "RoleName"},
                    "Description": _DESCRIPTION,
                    "AssumeRolePolicyDocument": intrinsic(_TRUST),
                    "PermissionsBoundary": _if("HasBoundary", {"Ref": "PermissionsBoundaryARN"}),
                    "Policies": [{"PolicyName": _POLICY_NAME, "PolicyDocument": _optional(intrinsic(_policy(spec)))}],
                },
            }
        },
        "Outputs": {"RoleARN": {"Value": get_att("Role"), "Description": "ARN of the role."}},
    }


def account_role_module(spec: QualysZeroTouchSpec | None = None) -> str:
    """The same for Terraform."""
    boundary = "var.permissions_boundary_arn"
    role = [
        ("name", Expression("var.role_name")),
        ("description", _DESCRIPTION),
        ("permissions_boundary", Expression(f'{boundary} == "" ? null : {boundary}')),
        ("assume_role_policy", Call("jsonencode", translated(_TRUST))),
    ]
    policy = [
        ("role", Expression("aws_iam_role.zerotouch.name")),
        ("name", _POLICY_NAME),
        ("policy", Call("jsonencode", translated(_policy(spec)))),
    ]
    output = [("description", "ARN of the role."), ("value", Expression("aws_iam_role.zerotouch.arn"))]
    return document(
        [
            *preamble(),
            *_variables(_defaults(spec)),
            Block("resource", ["aws_iam_role", "zerotouch"], role),
            Block("resource", ["aws_iam_role_policy", "zerotouch"], policy),
            Block("output", ["role_arn"], output),
        ]
    )


def _defaults(spec: QualysZeroTouchSpec | None) -> _Defaults:
    if spec is None:
        return _Defaults()
    existing = spec.connector.existing_role_name if spec.connector else None
    return _Defaults(spec.access.role_name, spec.name_prefix, existing or "", spec.access.external_id or "")


def _policy(spec: QualysZeroTouchSpec | None) -> dict[str, Any]:
    """For mode Observe what reads; with attribution that as well."""
    make = observe_policy if spec is not None and spec.mode is Mode.OBSERVE else account_policy
    policy = make(p.PARTITION, p.ACCOUNT, p.NAME_PREFIX, p.EXISTING_CONNECTOR_ROLE)
    attributes = spec is not None and spec.detection is not None and spec.detection.attribution
    more = attribution_policy()["Statement"] if attributes else []
    return {**policy, "Statement": [*policy["Statement"], *more]}


def _variables(given: _Defaults) -> list[Block]:
    operator = (matches("operator_role_arn", _OPERATOR_PATTERN), "An IAM or STS ARN.")
    external = ("length(var.external_id) >= 2 && length(var.external_id) <= 1224", "2 to 1224 characters.")
    prefix = (matches("name_prefix", p.NAME_PREFIX_PATTERN), "3 to 32 letters, digits and dashes.")
    return [
        variable("operator_role_arn", _TEXTS["OperatorRoleARN"], valid=operator),
        variable(
            "external_id", _TEXTS["ExternalID"], sensitive=True, default=given.external_id or None, valid=external
        ),
        variable("role_name", _TEXTS["RoleName"], default=given.role_name),
        variable("name_prefix", _TEXTS["NamePrefix"], default=given.name_prefix, valid=prefix),
        variable(
            "existing_connector_role_name", _TEXTS["ExistingConnectorRoleName"], default=given.existing_connector_role
        ),
        variable("permissions_boundary_arn", _TEXTS["PermissionsBoundaryARN"], default=""),
    ]


def _parameter(name: str, **more: Any) -> dict[str, Any]:
    return {"Type": "String", **more, "Description": _TEXTS[name]}


def _given(parameter: str) -> dict[str, Any]:
    return {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}


def _if(condition: str, value: Any) -> dict[str, Any]:
    return {"Fn::If": [condition, value, {"Ref": "AWS::NoValue"}]}


def _optional(value: Any) -> Any:
    """What names the connector's role is left out where there is none."""
    if isinstance(value, dict):
        if p.EXISTING_CONNECTOR_ROLE in str(value.get("Fn::Sub", "")):
            return _if("HasConnectorRole", value)
        return {key: _optional(item) for key, item in value.items()}
    return [_optional(item) for item in value] if isinstance(value, list) else value

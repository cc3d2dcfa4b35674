"""CloudFormation templates of what the operator would make in an account."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from zerotouch.api.spec import Connector, DeletionPolicy
from zerotouch.api.zerotouch import QualysZeroTouchSpec
from zerotouch.desired.context import ROLE_PATH
from zerotouch.resources.base import from_tags
from zerotouch.templates import parameters as p
from zerotouch.templates.intrinsics import get_att, intrinsic
from zerotouch.templates.requests import Request, TemplateError, requests
from zerotouch.templates.target import Section, gateway_of, listed_regions, sections

# Operation → resource type, and properties that are called otherwise or not known to CloudFormation (None).
_CREATES: Final[Mapping[str, tuple[str, Mapping[str, str | None]]]] = {
    "create_association": ("AWS::SSM::Association", {}),
    "create_connection": ("AWS::Events::Connection", {}),
    "create_api_destination": ("AWS::Events::ApiDestination", {}),
    "put_rule": ("AWS::Events::Rule", {}),
    "create_role": ("AWS::IAM::Role", {}),
    "create_policy": ("AWS::IAM::ManagedPolicy", {"PolicyName": "ManagedPolicyName", "Tags": None}),
}
_JSON: Final = frozenset({"EventPattern", "AssumeRolePolicyDocument", "PolicyDocument"})
_SWITCHES: Final = {
    "InventoryAssociation": "CollectsInventory",
    "ConnectorRole": "MakesConnectorRole",
    "ConnectorPolicy": "HasConnector",
}
_MAIN: Final = "IsMainRegion"


@dataclass
class _Resource:
    type: str
    properties: dict[str, Any] = field(default_factory=dict)
    conditions: frozenset[str] = frozenset()


def region_template(spec: QualysZeroTouchSpec, defaults: bool = True) -> dict[str, Any]:
    """One account and region. `defaults`: whether the spec's own values are the parameters' defaults."""
    return _template(
        "Qualys zero-touch API-based scan in one AWS account and region.",
        spec,
        sections(spec, p.CLOUDFORMATION_OWNER, (p.REGION,)),
        _parameters(spec, defaults),
    )


def stack_set_template(spec: QualysZeroTouchSpec, defaults: bool = True) -> dict[str, Any]:
    """Many accounts and regions: every stack but that of the main region leaves the account-wide resources out."""
    main = {
        "MainRegion": {
            "Type": "String",
            "Default": "us-east-1",
            "AllowedPattern": r"^[a-z]{2,3}(-[a-z]+)+-[0-9]{1,2}$",
            "Description": "The region whose stack makes the IAM resources of the account. It must be among the StackSet's "
            "regions, and the first of them to be deployed.",
        }
    }
    return _template(
        "Qualys zero-touch API-based scan in many AWS accounts and regions, as a StackSet.",
        spec,
        sections(spec, p.CLOUDFORMATION_OWNER, listed_regions(spec)),
        {**_parameters(spec, defaults), **main},
    )


def _template(
    description: str, spec: QualysZeroTouchSpec, parts: tuple[Section, ...], parameters: dict[str, Any]
) -> dict[str, Any]:
    many = "MainRegion" in parameters
    made: dict[str, _Resource] = {}
    for section in parts:
        main = {_MAIN} if many and section.account_wide else set()
        for request in requests(section.kinds, section.context):
            _add(made, request, frozenset(main | ({_SWITCHES[request.kind]} if request.kind in _SWITCHES else set())))
    conditions = dict(_conditions(made))
    # An accidental removal of the stack must not end scanning where the operator would retain as well.
    retained = spec.deletion_policy is DeletionPolicy.RETAIN
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": description,
        "Metadata": _interface(parameters),
        "Parameters": parameters,
        "Rules": _RULES,
        "Conditions": conditions,
        "Resources": {name: _rendered(name, made, retained) for name in made},
    }


def _add(made: dict[str, _Resource], request: Request, conditions: frozenset[str]) -> None:
    params = {key: _parsed(key, value) for key, value in request.params.items() if value not in ([], {}, "")}
    if request.operation in _CREATES:
        kind, names = _CREATES[request.operation]
        properties = {names.get(key, key): _filled(value) for key, value in params.items()}
        made[request.kind] = _Resource(kind, {k: v for k, v in properties.items() if k is not None}, conditions)
        return
    match request.operation:
        case "create_queue":
            _add_queue(made, request, conditions)
        case "put_targets":
            made[request.kind].properties["Targets"] = params["Targets"]
        case "put_role_policy":
            policy = {key: params[key] for key in ("PolicyName", "PolicyDocument")}
            made[request.kind].properties.setdefault("Policies", []).append(policy)
        case "attach_role_policy":
            made[request.kind].properties.setdefault("Roles", []).append(params["RoleName"])
        case _:
            raise TemplateError(f"{request.kind}: {request.operation} has no counterpart in CloudFormation")


def _add_queue(made: dict[str, _Resource], request: Request, conditions: frozenset[str]) -> None:
    """SQS takes all attributes as text, and the policy among them."""
    attributes = dict(request.params["Attributes"])
    policy = json.loads(attributes.pop("Policy"))
    made[request.kind] = _Resource(
        "AWS::SQS::Queue",
        {
            "QueueName": request.params["QueueName"],
            **{key: json.loads(value) for key, value in attributes.items()},
            "Tags": from_tags(request.params["tags"]),
        },
        conditions,
    )
    properties = {"Queues": [f"${{{request.kind}}}"], "PolicyDocument": policy}
    made[f"{request.kind}Policy"] = _Resource("AWS::SQS::QueuePolicy", properties, conditions)


def _parsed(key: str, value: Any) -> Any:
    return json.loads(value) if key in _JSON else value


def _filled(value: Any) -> Any:
    """Without empty lists and blocks, which CloudFormation need not be told."""
    if isinstance(value, Mapping):
        return {k: _filled(v) for k, v in value.items() if v not in ([], {})}
    return value


def _rendered(name: str, made: Mapping[str, _Resource], retained: bool) -> dict[str, Any]:
    resource = made[name]
    policy = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"} if retained else {}
    condition = {"Condition": _condition_name(resource.conditions)} if resource.conditions else {}
    named = {text: reference for other in made if other != name for text, reference in _names(other, made[other])}
    return {
        "Type": resource.type,
        **condition,
        **policy,
        "Properties": {key: _linked(value, resource, named) for key, value in resource.properties.items()},
    }


@dataclass(frozen=True)
class _Reference:
    """How another resource of the template is referred to, and when it is there."""

    function: dict[str, Any]
    conditions: frozenset[str]


def _names(name: str, resource: _Resource) -> Iterator[tuple[str, _Reference]]:
    """What the kinds call it by in their requests, where they do so by name."""
    match resource.type:
        case "AWS::IAM::Role":
            role = resource.properties["RoleName"]
            arn = f"arn:{p.PARTITION}:iam::{p.ACCOUNT}:role{ROLE_PATH}{role}"
            yield role, _Reference({"Ref": name}, resource.conditions)
            yield arn, _Reference(get_att(name), resource.conditions)
        case "AWS::SQS::Queue":
            arn = f"arn:{p.PARTITION}:sqs:{p.REGION}:{p.ACCOUNT}:{resource.properties['QueueName']}"
            yield arn, _Reference(get_att(name), resource.conditions)


def _linked(value: Any, user: _Resource, named: Mapping[str, _Reference]) -> Any:
    """Intrinsic functions for placeholders. The name or ARN of a resource in the same stack becomes a reference, which tells
    CloudFormation the order; where it is in the stack of another region only, the name stays."""
    if isinstance(value, Mapping):
        return {key: _linked(item, user, named) for key, item in value.items()}
    if isinstance(value, list):
        return [_linked(item, user, named) for item in value]
    reference = named.get(value) if isinstance(value, str) else None
    if reference is None:
        return intrinsic(value)
    unsure = reference.conditions - user.conditions
    if unsure:
        return {"Fn::If": [_condition_name(unsure), reference.function, intrinsic(value)]}
    return reference.function


def _condition_name(conditions: frozenset[str]) -> str:
    return "And".join(sorted(conditions))


def _conditions(made: Mapping[str, _Resource]) -> Iterator[tuple[str, Any]]:
    """The single conditions, then those that are made of several."""
    several = {r.conditions for r in made.values() if len(r.conditions) > 1}
    used = {single for r in made.values() for single in r.conditions}
    for name, test in _TESTS.items():
        if name in used:
            yield name, test
    for names in sorted(several, key=sorted):
        yield _condition_name(names), {"Fn::And": [{"Condition": name} for name in sorted(names)]}


_TESTS: Final = {
    _MAIN: {"Fn::Equals": [{"Ref": "AWS::Region"}, {"Ref": "MainRegion"}]},
    "CollectsInventory": {"Fn::Equals": [{"Ref": "Inventory"}, "Enabled"]},
    "HasConnector": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Connector"}, "None"]}]},
    "MakesConnectorRole": {"Fn::Equals": [{"Ref": "Connector"}, "Role"]},
}
_NO_ACCOUNT: Final = "0" * 12
_RULES: Final = {
    "ConnectorRoleIsComplete": {
        "RuleCondition": {"Fn::Equals": [{"Ref": "Connector"}, "Role"]},
        "Assertions": [
            {
                "Assert": {"Fn::Not": [{"Fn::Equals": [{"Ref": name}, absent]}]},
                "AssertDescription": f"Connector Role needs {name}, as the Qualys console shows it.",
            }
            for name, absent in (("ConnectorAccountID", _NO_ACCOUNT), ("ConnectorExternalID", ""))
        ],
    }
}


def _parameters(spec: QualysZeroTouchSpec, defaults: bool) -> dict[str, Any]:
    connector = spec.connector or Connector.model_construct()
    role = connector.role
    gateway = {"Default": gateway_of(spec)} if defaults else {}
    return {
        "APIGatewayURL": {
            "Type": "String",
            **gateway,
            "AllowedPattern": p.GATEWAY_PATTERN,
            "ConstraintDescription": "https://HOST, without a slash at the end.",
            "Description": "The Qualys API gateway, from https://www.qualys.com/platform-identification/.",
        },
        "SubscriptionToken": {
            "Type": "String",
            "NoEcho": True,
            "MinLength": 24,
            "MaxLength": p.TOKEN_MOST,
            "AllowedPattern": p.TOKEN_PATTERN,
            "ConstraintDescription": f"A JWT: three parts joined by dots, at most {p.TOKEN_MOST} characters.",
            "Description": "The Qualys subscription token. Nothing but the connection keeps it, as a secret value.",
        },
        "Inventory": {
            "Type": "String",
            "Default": "Enabled",
            "AllowedValues": ["Enabled", "Disabled"],
            "Description": "Whether the stack makes the SSM inventory association. Disable it where one for all nodes exists "
            "already: AWS refuses a second one.",
        },
        "Connector": {
            "Type": "String",
            "Default": "Role" if role else "ExistingRole" if connector.existing_role_name else "None",
            "AllowedValues": ["None", "Role", "ExistingRole"],
            "Description": "The connector's permissions. Role: make the role ConnectorRoleName. ExistingRole: attach the policy "
            "to that role, which is there already.",
        },
        "ConnectorRoleName": {
            "Type": "String",
            "Default": role.name if role else connector.existing_role_name or f"{spec.name_prefix}-connector",
            "AllowedPattern": p.ROLE_NAME_PATTERN,
            "Description": "Name of the role that the Qualys connector assumes.",
        },
        "ConnectorAccountID": {
            "Type": "String",
            "Default": role.trusted_account_id if role else _NO_ACCOUNT,
            "AllowedPattern": "^[0-9]{12}$",
            "Description": "The Qualys AWS account that may assume the role, as the Qualys console shows it; zeros where none.",
        },
        "ConnectorExternalID": {
            "Type": "String",
            "NoEcho": True,
            "Default": role.external_id if role else "",
            "AllowedPattern": r"^([\w+=,.@:/-]{2,1224})?$",
            "Description": "The external id that the Qualys connector sends; with Connector Role.",
        },
    }


def _interface(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """How the console groups the parameters."""
    connector = [name for name in parameters if name.startswith("Connector")]
    groups = {
        "Qualys": ["APIGatewayURL", "SubscriptionToken"],
        "What is set up": [n for n in parameters if n in {"Inventory", "MainRegion"}],
        "The Qualys connector's permissions": connector,
    }
    listed = [{"Label": {"default": label}, "Parameters": names} for label, names in groups.items()]
    return {"AWS::CloudFormation::Interface": {"ParameterGroups": listed}}

"""CloudFormation templates of what the operator would make in an account."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from zerotouch.api.spec import DeletionPolicy
from zerotouch.api.zerotouch import QualysZeroTouchSpec
from zerotouch.desired.context import ROLE_PATH
from zerotouch.resources.base import from_tags
from zerotouch.templates import parameters as p
from zerotouch.templates.cloudformation_parameters import RULES, interface, parameters, region_parameters
from zerotouch.templates.intrinsics import get_att, intrinsic
from zerotouch.templates.requests import TemplateError
from zerotouch.templates.target import Placed, Where, listed_regions, placed_requests

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
_ELSEWHERE: Final = "IsOtherRegion"


@dataclass
class _Resource:
    type: str
    properties: dict[str, Any] = field(default_factory=dict)
    conditions: frozenset[str] = frozenset()


def region_template(spec: QualysZeroTouchSpec, defaults: bool = True) -> dict[str, Any]:
    """One account and region. `defaults`: whether the spec's own values are the parameters' defaults. Raises TemplateError."""
    if spec.delivery.main is not None:
        raise TemplateError("with topology MainRegion one region is not set up alone: use stack-set")
    return _template(
        "Qualys zero-touch API-based scan in one AWS account and region.",
        spec,
        placed_requests(spec, p.CLOUDFORMATION_OWNER, (p.REGION,)),
        parameters(spec, defaults),
        {Where.ACCOUNT: ()},
    )


def stack_set_template(spec: QualysZeroTouchSpec, defaults: bool = True) -> dict[str, Any]:
    """Many accounts and regions: every stack but that of the main region leaves the account-wide resources out."""
    main = spec.delivery.main
    regions = (p.REGIONS,) if main else listed_regions(spec)
    how = "; other regions hand their events to a main one" if main else ""
    return _template(
        f"Qualys zero-touch API-based scan in many AWS accounts and regions, as a StackSet{how}.",
        spec,
        placed_requests(spec, p.CLOUDFORMATION_OWNER, regions),
        {**parameters(spec, defaults), **region_parameters(spec, defaults)},
        {Where.ACCOUNT: (_MAIN,), Where.MAIN: (_MAIN,), Where.ELSEWHERE: (_ELSEWHERE,)},
    )


def _template(
    description: str,
    spec: QualysZeroTouchSpec,
    placed: Sequence[Placed],
    given: dict[str, Any],
    conditions: Mapping[Where, Sequence[str]],
) -> dict[str, Any]:
    made: dict[str, _Resource] = {}
    for one in placed:
        switch = [_SWITCHES[one.request.kind]] if one.request.kind in _SWITCHES else []
        _add(made, one, frozenset([*conditions.get(one.where, ()), *switch]))
    # An accidental removal of the stack must not end scanning where the operator would retain as well.
    retained = spec.deletion_policy is DeletionPolicy.RETAIN
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": description,
        "Metadata": interface(given),
        "Parameters": given,
        "Rules": RULES,
        "Conditions": dict(_conditions(made)),
        "Resources": {name: _rendered(name, made, retained) for name in made},
    }


def _add(made: dict[str, _Resource], placed: Placed, conditions: frozenset[str]) -> None:
    request, name = placed.request, placed.name
    params = {key: _parsed(key, value) for key, value in request.params.items() if value not in ([], {}, "")}
    if request.operation in _CREATES:
        kind, names = _CREATES[request.operation]
        properties = {names.get(key, key): _filled(value) for key, value in params.items()}
        made[name] = _Resource(kind, {k: v for k, v in properties.items() if k is not None}, conditions)
        return
    match request.operation:
        case "create_queue":
            _add_queue(made, placed, conditions)
        case "put_targets":
            made[name].properties["Targets"] = params["Targets"]
        case "put_role_policy":
            policy = {key: params[key] for key in ("PolicyName", "PolicyDocument")}
            made[name].properties.setdefault("Policies", []).append(policy)
        case "attach_role_policy":
            made[name].properties.setdefault("Roles", []).append(params["RoleName"])
        case _:
            raise TemplateError(f"{request.kind}: {request.operation} has no counterpart in CloudFormation")


def _add_queue(made: dict[str, _Resource], placed: Placed, conditions: frozenset[str]) -> None:
    """SQS takes all attributes as text, and the policy among them."""
    request, name = placed.request, placed.name
    attributes = dict(request.params["Attributes"])
    policy = json.loads(attributes.pop("Policy"))
    made[name] = _Resource(
        "AWS::SQS::Queue",
        {
            "QueueName": request.params["QueueName"],
            **{key: json.loads(value) for key, value in attributes.items()},
            "Tags": from_tags(request.params["tags"]),
        },
        conditions,
    )
    properties = {"Queues": [f"${{{name}}}"], "PolicyDocument": policy}
    made[f"{name}Policy"] = _Resource("AWS::SQS::QueuePolicy", properties, conditions)


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
    if isinstance(value, list) and value != [p.REGIONS]:
        return [_linked(item, user, named) for item in value]
    reference = named.get(value) if isinstance(value, str) else None
    if reference is None:
        return intrinsic(value)
    unsure = reference.conditions - user.conditions
    if _MAIN in unsure and _ELSEWHERE in user.conditions:
        return intrinsic(value)
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
    _ELSEWHERE: {"Fn::Not": [{"Fn::Equals": [{"Ref": "AWS::Region"}, {"Ref": "MainRegion"}]}]},
    "CollectsInventory": {"Fn::Equals": [{"Ref": "Inventory"}, "Enabled"]},
    "HasConnector": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Connector"}, "None"]}]},
    "MakesConnectorRole": {"Fn::Equals": [{"Ref": "Connector"}, "Role"]},
}

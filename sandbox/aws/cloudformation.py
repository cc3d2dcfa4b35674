"""CloudFormation types that ministack lacks, and names that are taken already.

Names, Ref and GetAtt are those of the CloudFormation template reference; what is made goes through the same code as the
services' own API, with the rights of whoever makes the stack, as in AWS.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, iam
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

from sandbox.aws import associations, connections, rules
from sandbox.aws.caller import Response, partition

Properties = dict[str, Any]
Made = tuple[str, dict[str, Any]]
_HANDLERS: Final[dict[str, dict[str, Any]]] = provisioners._RESOURCE_HANDLERS
_create_role = _HANDLERS["AWS::IAM::Role"]["create"]
_evaluate_conditions = engine._evaluate_conditions
_create_policy = _HANDLERS["AWS::IAM::ManagedPolicy"]["create"]


def create_connection(logical_id: str, properties: Properties, stack: str) -> Made:
    name = _name(logical_id, properties, stack)
    _done("AWS::Events::Connection", connections.create_connection({**_typed(properties), "Name": name}))
    return name, _connection(name)


def update_connection(physical_id: str, old: Properties, new: Properties, stack: str) -> Made:
    _done("AWS::Events::Connection", connections.update_connection({**_typed(new), "Name": physical_id}))
    return physical_id, _connection(physical_id)


def delete_connection(physical_id: str, properties: Properties) -> None:
    connections.delete_connection({"Name": physical_id})


def create_destination(logical_id: str, properties: Properties, stack: str) -> Made:
    name = _name(logical_id, properties, stack)
    _done("AWS::Events::ApiDestination", connections.create_api_destination({**_typed(properties), "Name": name}))
    return name, _destination(name)


def update_destination(physical_id: str, old: Properties, new: Properties, stack: str) -> Made:
    _done("AWS::Events::ApiDestination", connections.update_api_destination({**_typed(new), "Name": physical_id}))
    return physical_id, _destination(physical_id)


def delete_destination(physical_id: str, properties: Properties) -> None:
    eventbridge._api_destinations.pop(physical_id, None)


def create_association(logical_id: str, properties: Properties, stack: str) -> Made:
    answer = _done("AWS::SSM::Association", associations.create(_typed(properties)))
    identity = answer["AssociationDescription"]["AssociationId"]
    return identity, {"AssociationId": identity}


def update_association(physical_id: str, old: Properties, new: Properties, stack: str) -> Made:
    tags = {t["Key"]: t["Value"] for t in new.get("Tags", [])}
    data = {k: v for k, v in _typed(new).items() if k != "Tags"}
    _done("AWS::SSM::Association", associations.update({**data, "AssociationId": physical_id}))
    associations.add_tags({"ResourceId": physical_id, "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]})
    return physical_id, {"AssociationId": physical_id}


def delete_association(physical_id: str, properties: Properties) -> None:
    associations.delete({"AssociationId": physical_id})


def create_rule(logical_id: str, properties: Properties, stack: str) -> Made:
    """Through PutRule and PutTargets, so that what they refuse fails the stack; ministack takes anything."""
    name = _name(logical_id, properties, stack)
    eventbridge._ensure_default_bus()
    if eventbridge._rule_key(name, "default") in eventbridge._rules:
        _taken("AWS::Events::Rule", name)
    plain = {k: v for k, v in properties.items() if k not in {"Targets", "EventPattern"}}
    pattern = properties.get("EventPattern")
    text = {"EventPattern": pattern if isinstance(pattern, str) else json.dumps(pattern)} if pattern else {}
    answer = _done("AWS::Events::Rule", rules.put_rule({**plain, **text, "Name": name}))
    if properties.get("Targets"):
        put = rules.put_targets({"Rule": name, "Targets": _typed({"Targets": properties["Targets"]})["Targets"]})
        _done("AWS::Events::Rule", put)
    return name, {"Arn": answer["RuleArn"], "RuleName": name}


def create_role(logical_id: str, properties: Properties, stack: str) -> Made:
    """A name that is taken fails the stack; the permissions boundary is kept. ministack does neither."""
    if properties.get("RoleName") in iam._roles:
        _taken("AWS::IAM::Role", properties["RoleName"])
    made: Made = _create_role(logical_id, properties, stack)
    if boundary := properties.get("PermissionsBoundary"):
        iam._roles[made[0]]["PermissionsBoundary"] = boundary
    return made


def create_policy(logical_id: str, properties: Properties, stack: str) -> Made:
    """As for roles; and a role that does not exist cannot be given the policy (API reference, AttachRolePolicy)."""
    if properties.get("ManagedPolicyName") in {p["PolicyName"] for p in iam._policies.values()}:
        _taken("AWS::IAM::ManagedPolicy", properties["ManagedPolicyName"])
    for role in properties.get("Roles", []):
        if role not in iam._roles:
            raise ValueError(f"AWS::IAM::ManagedPolicy: The role with name {role} cannot be found.")
    made: Made = _create_policy(logical_id, properties, stack)
    return made


def evaluate_conditions(template: dict[str, Any], parameters: dict[str, Any]) -> dict[str, bool]:
    """Pseudo parameters are allowed in conditions (template reference, "Conditions"); ministack compares their names."""
    pseudo = {"AWS::Region": get_region(), "AWS::AccountId": get_account_id(), "AWS::Partition": partition()}
    known = {name: {"Value": value} for name, value in pseudo.items()}
    conditions: dict[str, bool] = _evaluate_conditions(template, {**known, **parameters})
    return conditions


def install() -> None:
    """Add to, and replace in, the table that ministack looks a type up in."""
    for module in (engine, stacks, handlers, changesets, provisioners):
        if hasattr(module, "_evaluate_conditions"):
            module._evaluate_conditions = evaluate_conditions
    _HANDLERS["AWS::Events::Connection"] = _handler(create_connection, update_connection, delete_connection)
    _HANDLERS["AWS::Events::ApiDestination"] = _handler(create_destination, update_destination, delete_destination)
    _HANDLERS["AWS::SSM::Association"] = _handler(create_association, update_association, delete_association)
    _HANDLERS["AWS::Events::Rule"]["create"] = create_rule
    _HANDLERS["AWS::IAM::Role"]["create"] = create_role
    _HANDLERS["AWS::IAM::ManagedPolicy"]["create"] = create_policy


def _handler(create: Callable[..., Made], update: Callable[..., Made], delete: Callable[..., None]) -> dict[str, Any]:
    return {"create": create, "update": update, "delete": delete}


def _name(logical_id: str, properties: Mapping[str, Any], stack: str) -> str:
    return str(properties.get("Name") or provisioners._physical_name(stack, logical_id, max_len=64))


def _connection(name: str) -> dict[str, Any]:
    connection = eventbridge._connections[name]
    arn = connection["ConnectionArn"]
    return {"Arn": arn, "SecretArn": connection["SecretArn"], "ArnForPolicy": arn.rpartition("/")[0]}


def _destination(name: str) -> dict[str, Any]:
    arn = eventbridge._api_destinations[name]["ApiDestinationArn"]
    return {"Arn": arn, "ArnForPolicy": arn.rpartition("/")[0]}


def _done(resource_type: str, answer: Response) -> dict[str, Any]:
    """The answer of an API call; what it refuses fails the resource."""
    status, _, body = answer
    content: dict[str, Any] = json.loads(body or b"{}")
    if status >= 300:
        raise ValueError(f"{resource_type}: {content.get('message') or content.get('Message') or content}")
    return content


def _taken(resource_type: str, name: str) -> None:
    raise ValueError(f"Resource of type '{resource_type}' with identifier '{name}' already exists.")


def _typed(value: Any) -> Any:
    """CloudFormation passes text where a template holds numbers and booleans; the API wants them typed."""
    if isinstance(value, dict):
        return {k: _typed_member(k, v) for k, v in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    return value


def _typed_member(key: str, value: Any) -> Any:
    if key in {"IsValueSecret", "ApplyOnlyAtCronInterval"} and isinstance(value, str):
        return value.lower() == "true"
    if key in {"InvocationRateLimitPerSecond", "MaximumEventAgeInSeconds", "MaximumRetryAttempts"}:
        return int(value)
    return _typed(value)

"""IAM: which resource an action is about, as the Service Authorization Reference says, and some refusals."""

import json
from typing import Any, Final
from urllib.parse import parse_qs

from ministack.core import iam_actions
from ministack.services import eventbridge, iam

from sandbox.aws.caller import Response, response

_extract = iam_actions.extract_resource_arn
_action = iam_actions.extract_iam_action
_denied = iam_actions.access_denied_response
_attach = iam._IAM_HANDLERS["AttachRolePolicy"]
_IAM_EVENTS: Final = {"Connection": "connection", "ApiDestination": "api-destination"}


def resource_arn(
    service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
) -> str:
    """ARN that policies are matched against."""
    operation = headers.get("x-amz-target", "").split(".")[-1]
    if service == "events":
        return _events(operation, json.loads(body or b"{}"), region, account)
    if (service == "ssm" and "Association" in operation) or _tags_association(service, body):
        data = json.loads(body or b"{}")
        identity = data.get("AssociationId") or data.get("ResourceId") or "*"
        return f"arn:aws:ssm:{region}:{account}:association/{identity}"
    if service == "ssm" and operation.endswith("ServiceSetting"):
        setting = str(json.loads(body or b"{}").get("SettingId", ""))
        return setting if setting.startswith("arn:") else f"arn:aws:ssm:{region}:{account}:servicesetting{setting}"
    if service == "iam":
        return _iam(body, account) or _base(service, method, path, headers, body, query, region, account)
    return _base(service, method, path, headers, body, query, region, account)


def iam_action(service: str, *arguments: Any, **named: Any) -> Any:
    """Batches of SQS are allowed by the single action (SQS developer guide, "Amazon SQS API permissions")."""
    action = _action(service, *arguments, **named)
    return action.removesuffix("Batch") if service == "sqs" and action else action


def access_denied(service: str, action: str, principal: str, request_id: str, **details: Any) -> Response:
    """AWS names the resource in the message (IAM user guide, "Troubleshoot access denied error messages")."""
    status, headers, body = _denied(service, action, principal, request_id, **details)
    where = str(details.get("resource_arn", "*"))
    text = body.decode()
    if "on resource:" not in text:
        text = text.replace(f"to perform: {action}", f"to perform: {action} on resource: {where}", 1)
    return status, {**headers, "x-amzn-RequestId": request_id}, text.encode()


def install() -> None:
    iam_actions.extract_resource_arn = resource_arn
    iam_actions.extract_iam_action = iam_action
    iam_actions.access_denied_response = access_denied
    iam._IAM_HANDLERS["AttachRolePolicy"] = _attach_role_policy


def _base(*arguments: Any) -> str:
    answer: str = _extract(*arguments)
    return answer


def _events(operation: str, data: dict[str, Any], region: str, account: str) -> str:
    base = f"arn:aws:events:{region}:{account}"
    if data.get("ResourceARN"):
        return str(data["ResourceARN"])
    name = data.get("Rule") or data.get("Name") or "*"
    for sort, resource in _IAM_EVENTS.items():
        if operation.endswith((sort, sort + "s")):
            store = eventbridge._connections if sort == "Connection" else eventbridge._api_destinations
            found = store.get(name)
            return str(found[f"{sort}Arn"]) if found else f"{base}:{resource}/{name}"
    if operation == "ListRuleNamesByTarget":
        # Service Authorization Reference: it knows no resource.
        return "*"
    if "EventBus" in operation:
        return f"{base}:event-bus/{name}"
    if operation == "PutEvents":
        buses = {str(entry.get("EventBusName", "default")) for entry in data.get("Entries", [])}
        return f"{base}:event-bus/{min(buses, default='default')}"
    if "Permission" in operation or operation == "TestEventPattern":
        # Service Authorization Reference: these know no resource.
        return "*"
    bus = data.get("EventBusName", "default")
    return f"{base}:rule/{name}" if bus == "default" else f"{base}:rule/{bus}/{name}"


def _tags_association(service: str, body: bytes) -> bool:
    return service == "ssm" and b'"ResourceType"' in body and b'"Association"' in body


def _iam(body: bytes, account: str) -> str | None:
    """Roles and policies with their path, which the ARN in a policy names."""
    parameters = {k: v[0] for k, v in parse_qs((body or b"").decode()).items()}
    path = parameters.get("Path", "/")
    if parameters.get("RoleName"):
        role = iam._roles.get(parameters["RoleName"])
        return str(role["Arn"]) if role else f"arn:aws:iam::{account}:role{path}{parameters['RoleName']}"
    if parameters.get("PolicyName") and parameters.get("Action") == "CreatePolicy":
        return f"arn:aws:iam::{account}:policy{path}{parameters['PolicyName']}"
    return None


def _attach_role_policy(parameters: Any) -> Response:
    """A policy that does not exist cannot be attached (API reference: NoSuchEntity)."""
    policy = iam._p(parameters, "PolicyArn")
    if ":iam::aws:" not in policy and policy not in iam._policies:
        return response(
            iam._error(404, "NoSuchEntity", f"Policy {policy} does not exist or is not attachable.", ns="iam")
        )
    return response(_attach(parameters))

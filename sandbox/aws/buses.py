"""From a rule to another event bus, and to a queue: roles, resource policies, the one hop.

Sources: EventBridge user guide, "Sending and receiving events between event buses" (between accounts and Regions a role is
needed; an event that was forwarded once is not forwarded again), "Permissions for event buses", "Resource-based policies for
SQS"; API reference, PutPermission (a policy has at most 10 KB), PutTargets (what a bus as target refuses).
"""

import fnmatch
import json
import time
import uuid
from contextvars import ContextVar
from typing import Any, Final

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_account_id, get_region, json_response, request_scope
from ministack.services import eventbridge, iam, sqs

from sandbox.aws import evidence
from sandbox.aws.caller import Response, denied, error, partition, response

_EVENTS: Final = "events.amazonaws.com"
_REFUSED: Final = ("Input", "InputPath", "InputTransformer", "RetryPolicy")
_MOST_POLICY: Final = 10_240

# Attempts to forward that came to nothing: account, region, target, why.
failures: list[dict[str, Any]] = []

_current: ContextVar[tuple[dict[str, Any], dict[str, Any]]] = ContextVar("current")
_invoke_target = eventbridge._invoke_target
_dispatch_to_sqs = eventbridge._dispatch_to_sqs
_put_permission = eventbridge._put_permission


def check_target(target: dict[str, Any], rule_bus: str) -> Response | None:
    """A bus as target: needs a role that the caller may pass, and takes neither inputs nor a retry policy."""
    arn = target.get("Arn", "")
    if ":event-bus/" not in arn:
        return None
    if arn.endswith(f":{get_region()}:{get_account_id()}:event-bus/{rule_bus}"):
        return error("ValidationException", "Source and target event bus must not be the same.")
    unfit = [name for name in _REFUSED if target.get(name)]
    if unfit:
        return error("ValidationException", f"{unfit[0]} is not supported for target {arn}.")
    return check_role(target)


def check_role(target: dict[str, Any]) -> Response | None:
    """Whether EventBridge may assume the target's role, and the caller may pass it."""
    role_arn = target.get("RoleArn")
    if not role_arn:
        return error("ValidationException", "RoleArn is required for target " + target["Arn"])
    refused = denied("iam:PassRole", role_arn, **{"iam:PassedToService": _EVENTS})
    if refused:
        return refused
    role = role_by_arn(role_arn)
    if role is None or _EVENTS not in json.dumps(role["AssumeRolePolicyDocument"]):
        return error("ValidationException", f"Provided role '{role_arn}' cannot be assumed by principal '{_EVENTS}'.")
    return None


def role_by_arn(role_arn: str) -> dict[str, Any] | None:
    """A role of the request's account."""
    role: dict[str, Any] | None = iam._roles.get(role_arn.rsplit("/", 1)[-1])
    return role


def may(role_arn: str, wanted: str, resource: str) -> bool:
    """Whether EventBridge may assume the role, and an inline policy of it allows the action on the resource."""
    role = role_by_arn(role_arn)
    if role is None or not _assumable(role):
        return False
    for document in role.get("InlinePolicies", {}).values():
        tree = json.loads(document) if isinstance(document, str) else document
        for statement in _listed(tree["Statement"]):
            actions, resources = _listed(statement.get("Action", [])), _listed(statement.get("Resource", []))
            action = any(fnmatch.fnmatch(wanted, a) for a in actions)
            if statement["Effect"] == "Allow" and action and any(fnmatch.fnmatch(resource, r) for r in resources):
                return True
    return False


def _assumable(role: dict[str, Any]) -> bool:
    """By EventBridge, on behalf of the request's account (user guide, "Cross-service confused deputy prevention")."""
    context = EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn=role["Arn"],
        region=get_region(),
        service_context={"aws:sourceaccount": get_account_id()},
    )
    trust = role["AssumeRolePolicyDocument"]
    return evaluate_resource_policy(trust, context, service=_EVENTS).decision == "Allow"


def current_rule() -> dict[str, Any]:
    """The rule whose target is being invoked."""
    return _current.get()[1]


def invoke_target(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
    """Let the functions below know whose target it is."""
    if target is eventbridge._targets[eventbridge._rule_key(rule["Name"], rule["EventBusName"])][0]:
        evidence.count(rule, "MatchedEvents", "TriggeredRules")
    token = _current.set((target, rule))
    try:
        _invoke_target(target, event, rule, view)
    finally:
        _current.reset(token)


def forward(spec: Any, event: dict[str, Any], rule: dict[str, Any], path: set[str], payload: str | None = None) -> None:
    """To a bus of the same or another account and Region. Account and Region of the event stay, id and time are new."""
    target, _ = _current.get()
    why = _forward(spec, event, rule, path, target)
    if why is None:
        return evidence.succeed(rule)
    body = payload or json.dumps(eventbridge._pattern_event_view(event).event_with_detail())
    return evidence.give_up(rule, target, body, "NO_PERMISSIONS", f"Unable to put the event onto the bus: {why}.")


def _forward(
    spec: Any, event: dict[str, Any], rule: dict[str, Any], path: set[str], target: dict[str, Any]
) -> str | None:
    """Why it came to nothing."""
    here, there = (get_account_id(), get_region()), (spec.account_id, spec.region)
    name = spec.resource.split("/", 1)[1]
    abroad = here != there
    if abroad and event.get("_Forwarded"):
        return _fail(spec, "it was forwarded once already")
    if not may(target.get("RoleArn", ""), "events:PutEvents", target["Arn"]):
        return _fail(spec, "the role may not put events there")
    forwarded = {**event, "EventBusName": name, "_Forwarded": abroad or event.get("_Forwarded", False)}
    forwarded["_DispatchPath"] = [] if abroad else [*path, eventbridge._rule_key(rule["Name"], rule["EventBusName"])]
    forwarded |= {"Account": event.get("Account", here[0]), "Region": event.get("Region", here[1])}
    if abroad:
        forwarded |= {"EventId": str(uuid.uuid4()), "Time": int(time.time())}
    with request_scope(*there):
        eventbridge._ensure_default_bus()
        if name not in eventbridge._event_buses:
            return _fail(spec, "there is no such bus")
        if here[0] != there[0] and not _admits(name, target, here[0]):
            return _fail(spec, "the bus's policy does not admit it")
        eventbridge._dispatch_event(forwarded)
    return None


def to_queue(spec: Any, payload: str, parameters: dict[str, Any] | None = None) -> None:
    """A queue whose policy lets EventBridge send for this very rule."""
    target, rule = _current.get()
    if not sqs.queue_policy_allows(str(spec), _EVENTS, rule["Arn"], get_account_id()):
        why = _fail(spec, "the queue's policy does not allow it")
        return evidence.give_up(rule, target, payload, "NO_PERMISSIONS", f"Unable to send to the queue: {why}.")
    _dispatch_to_sqs(spec, payload, parameters)
    return evidence.succeed(rule)


def put_permission(data: dict[str, Any]) -> Response:
    """With `Policy` the whole policy is replaced."""
    bus = data.get("EventBusName", "default")
    if bus not in eventbridge._event_buses:
        return error("ResourceNotFoundException", f"Event bus {bus} does not exist.")
    if "Policy" not in data:
        return response(_put_permission(data))
    if len(data["Policy"]) > _MOST_POLICY:
        return error("PolicyLengthExceededException", "Event bus policy size limit exceeded.")
    eventbridge._event_bus_policies[bus] = json.loads(data["Policy"])
    return response(json_response({}))


def install() -> None:
    """Replace ministack's functions, which it looks up by name."""
    eventbridge._invoke_target = invoke_target
    eventbridge._dispatch_to_event_bus = forward
    eventbridge._dispatch_to_sqs = to_queue
    eventbridge._put_permission = put_permission


def _admits(bus: str, target: dict[str, Any], account: str) -> bool:
    """In the account and Region of the bus."""
    context = EvalContext(
        principal_arn=target["RoleArn"],
        principal_type="AssumedRole",
        principal_account=account,
        action="events:PutEvents",
        resource_arn=f"arn:{partition()}:events:{get_region()}:{get_account_id()}:event-bus/{bus}",
        region=get_region(),
        service_context={"events:eventbusinvocation": "true"},
    )
    policy = eventbridge._event_bus_policies.get(bus)
    return bool(policy and evaluate_resource_policy(policy, context).decision == "Allow")


def _fail(spec: Any, why: str) -> str:
    failures.append({"account": get_account_id(), "region": get_region(), "target": str(spec), "why": why})
    return why


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

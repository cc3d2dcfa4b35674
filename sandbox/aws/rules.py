"""EventBridge rules and targets: full replace, refusals, PassRole."""

from typing import Any

from ministack.services import eventbridge

from sandbox.aws import buses
from sandbox.aws.caller import Response, error, response

_put_rule = eventbridge._put_rule
_put_targets = eventbridge._put_targets
_remove_targets = eventbridge._remove_targets
_delete_rule = eventbridge._delete_rule
_list_targets = eventbridge._list_targets_by_rule
_list_rule_names = eventbridge._list_rule_names_by_target
_handle_request = eventbridge.handle_request


def put_rule(data: dict[str, Any]) -> Response:
    """A full replace: what is omitted becomes null; tags of an existing rule are ignored (API reference, PutRule)."""
    exists = _exists(data.get("Name"), data)
    full = {"Description": "", "RoleArn": "", "State": "ENABLED", **data}
    if exists:
        full.pop("Tags", None)
    return response(_put_rule(full))


def put_targets(data: dict[str, Any]) -> Response:
    """Needs a role that EventBridge may assume and that the caller may pass."""
    if not _exists(data.get("Rule"), data):
        return _no_rule(data.get("Rule"))
    for target in data.get("Targets", []):
        problem = _check_target(target) or buses.check_target(target, data.get("EventBusName", "default"))
        if problem:
            return problem
    return response(_put_targets(data))


def remove_targets(data: dict[str, Any]) -> Response:
    return response(_remove_targets(data)) if _exists(data.get("Rule"), data) else _no_rule(data.get("Rule"))


def list_targets(data: dict[str, Any]) -> Response:
    return response(_list_targets(data)) if _exists(data.get("Rule"), data) else _no_rule(data.get("Rule"))


def list_rule_names(data: dict[str, Any]) -> Response:
    """Of the default bus where none is named (API reference, ListRuleNamesByTarget); ministack would answer those of all."""
    return response(_list_rule_names({"EventBusName": "default", **data}))


def delete_rule(data: dict[str, Any]) -> Response:
    """Refused while targets exist; repeating it succeeds."""
    if eventbridge._targets.get(eventbridge._rule_key(data["Name"], data.get("EventBusName", "default"))):
        return error("ValidationException", "Rule can't be deleted since it has targets.")
    return response(_delete_rule(data))


def install() -> None:
    """Replace ministack's handlers, which it looks up by name for every request."""
    eventbridge._put_rule = put_rule
    eventbridge._put_targets = put_targets
    eventbridge._remove_targets = remove_targets
    eventbridge._list_targets_by_rule = list_targets
    eventbridge._list_rule_names_by_target = list_rule_names
    eventbridge._delete_rule = delete_rule


def _exists(name: Any, data: dict[str, Any]) -> bool:
    return eventbridge._rule_key(name, data.get("EventBusName", "default")) in eventbridge._rules


def _no_rule(name: Any) -> Response:
    return error("ResourceNotFoundException", f"Rule {name} does not exist on EventBus default.")


def _check_target(target: dict[str, Any]) -> Response | None:
    if ":api-destination/" not in target.get("Arn", ""):
        return None
    return buses.check_role(target)

"""A Terraform module of what the operator would make in an account: account-wide resources once, the rest per region.

HCL and not JSON, because people review it. Source of the arguments: documentation of the provider hashicorp/aws, 6.0, in
which every regional resource takes a `region`, so that one module sets up all regions of an account.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from zerotouch.api.zerotouch import QualysZeroTouchSpec
from zerotouch.desired.context import ROLE_PATH
from zerotouch.templates import parameters as p
from zerotouch.templates.expressions import translated
from zerotouch.templates.hcl import Block, Expression, document
from zerotouch.templates.requests import Request, TemplateError, requests
from zerotouch.templates.target import sections
from zerotouch.templates.terraform_arguments import RESOURCES, Attribute, Fields
from zerotouch.templates.terraform_variables import preamble, variables

_REFERS: Final = frozenset({"Rule", "Arn", "RoleArn", "ConnectionArn", "PolicyArn"})
# What Terraform cannot see from references: an event must find the role's permissions, a policy the role.
_WAITS: Final = {
    "attach_role_policy": "[aws_iam_role.connector_role]",
    "put_targets": "[aws_iam_role_policy.execution_role]",
}
_SWITCHES: Final = {
    "InventoryAssociation": "var.inventory",
    "ConnectorRole": 'var.connector == "Role"',
    "ConnectorPolicy": 'var.connector != "None"',
}


def account_module(spec: QualysZeroTouchSpec, defaults: bool = True) -> str:
    """`defaults`: whether the spec's own values are the variables' defaults."""
    blocks = [*preamble(), *variables(spec, defaults)]
    return document([*blocks, *_Module(spec).blocks()])


class _Module:
    def __init__(self, spec: QualysZeroTouchSpec) -> None:
        parts = sections(spec, p.TERRAFORM_OWNER, (p.REGIONS,))
        self._requests = [
            (request, section.account_wide)
            for section in parts
            for request in _one_by_one(requests(section.kinds, section.context))
        ]
        self._addresses = dict(self._named())

    def blocks(self) -> Iterator[Block]:
        for request, account_wide in self._requests:
            kind, fields = RESOURCES[request.operation]
            body = self._body(request, request.params, fields)
            waits = _WAITS.get(request.operation)
            after = [("depends_on", Expression(waits))] if waits else []
            yield Block(
                "resource", [kind, _snake(request.kind)], [*_instances(request.kind, account_wide), *body, *after]
            )

    def _named(self) -> Iterator[tuple[str, str]]:
        """What the kinds call a resource by, or its placeholder → its address, so that Terraform knows the order."""
        for request, account_wide in self._requests:
            kind, _ = RESOURCES[request.operation]
            one = "[0]" if request.kind in _SWITCHES else ""
            address = f"{kind}.{_snake(request.kind)}{one if account_wide else '[each.key]'}"
            match request.operation:
                case "create_role":
                    name = request.params["RoleName"]
                    # A role that may be there already is called by its name, and what needs it waits.
                    if request.kind not in _SWITCHES:
                        yield name, f"{address}.name"
                        yield f"arn:{p.PARTITION}:iam::{p.ACCOUNT}:role{ROLE_PATH}{name}", f"{address}.arn"
                case "create_policy":
                    name = request.params["PolicyName"]
                    yield f"arn:{p.PARTITION}:iam::{p.ACCOUNT}:policy{ROLE_PATH}{name}", f"{address}.arn"
                case "put_rule":
                    yield request.params["Name"], f"{address}.name"
                case "create_queue":
                    name = request.params["QueueName"]
                    yield f"arn:{p.PARTITION}:sqs:{p.REGION}:{p.ACCOUNT}:{name}", f"{address}.arn"
                case "create_connection" | "create_api_destination":
                    yield p.reference(request.kind), f"{address}.arn"

    def _body(self, request: Request, params: Mapping[str, Any], fields: Fields) -> list[tuple[str, Any] | Block]:
        unknown = sorted(params.keys() - fields.keys())
        if unknown:
            raise TemplateError(
                f"{request.kind}: {', '.join(unknown)} of {request.operation} has no counterpart in Terraform"
            )
        attributes: list[tuple[str, Any] | Block] = []
        blocks: list[tuple[str, Any] | Block] = []
        for key, field in fields.items():
            if key not in params:
                continue
            if isinstance(field, Attribute):
                attributes.append((field.name, self._referring(request, key, field.convert(params[key]))))
                continue
            given = params[key] if isinstance(params[key], list) else [params[key]]
            blocks += [Block(field.name, [], self._body(request, each, field.fields)) for each in given if each]
        return [*attributes, *blocks]

    def _referring(self, request: Request, key: str, value: Any) -> Any:
        refers = key in _REFERS or (key == "RoleName" and request.operation != "create_role")
        if refers and value in self._addresses:
            return Expression(self._addresses[value])
        return translated(value)


def _one_by_one(made: Iterator[Request]) -> Iterator[Request]:
    """A target is a resource of its own, and what SQS calls attributes are arguments."""
    for request in made:
        if request.operation not in RESOURCES:
            raise TemplateError(f"{request.kind}: {request.operation} has no counterpart in Terraform")
        if request.operation == "put_targets":
            (target,) = request.params["Targets"]
            yield Request(request.kind, request.operation, {"Rule": request.params["Rule"], **target})
        elif request.operation == "create_queue":
            rest = {key: value for key, value in request.params.items() if key != "Attributes"}
            yield Request(request.kind, request.operation, {**rest, **_typed(request.params["Attributes"])})
        else:
            yield request


def _typed(attributes: Mapping[str, str]) -> dict[str, Any]:
    return {key: value if key == "Policy" else json.loads(value) for key, value in attributes.items()}


def _instances(kind: str, account_wide: bool) -> list[tuple[str, Any]]:
    switch = _SWITCHES.get(kind)
    if account_wide:
        return [("count", Expression(f"{switch} ? 1 : 0"))] if switch else []
    regions = f"{switch} ? var.regions : []" if switch else "var.regions"
    return [("for_each", Expression(f"toset({regions})")), ("region", Expression("each.value"))]


def _snake(kind: str) -> str:
    """`APIDestination` → `api_destination`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind).lower()

"""A Terraform module of what the operator would make in an account: account-wide resources once, the rest per region.

HCL and not JSON, because people review it. Source of the arguments: documentation of the provider hashicorp/aws, 6.0, in
which every regional resource takes a `region`, so that one module sets up all regions of an account.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from zerotouch.api.zerotouch import QualysZeroTouchSpec
from zerotouch.desired.context import ROLE_PATH
from zerotouch.templates import parameters as p
from zerotouch.templates.expressions import translated
from zerotouch.templates.hcl import Block, Expression, document
from zerotouch.templates.requests import Request, TemplateError
from zerotouch.templates.target import Placed, Where, placed_requests
from zerotouch.templates.terraform_arguments import RESOURCES, Attribute, Fields
from zerotouch.templates.terraform_variables import preamble, variables

_REFERS: Final = frozenset({"Arn", "RoleArn", "ConnectionArn", "PolicyArn"})
_REGIONS: Final = {
    Where.EVERYWHERE: "var.regions",
    Where.MAIN: "[var.main_region]",
    Where.ELSEWHERE: "setsubtract(var.regions, [var.main_region])",
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
        self._placed = [
            one for placed in placed_requests(spec, p.TERRAFORM_OWNER, (p.REGIONS,)) for one in _split(placed)
        ]
        self._addresses = dict(self._named())

    def blocks(self) -> Iterator[Block]:
        for placed in self._placed:
            kind, fields = RESOURCES[placed.request.operation]
            body = self._body(placed.request, placed.request.params, fields)
            waits = self._awaited(placed.request)
            after = [("depends_on", Expression(f"[{waits}]"))] if waits else []
            yield Block("resource", [kind, _snake(placed.name)], [*_instances(placed), *body, *after])

    def _awaited(self, request: Request) -> str | None:
        """What Terraform cannot see from references: an event must find the role's permissions, a policy the role."""
        match request.operation:
            case "attach_role_policy":
                return "aws_iam_role.connector_role"
            case "put_targets":
                role = self._addresses[request.params["RoleArn"]].split(".")[1]
                return f"aws_iam_role_policy.{role}"
        return None

    def _named(self) -> Iterator[tuple[str, str]]:
        """What the kinds call a resource by, or its placeholder → its address, so that Terraform knows the order."""
        for placed in self._placed:
            request, address = placed.request, _address(placed)
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
        if isinstance(value, Expression):
            return value
        refers = key in _REFERS or (key == "RoleName" and request.operation != "create_role")
        if refers and value in self._addresses:
            return Expression(self._addresses[value])
        return translated(value)


def _split(placed: Placed) -> Iterator[Placed]:
    """A target is a resource of its own, and what SQS calls attributes are arguments."""
    request = placed.request
    if request.operation not in RESOURCES:
        raise TemplateError(f"{request.kind}: {request.operation} has no counterpart in Terraform")
    params = request.params
    if request.operation == "put_targets":
        (target,) = params["Targets"]
        # The rule of the same kind: its name alone does not tell which of several it is.
        rule = _address(replace(placed, request=replace(request, operation="put_rule")))
        params = {"Rule": Expression(f"{rule}.name"), **target}
    elif request.operation == "create_queue":
        params = {key: value for key, value in params.items() if key != "Attributes"} | _typed(params["Attributes"])
    yield replace(placed, request=replace(request, params=params))


def _address(placed: Placed) -> str:
    kind, _ = RESOURCES[placed.request.operation]
    one = "[0]" if placed.request.kind in _SWITCHES else ""
    return f"{kind}.{_snake(placed.name)}{one if placed.where is Where.ACCOUNT else '[each.key]'}"


def _typed(attributes: Mapping[str, str]) -> dict[str, Any]:
    return {key: value if key == "Policy" else json.loads(value) for key, value in attributes.items()}


def _instances(placed: Placed) -> list[tuple[str, Any]]:
    switch = _SWITCHES.get(placed.request.kind)
    if placed.where is Where.ACCOUNT:
        return [("count", Expression(f"{switch} ? 1 : 0"))] if switch else []
    regions = _REGIONS[placed.where]
    given = f"{switch} ? {regions} : []" if switch else regions
    return [("for_each", Expression(f"toset({given})")), ("region", Expression("each.value"))]


def _snake(kind: str) -> str:
    """`APIDestination` → `api_destination`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind).lower()

"""What a Terraform module asks for."""

import json
from collections.abc import Iterator
from typing import Any

from zerotouch.api.spec import Connector, RegionSelection
from zerotouch.api.zerotouch import QualysZeroTouchSpec
from zerotouch.templates import parameters as p
from zerotouch.templates.hcl import Block, Expression
from zerotouch.templates.target import gateway_of


def variables(spec: QualysZeroTouchSpec, defaults: bool) -> Iterator[Block]:
    """`defaults`: whether the spec's own values are the defaults."""
    connector = spec.connector or Connector.model_construct()
    role = connector.role
    listed = spec.regions.selection is RegionSelection.LISTED
    yield variable(
        "api_gateway_url",
        "The Qualys API gateway, from https://www.qualys.com/platform-identification/.",
        default=gateway_of(spec) if defaults else None,
        valid=(matches("api_gateway_url", p.GATEWAY_PATTERN), "https://HOST, without a slash at the end."),
    )
    yield variable(
        "subscription_token",
        "The Qualys subscription token. Terraform keeps it in its state, as every value of a resource: encrypt the state.",
        sensitive=True,
        valid=(
            f"{matches('subscription_token', p.TOKEN_PATTERN)} && length(var.subscription_token) <= {p.TOKEN_MOST}",
            f"A JWT: three parts joined by dots, at most {p.TOKEN_MOST} characters.",
        ),
    )
    yield variable(
        "regions",
        "The regions to set up, by name.",
        kind="list(string)",
        default=sorted(spec.regions.names) if listed and defaults else None,
        valid=("length(var.regions) > 0", "Name at least one region."),
    )
    if spec.delivery.main is not None:
        yield variable(
            "main_region",
            "The region to whose bus the others hand their events, and which delivers them.",
            default=spec.delivery.main if defaults else None,
            valid=("contains(var.regions, var.main_region)", "It must be among the regions."),
        )
    yield variable(
        "inventory",
        "Whether the SSM inventory association is made. Not where one for all nodes exists already: AWS refuses a second one.",
        kind="bool",
        default=True,
    )
    yield variable(
        "connector",
        "The connector's permissions. Role: make the role connector_role_name. ExistingRole: attach the policy to that role, "
        "which is there already.",
        default="Role" if role else "ExistingRole" if connector.existing_role_name else "None",
        valid=(
            'contains(["None", "Role", "ExistingRole"], var.connector)',
            "One of None, Role and ExistingRole.",
        ),
    )
    yield variable(
        "connector_role_name",
        "Name of the role that the Qualys connector assumes.",
        default=role.name if role else connector.existing_role_name or f"{spec.name_prefix}-connector",
    )
    yield variable(
        "connector_account_id",
        "The Qualys AWS account that may assume the role, as the Qualys console shows it; with connector Role.",
        default=role.trusted_account_id if role else "",
        valid=(
            'var.connector != "Role" || can(regex("^[0-9]{12}$", var.connector_account_id))',
            "Connector Role needs an account id of 12 digits.",
        ),
    )
    yield variable(
        "connector_external_id",
        "The external id that the Qualys connector sends; with connector Role.",
        default=role.external_id if role else "",
        sensitive=True,
        valid=(
            'var.connector != "Role" || length(var.connector_external_id) >= 2',
            "Connector Role needs an external id.",
        ),
    )


def matches(name: str, pattern: str) -> str:
    """The condition that a variable has the form of a pattern."""
    return f"can(regex({json.dumps(pattern)}, var.{name}))"


def variable(
    name: str,
    description: str,
    kind: str = "string",
    default: Any = None,
    sensitive: bool = False,
    valid: tuple[str, str] | None = None,
) -> Block:
    """`valid`: the condition, and what to say where it does not hold."""
    body: list[tuple[str, Any] | Block] = [("description", description), ("type", Expression(kind))]
    if default is not None:
        body.append(("default", default))
    if sensitive:
        body.append(("sensitive", True))
    if valid is not None:
        condition, message = valid
        body.append(Block("validation", [], [("condition", Expression(condition)), ("error_message", message)]))
    return Block("variable", [name], body)


def preamble() -> list[Block]:
    """What every module begins with."""
    provider = {"source": "hashicorp/aws", "version": ">= 6.0"}
    required = Block("required_providers", [], [("aws", provider)])
    return [
        Block("terraform", [], [("required_version", ">= 1.9"), required]),
        Block("data", ["aws_partition", "current"], []),
        Block("data", ["aws_caller_identity", "current"], []),
    ]

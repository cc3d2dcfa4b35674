"""Text with placeholders → Terraform's expressions."""

import json
import re
from typing import Any, Final

from zerotouch.templates import parameters as p
from zerotouch.templates.hcl import Expression

_VARIABLES: Final = {
    p.PARTITION: "data.aws_partition.current.partition",
    p.ACCOUNT: "data.aws_caller_identity.current.account_id",
    p.REGION: "each.value",
    p.REGIONS: "region",
    p.MAIN_REGION: "var.main_region",
    p.TOKEN: "var.subscription_token",
    p.GATEWAY: "var.api_gateway_url",
    p.CONNECTOR_ROLE: "var.connector_role_name",
    p.CONNECTOR_ACCOUNT: "var.connector_account_id",
    p.CONNECTOR_EXTERNAL_ID: "var.connector_external_id",
    p.OPERATOR_ROLE: "var.operator_role_arn",
    p.EXTERNAL_ID: "var.external_id",
    p.NAME_PREFIX: "var.name_prefix",
    p.EXISTING_CONNECTOR_ROLE: "var.existing_connector_role_name",
}
_PLACEHOLDER: Final = re.compile(r"\$\{[^}]+\}")


def translated(value: Any) -> Any:
    """Placeholders as Terraform's expressions, in depth."""
    match value:
        case dict():
            return {key: translated(item) for key, item in value.items()}
        case [p.REGIONS]:
            return Expression("var.regions")
        case [str(only)] if p.REGIONS in only:
            return Expression(f"[for region in var.regions : {_text(only)}]")
        case [str(first), str(last)] if p.EXISTING_CONNECTOR_ROLE in last:
            given = _VARIABLES[p.EXISTING_CONNECTOR_ROLE]
            return Expression(f'compact([{_text(first)}, {given} == "" ? "" : {_text(last)}])')
        case list():
            return [translated(item) for item in value]
        case str() if "${" in value:
            return Expression(_text(value))
    return value


def _text(value: str) -> str:
    """`${X}` alone is the bare expression; with text around it, a string with expressions in it."""
    if _PLACEHOLDER.fullmatch(value):
        return _VARIABLES[value]
    return json.dumps(_PLACEHOLDER.sub(lambda match: "${" + _VARIABLES[match[0]] + "}", value))

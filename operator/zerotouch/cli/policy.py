"""`zerotouch policy`: the IAM policies that the operator needs, in its own account and in each other."""

from collections.abc import Callable
from typing import Any

import click

from zerotouch.aws import policy as policies
from zerotouch.cli.options import output_option
from zerotouch.cli.output import emit


@click.group()
@click.option("--partition", default="aws", show_default=True, help="aws, aws-cn or aws-us-gov.")
@output_option("json", "yaml")
@click.pass_context
def command(context: click.Context, partition: str, output: str) -> None:
    """Print the IAM policies that the operator needs, as JSON."""
    context.obj = {"partition": partition, "output": output}


def _in_account(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--existing-connector-role", metavar="NAME", help="spec.connector.existingRoleName, if given."),
        click.option("--name-prefix", default="qualys-zerotouch", show_default=True, help="spec.namePrefix."),
        click.option("--account", default="ACCOUNT_ID", show_default=True, help="The account's id."),
    ):
        function = option(function)
    return click.pass_obj(function)


@command.command()
@_in_account
def account(obj: dict[str, Any], account: str, name_prefix: str, existing_connector_role: str | None) -> None:
    """Permissions of the role in each account."""
    emit(policies.account_policy(obj["partition"], account, name_prefix, existing_connector_role), obj["output"])


@command.command()
@_in_account
def observe(obj: dict[str, Any], account: str, name_prefix: str, existing_connector_role: str | None) -> None:
    """The same for mode Observe: reads only."""
    emit(policies.observe_policy(obj["partition"], account, name_prefix, existing_connector_role), obj["output"])


@command.command()
@click.option("--operator-role", default="OPERATOR_ROLE_ARN", show_default=True, help="ARN of the operator's own role.")
@click.option("--external-id", default="EXTERNAL_ID", show_default=True, help="spec.access.externalID.")
@click.pass_obj
def trust(obj: dict[str, Any], operator_role: str, external_id: str) -> None:
    """Trust policy of the role in each account."""
    emit(policies.trust_policy(operator_role, external_id), obj["output"])


@command.command()
@click.option("--role-name", default="zerotouch", show_default=True, help="spec.access.roleName.")
@click.pass_obj
def operator(obj: dict[str, Any], role_name: str) -> None:
    """Permissions of the operator's own role."""
    emit(policies.operator_policy(obj["partition"], role_name), obj["output"])

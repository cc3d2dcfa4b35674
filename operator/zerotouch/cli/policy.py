"""`zerotouch policy`: the IAM policies that the operator needs, in its own account and in each other."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from zerotouch.aws import policy as policies
from zerotouch.cli.options import (
    ACCOUNT_ID_OR_NONE,
    NAME_PREFIX,
    PARTITION,
    ROLE_NAME,
    file_option,
    output_option,
)
from zerotouch.cli.output import emit

if TYPE_CHECKING:
    from zerotouch.api.detection import AccountDetection
    from zerotouch.cli.source import Declared

_EXAMPLE_BUS = "arn:aws:events:REGION:ACCOUNT_ID:event-bus/zerotouch"


@click.group(invoke_without_command=True)
@click.option("--partition", type=PARTITION, default="aws", show_default=True, help="Partition of AWS.")
@file_option(required=False)
@click.option("--operator-role", default="OPERATOR_ROLE_ARN", show_default=True, help="With -f: ARN of its own role.")
@output_option("json", "yaml")
@click.pass_context
def command(
    context: click.Context, partition: str, file: str | None, name: str | None, operator_role: str, output: str
) -> None:
    """Print the IAM policies that the operator needs.

    With -f: exactly those of a QualysZeroTouch, of the operator's side and of
    each account's, under the keys operator and accounts.
    """
    context.obj = {"partition": partition, "output": output}
    if context.invoked_subcommand is not None:
        if file is not None:
            raise click.UsageError("-f stands alone: it gives all policies at once")
        return
    if file is None:
        raise click.UsageError(
            "give -f FILE, or one of account, observe, trust, operator, attribution, events, simulate"
        )
    from zerotouch.cli.source import read_file

    emit(_of(read_file(file, name), operator_role), output)


def _of(declared: "Declared", operator_role: str) -> dict[str, Any]:
    from zerotouch.cli.accounts import resolve

    accounts: dict[str, Any] = {}
    for account in resolve(declared, trusting=True).values():
        make = policies.observe_policy if account.mode.value == "Observe" else policies.account_policy
        arn, connector = account.access.role_arn, account.connector
        existing = connector.existing_role_name if connector else None
        accounts[account.account_id] = {
            "roleARN": arn,
            "policy": _with_attribution(
                make(arn.split(":")[1], account.account_id, account.name_prefix, existing), account.detection
            ),
            "trust": policies.trust_policy(operator_role, account.access.external_id),
        }
    arns = [found["roleARN"] for found in accounts.values()]
    return {"operator": policies.assuming_policy(arns), "accounts": accounts}


def _with_attribution(policy: dict[str, Any], detection: "AccountDetection | None") -> dict[str, Any]:
    more = policies.attribution_policy()["Statement"] if detection and detection.attribution else []
    return {**policy, "Statement": [*policy["Statement"], *more]}


_account = click.option(
    "--account",
    type=ACCOUNT_ID_OR_NONE,
    metavar="ID",
    default="ACCOUNT_ID",
    show_default=True,
    help="The account's id.",
)
_name_prefix = click.option(
    "--name-prefix",
    type=NAME_PREFIX,
    metavar="NAME",
    default="qualys-zerotouch",
    show_default=True,
    help="spec.namePrefix.",
)


def _in_account(function: Callable[..., None]) -> Callable[..., None]:
    existing = click.option(
        "--existing-connector-role", type=ROLE_NAME, metavar="NAME", help="spec.connector.existingRoleName, if given."
    )
    return click.pass_obj(_account(_name_prefix(existing(function))))


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
@_name_prefix
@_account
@click.pass_obj
def simulate(obj: dict[str, Any], account: str, name_prefix: str) -> None:
    """What `zerotouch simulate` adds to the role in an account."""
    emit(policies.simulate_policy(obj["partition"], account, name_prefix), obj["output"])


@command.command()
@click.pass_obj
def attribution(obj: dict[str, Any]) -> None:
    """What attribution adds to the role in each account."""
    emit(policies.attribution_policy(), obj["output"])


@command.command()
@click.option(
    "--bus", default=_EXAMPLE_BUS, show_default=True, metavar="ARN", help="ZEROTOUCH_EVENTS_BUS_ARN of the operator."
)
@click.pass_obj
def events(obj: dict[str, Any], bus: str) -> None:
    """What drift by event adds to the operator's own role."""
    if not re.fullmatch(r"arn:[^:]+:events:[^:]+:[^:]+:event-bus/[^:/]+", bus):
        raise click.BadParameter(f"{bus} is not the ARN of an event bus", param_hint="--bus")
    emit(policies.events_policy(bus), obj["output"])


@command.command("import")
@_account
@click.pass_obj
def import_(obj: dict[str, Any], account: str) -> None:
    """What zerotouch import reads."""
    emit(policies.import_policy(obj["partition"], account), obj["output"])


@command.command()
@click.option("--operator-role", default="OPERATOR_ROLE_ARN", show_default=True, help="ARN of the operator's own role.")
@click.option("--external-id", default="EXTERNAL_ID", show_default=True, help="spec.access.externalID.")
@click.pass_obj
def trust(obj: dict[str, Any], operator_role: str, external_id: str) -> None:
    """Trust policy of the role in each account."""
    emit(policies.trust_policy(operator_role, external_id), obj["output"])


@command.command()
@click.option(
    "--role-name", type=ROLE_NAME, metavar="NAME", default="zerotouch", show_default=True, help="spec.access.roleName."
)
@click.pass_obj
def operator(obj: dict[str, Any], role_name: str) -> None:
    """Permissions of the operator's own role."""
    emit(policies.operator_policy(obj["partition"], role_name), obj["output"])

"""`zerotouch import`: the object that describes what exists."""

from typing import Final

import click

from zerotouch.cli.exits import Exit
from zerotouch.cli.options import ACCOUNT_ID, PARTITION, ROLE_NAME, aws_options, output_option

_STS_REGION: Final = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


@click.command()
@click.option("--account", "accounts", type=ACCOUNT_ID, multiple=True, required=True, metavar="ID",
              help="An account; may be repeated.")  # fmt: skip
@click.option("--role-name", type=ROLE_NAME, metavar="NAME", default="zerotouch", show_default=True,
              help="The role to assume in each account.")  # fmt: skip
@click.option("--external-id", metavar="ID", help="ExternalId, where the roles want one.")
@click.option("--partition", type=PARTITION, help="Partition of AWS; default: that of --sts-region.")
@click.option("--sts-region", metavar="REGION", help="Region whose STS is asked; default: one of the partition.")
@click.option("--only", "regions", multiple=True, metavar="REGION", help="Look there only; default: all enabled ones.")
@output_option("yaml", "json")
@aws_options
def command(
    accounts: tuple[str, ...],
    role_name: str,
    external_id: str | None,
    partition: str | None,
    sts_region: str | None,
    regions: tuple[str, ...],
    output: str,
    profile: str | None,
    region: str | None,
) -> Exit:
    """Print the QualysZeroTouch that describes what exists in accounts.

    Made by hand, from Qualys's own templates, from ours, or by an operator.
    Nothing is changed; what is needed to read: zerotouch policy import.

    What the object would make better, and what it would change, stands in
    comments of the YAML, with -o json on the standard error.
    """
    from zerotouch.api.partition import partition_of
    from zerotouch.cli import importing

    asked_of = sts_region or _STS_REGION[partition or "aws"]
    if partition not in {None, partition_of(asked_of)}:
        raise click.UsageError(f"--sts-region {asked_of} is not of the partition {partition}")
    once = tuple(dict.fromkeys(accounts))
    asked = importing.Asked(once, role_name, external_id, partition_of(asked_of), asked_of, regions)
    return importing.run(asked, profile, region, output)

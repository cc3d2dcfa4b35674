"""`zerotouch import`: the object that describes what exists."""

import click

from zerotouch.cli.exits import Exit
from zerotouch.cli.options import aws_options, output_option


@click.command()
@click.option("--account", "accounts", multiple=True, required=True, metavar="ID", help="An account; may be repeated.")
@click.option("--role-name", default="zerotouch", show_default=True, help="The role to assume in each account.")
@click.option("--external-id", metavar="ID", help="ExternalId, where the roles want one.")
@click.option("--partition", default="aws", show_default=True, help="aws, aws-cn or aws-us-gov.")
@click.option("--sts-region", default="us-east-1", show_default=True, help="Region whose STS is asked.")
@click.option("--only", "regions", multiple=True, metavar="REGION", help="Look there only; default: all enabled ones.")
@output_option("yaml", "json")
@aws_options
def command(
    accounts: tuple[str, ...],
    role_name: str,
    external_id: str | None,
    partition: str,
    sts_region: str,
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
    from zerotouch.cli import importing

    asked = importing.Asked(accounts, role_name, external_id, partition, sts_region, regions)
    return importing.run(asked, profile, region, output)

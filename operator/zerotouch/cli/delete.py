"""`zerotouch delete`: remove from AWS what belongs to the object in a file."""

import click

from zerotouch.cli.exits import Exit
from zerotouch.cli.options import aws_options, file_option, output_option, yes_option


@click.command()
@file_option()
@click.option("-n", "--namespace", metavar="NAME", help="Namespace, where the file names none; default: default.")
@click.option("--all-regions", is_flag=True, help="Look in every enabled region, not only in those of the file.")
@yes_option
@output_option("text", "json", "yaml")
@aws_options
def command(
    file: str,
    name: str | None,
    namespace: str | None,
    all_regions: bool,
    yes: bool,
    output: str,
    profile: str | None,
    region: str | None,
) -> Exit:
    """Remove from AWS what belongs to the QualysZeroTouch in a file.

    Shows what that is and asks first. Only what bears its mark is removed,
    whatever spec.deletionPolicy says.
    """
    from zerotouch.aws.settings import AWSSettings
    from zerotouch.cli.applying import Asked, delete

    asked = Asked(yes, output, AWSSettings(profile=profile, region=region))
    return delete(asked, file, name, namespace, all_regions)

"""`zerotouch apply`: make AWS as a file declares, once, without a cluster."""

import click

from zerotouch.cli.exits import Exit
from zerotouch.cli.options import aws_options, file_option, output_option, yes_option


@click.command()
@file_option()
@click.option("--once", is_flag=True, required=True, help="Make it so now; to keep it so is the operator's work.")
@click.option("-n", "--namespace", metavar="NAME", help="Namespace, where the file names none; default: default.")
@click.option("--token-file", metavar="FILE", type=click.Path(), help="File with the subscription token.")
@click.option("--rotate-token", is_flag=True, help="Give every connection a new token.")
@yes_option
@output_option("text", "json", "yaml")
@aws_options
def command(
    file: str,
    name: str | None,
    once: bool,
    namespace: str | None,
    token_file: str | None,
    rotate_token: bool,
    yes: bool,
    output: str,
    profile: str | None,
    region: str | None,
) -> Exit:
    """Make AWS as the QualysZeroTouch in a file declares, without a cluster.

    Shows the plan and asks first. What it makes bears the mark that an operator
    would leave for the same namespace and name, so that one may take it over.

    The subscription token is needed only where a connection is written: from
    --token-file, ZEROTOUCH_SUBSCRIPTION_TOKEN or the Secret in the same file,
    or minted with ZEROTOUCH_QUALYS_USERNAME and ZEROTOUCH_QUALYS_PASSWORD.
    """
    from zerotouch.aws.settings import AWSSettings
    from zerotouch.cli.applying import Asked, apply

    asked = Asked(yes, output, AWSSettings(profile=profile, region=region))
    return apply(asked, file, name, namespace, token_file, rotate_token)

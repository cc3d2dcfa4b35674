"""`zerotouch crd`: the CustomResourceDefinitions of this version."""

import click

from zerotouch.cli.options import output_option
from zerotouch.cli.output import emit


@click.command()
@output_option("yaml", "json")
def command(output: str) -> None:
    """Print the CustomResourceDefinitions: zerotouch crd | kubectl apply -f -"""
    from zerotouch.api.crd import account_crd, zerotouch_crd

    crds = [account_crd(), zerotouch_crd()]
    if output == "json":
        emit({"apiVersion": "v1", "kind": "List", "items": crds}, output)
        return
    for crd in crds:
        click.echo("---")
        emit(crd, output)

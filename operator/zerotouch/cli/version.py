"""`zerotouch version`: what runs here, and which API it serves."""

import platform
from importlib.metadata import version

import click

from zerotouch.api.meta import API_VERSION
from zerotouch.cli.options import output_option
from zerotouch.cli.output import emit


@click.command()
@output_option("text", "json", "yaml")
def command(output: str) -> None:
    """Print the version, the API version that it knows, and those of what it rests on."""
    known = {
        "version": version("zerotouch"),
        "apiVersion": API_VERSION,
        "python": platform.python_version(),
        **{name: version(name) for name in ("boto3", "kopf", "kubernetes")},
    }
    if output != "text":
        emit(known, output)
        return
    for name, value in known.items():
        click.echo(f"{name}: {value}")

"""Data on the standard output."""

import json
from typing import Any

import click


def emit(data: Any, form: str) -> None:
    """JSON or YAML, of plain values."""
    if form == "json":
        click.echo(json.dumps(data, indent=2))
        return
    import yaml

    click.echo(yaml.safe_dump(data, sort_keys=False, width=120, allow_unicode=True), nl=False)

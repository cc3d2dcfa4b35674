"""Reading the fleet's state from the cluster, once or again and again."""

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Any, Final

import click

from zerotouch.cli.cluster import Connected, connect, families
from zerotouch.cli.exits import Exit
from zerotouch.cli.glance import glance_data, right, table
from zerotouch.cli.options import Cluster
from zerotouch.cli.output import emit
from zerotouch.controller.kube import KubeUnavailable

_LOOK_SECONDS: Final = 2.0
_CLEAR: Final = "\x1b[2J\x1b[H"


@dataclass(frozen=True)
class Wanted:
    """What to show, and how."""

    name: str | None
    everywhere: bool
    watch: bool
    limit: int
    output: str


def show(cluster: Cluster, wanted: Wanted) -> Exit:
    """Raises CommandError."""
    return asyncio.run(_watch(cluster, wanted) if wanted.watch else _once(cluster, wanted))


async def _once(cluster: Cluster, wanted: Wanted) -> Exit:
    async with connect(cluster) as connected:
        data = await _look(connected, wanted)
    _print(data, wanted)
    return Exit.OK if right(data) else Exit.NOT_RIGHT


async def _watch(cluster: Cluster, wanted: Wanted) -> Exit:
    """Until it is interrupted. On a terminal in place, elsewhere whenever something has changed."""
    before: Any = None
    async with connect(cluster) as connected:
        while True:
            try:
                data = await _look(connected, wanted)
            except KubeUnavailable as error:
                if before is None:
                    raise
                click.echo(f"the API server does not answer, trying again: {error}", err=True)
            else:
                if data != before:
                    if sys.stdout.isatty():
                        click.echo(_CLEAR, nl=False)
                    _print(data, wanted)
                before = data
            await asyncio.sleep(_LOOK_SECONDS)


async def _look(connected: Connected, wanted: Wanted) -> list[dict[str, Any]]:
    return glance_data(await families(connected, wanted.everywhere, wanted.name))


def _print(data: list[dict[str, Any]], wanted: Wanted) -> None:
    if wanted.output == "json" and wanted.watch:
        click.echo(json.dumps({"objects": data}))
    elif wanted.output != "text":
        if wanted.watch:
            click.echo("---")
        emit({"objects": data}, wanted.output)
    else:
        table(data, wanted.limit)

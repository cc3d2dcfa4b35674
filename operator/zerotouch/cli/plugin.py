"""`kubectl_complete-zerotouch`, which kubectl calls to complete `kubectl zerotouch`.

Source of the protocol: kubernetes.io, "Extend kubectl with plugins", and cobra's __complete: a line for each proposal, what it
means after a tab, and at last a colon and what the shell is to do.
"""

import sys
from collections.abc import Sequence
from typing import Final

import click
from click.shell_completion import ShellComplete

from zerotouch.cli import main

_NO_FILES: Final = 4
_FILES: Final = 0


def complete(arguments: Sequence[str] | None = None) -> int:
    """The last argument is the word that is being written. Answers the exit status."""
    *before, word = (sys.argv[1:] if arguments is None else arguments) or [""]
    items = ShellComplete(main.command, {}, "zerotouch", main.COMPLETE_VARIABLE).get_completions(list(before), word)
    for item in items:
        if item.type == "plain":
            click.echo(f"{item.value}\t{item.help}" if item.help else item.value)
    click.echo(f":{_FILES if any(item.type != 'plain' for item in items) else _NO_FILES}")
    return 0

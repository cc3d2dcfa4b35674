"""The `zerotouch` command. Each subcommand is a module, imported when it is called."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

_COMMANDS: Final = {
    "run": "run the operator",
    "policy": "print the IAM policies that the operator needs",
    "template": "print the CloudFormation template of the role in each account",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Answers the exit status."""
    parser = argparse.ArgumentParser(
        prog="zerotouch", description="Keeps AWS accounts set up for Qualys zero-touch API-based scans."
    )
    parser.add_argument("--version", action="version", version=f"zerotouch {version('zerotouch')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    given = list(sys.argv[1:] if arguments is None else arguments)
    wanted = next((word for word in given if not word.startswith("-")), None)
    for name, text in _COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if name == wanted:
            importlib.import_module(f"zerotouch.cli.{name}").configure(command)
    options = parser.parse_args(given)
    return int(options.run(options))


if __name__ == "__main__":
    sys.exit(main())

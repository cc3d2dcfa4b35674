"""The `zerotouch` command, also as `kubectl zerotouch`. Each subcommand is a module, imported when it is called."""

import importlib
import io
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from zerotouch.cli.exits import CommandError, Exit

COMMANDS: Final = {
    "run": "Run the operator.",
    "plan": "Tell what would change in AWS.",
    "apply": "Make AWS as a file declares, once, without a cluster.",
    "delete": "Remove from AWS what belongs to the object in a file.",
    "status": "Show accounts and regions, worst first.",
    "import": "Print the object that describes what exists.",
    "doctor": "Find the first broken link between an instance and its scan.",
    "simulate": "Send a synthetic event to Qualys, and see whether it arrives.",
    "policy": "Print the IAM policies that the operator needs.",
    "template": "Print templates that set up AWS as the operator would.",
    "crd": "Print the CustomResourceDefinitions.",
    "completion": "Print the script that makes a shell complete this command.",
    "version": "Print the version.",
}
COMPLETE_VARIABLE: Final = "_ZEROTOUCH_COMPLETE"
DEBUG_VARIABLE: Final = "ZEROTOUCH_DEBUG"
_PLUGIN: Final = "kubectl-zerotouch"


class LazyGroup(click.Group):
    """Knows its commands by name and imports one when it is called, so that `--help` needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        # A command that is named like a keyword has an underscore at the end of its module's name.
        module = f"{cmd_name}_" if cmd_name == "import" else cmd_name
        command: click.Command = importlib.import_module(f"zerotouch.cli.{module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        names = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        return names or click.Command.shell_complete(self, ctx, incomplete)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.option("--debug", is_flag=True, envvar=DEBUG_VARIABLE, help="Show tracebacks and the log.")
@click.version_option(package_name="zerotouch", prog_name="zerotouch", message="%(prog)s %(version)s")
def command(debug: bool) -> None:
    """Keeps AWS accounts set up for Qualys zero-touch API-based scans."""
    if debug:
        os.environ[DEBUG_VARIABLE] = "1"


def debugging() -> bool:
    """Whether tracebacks and the log are wanted."""
    return bool(os.environ.get(DEBUG_VARIABLE))


def main(arguments: Sequence[str] | None = None) -> int:
    """Answers the exit status."""
    called_as = Path(sys.argv[0]).name
    name = "kubectl zerotouch" if called_as == _PLUGIN else "zerotouch"
    given = list(sys.argv[1:] if arguments is None else arguments)
    _set_up_streams()
    if instruction := os.environ.get(COMPLETE_VARIABLE):
        from click.shell_completion import shell_complete

        return shell_complete(command, {}, "zerotouch", COMPLETE_VARIABLE, instruction)
    try:
        status = _run(name, given)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still in the buffer would fail once more when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.BROKEN_PIPE
    return status


def _set_up_streams() -> None:
    if isinstance(sys.stdout, io.TextIOWrapper) and isinstance(raw := sys.stdout.buffer, io.RawIOBase):
        # With PYTHONUNBUFFERED Python loses what a reader who goes had not taken yet, and tells nobody.
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw), sys.stdout.encoding)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that lacks a letter is no reason to fail.
            stream.reconfigure(errors="replace")


def _run(name: str, given: list[str]) -> int:
    try:
        with command.make_context(name, given) as context:
            return int(command.invoke(context) or 0)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return Exit.USAGE
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else name
        return _told(Exit.USAGE, f"{error.format_message().rstrip('.')}: see {path} --help")
    except CommandError as error:
        return _told(error.status, str(error), error)
    except (click.Abort, KeyboardInterrupt) as error:
        return _told(Exit.INTERRUPTED, str(error) or "interrupted")
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the user gets a line, the developer a traceback by --debug
        return _told(Exit.INTERNAL, fault(error), error)


def fault(error: Exception) -> str:
    """One of our own in a line. An exception's own text may hold anything: it is for --debug."""
    return f"a fault of zerotouch itself ({type(error).__name__}): run it again with --debug, and report what it shows"


def show_traceback(error: BaseException) -> None:
    """Where it is wanted."""
    if debugging():
        import traceback

        traceback.print_exception(error)


def _told(status: Exit, message: str, error: BaseException | None = None) -> int:
    if error is not None:
        show_traceback(error)
    # A list of what is wrong keeps its lines; everything else is one.
    first, *others = re.split(r"\n(?=\* )", message)
    lines = [" ".join(line.split()) for line in (f"zerotouch: {first}", *others)]
    click.echo("\n".join(lines), err=True)
    return status


if __name__ == "__main__":
    sys.exit(main())

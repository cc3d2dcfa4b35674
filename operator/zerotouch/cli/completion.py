"""`zerotouch completion`: the script that makes a shell complete the command."""

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that makes SHELL complete this command.

    For bash put this into ~/.bashrc:

        eval "$(zerotouch completion bash)"
    """
    from click.shell_completion import get_completion_class

    from zerotouch.cli import main

    make = get_completion_class(shell)
    assert make is not None
    click.echo(make(main.command, {}, "zerotouch", main.COMPLETE_VARIABLE).source())

"""`python -m sandbox up|down|status|env`."""

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sandbox.processes import PartFailed
from sandbox.state import PARTS, Sandbox

app = typer.Typer(add_completion=False, no_args_is_help=True, help="A sandbox for zerotouch, on loopback.")
_State = Annotated[Path, typer.Option("--state", help="Directory of this sandbox; several may run at once.")]
_DEFAULT = Path(".sandbox/default")
_errors = Console(stderr=True, highlight=False)


@app.command()
def up(
    state: _State = _DEFAULT, only: Annotated[list[str] | None, typer.Option(help="Only these parts.")] = None
) -> None:
    """Start control plane, AWS and Qualys gateway."""
    try:
        Sandbox(state, lambda text: _errors.print(f"· {text}")).up(only or PARTS)
    except PartFailed as error:
        _errors.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    _errors.print(f'ready; in your shell: eval "$(python -m sandbox env --state {state})"')


@app.command()
def down(state: _State = _DEFAULT) -> None:
    """Stop everything."""
    Sandbox(state).down()


@app.command()
def status(state: _State = _DEFAULT) -> None:
    """Say what runs; exits 1 where a part died or none was started."""
    parts = Sandbox(state).processes()
    for process in parts:
        print(f"{process.name}\t{'running' if process.alive() else 'died'}\tpid {process.pid}\t{process.log}")
        if not process.alive():
            print(process.tail())
    if not parts:
        print("nothing was started here")
    raise typer.Exit(0 if parts and all(p.alive() for p in parts) else 1)


@app.command()
def env(state: _State = _DEFAULT) -> None:
    """Print exports for a shell."""
    for name, value in sorted(Sandbox(state).env().items()):
        print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    app()

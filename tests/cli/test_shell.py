"""The command in a shell: start-up, help, completion, and as a plugin of kubectl."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from sandbox.controlplane.run import kubectl_path
from zerotouch.cli import main
from zerotouch.cli.exits import Exit

BIN = Path(sys.executable).parent
HEAVY = ("aiohttp", "boto3", "botocore", "cel", "kopf", "kubernetes", "pydantic", "rich", "structlog", "yaml")


def commands(command: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, *path, name)


def shell(script: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": "/nowhere", **env}
    return subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("path", [*commands(main.command)], ids=" ".join)
def test_help_fits_eighty_columns(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main([*path, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"Usage: {' '.join(['zerotouch', *path])}")
    assert max(map(len, out.splitlines())) <= 80
    # Texts are never cut short.
    assert "..." not in out.replace("[ARGS]...", "")


def test_the_list_of_commands_says_what_each_says() -> None:
    for name, text in main.COMMANDS.items():
        found = main.command.get_command(click.Context(main.command), name)
        assert found is not None
        assert text.endswith(".")
        assert found.help, name


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from zerotouch.cli.main import main; assert main(['--help']) == 0; "
        f"assert not (found := set(sys.modules) & set({HEAVY})), found"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("zerotouch pol", {"policy"}),
        (
            "zerotouch policy ",
            {"import", "account", "attribution", "events", "observe", "operator", "simulate", "trust"},
        ),
        ("zerotouch template -o ", {"yaml", "json"}),
        ("zerotouch policy account --na", {"--name-prefix"}),
    ],
)
def test_bash_completes(words: str, expected: set[str]) -> None:
    script = f"""
        set -eu
        eval "$(zerotouch completion bash)"
        complete -p zerotouch >/dev/null
        COMP_WORDS=({words}); [[ "{words}" == *" " ]] && COMP_WORDS+=("")
        COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )) COMPREPLY=()
        _zerotouch_completion zerotouch "${{COMP_WORDS[COMP_CWORD]}}" ""
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    result = shell(script)
    assert result.stderr == ""
    assert set(result.stdout.split()) == expected


@pytest.mark.parametrize(
    ("words", "expected", "directive"),
    [
        ("pol", {"policy\tPrint the IAM policies that the operator needs."}, ":4"),
        ("template -o ''", {"yaml", "json"}, ":4"),
        ("policy account --na", {"--name-prefix\tspec.namePrefix."}, ":4"),
        ("plan -f ''", set(), ":0"),
    ],
)
def test_kubectl_completes_its_plugin(words: str, expected: set[str], directive: str) -> None:
    result = shell(f"{kubectl_path()} __complete zerotouch {words}")
    *proposals, last = result.stdout.splitlines()
    assert (set(proposals), last) == (expected, directive), result.stderr


def test_as_a_plugin_of_kubectl() -> None:
    kubectl = kubectl_path()
    result = shell(f"{kubectl} zerotouch policy --help")
    assert result.stdout.startswith("Usage: kubectl zerotouch policy"), result.stderr
    assert shell(f"{kubectl} zerotouch version").stdout.startswith("version: ")
    wrong = shell(f"{kubectl} zerotouch no-such")
    assert wrong.returncode == Exit.USAGE
    assert "see kubectl zerotouch --help" in wrong.stderr

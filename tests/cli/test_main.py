"""The command as people call it: what it prints, its exit status, and one line where something is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from zerotouch.api.crd import account_crd, zerotouch_crd
from zerotouch.aws.policy import account_policy, observe_policy, operator_policy
from zerotouch.cli.exits import Exit
from zerotouch.cli.main import main

DEPLOY = Path(__file__).parents[2] / "deploy"
COMMAND = str(Path(sys.executable).parent / "zerotouch")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["account"], account_policy("aws", "ACCOUNT_ID", "qualys-zerotouch")),
        (
            ["account", "--account", "1" * 12, "--name-prefix", "x-y", "--existing-connector-role", "q"],
            account_policy("aws", "1" * 12, "x-y", "q"),
        ),
        (["observe", "--account", "1" * 12], observe_policy("aws", "1" * 12, "qualys-zerotouch")),
    ],
)
def test_policy(capsys: pytest.CaptureFixture[str], arguments: list[str], expected: object) -> None:
    assert main(["policy", *arguments]) == 0
    assert json.loads(capsys.readouterr().out) == expected


def test_policy_of_another_partition(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "--partition", "aws-cn", "account"]) == 0
    assert "arn:aws:" not in capsys.readouterr().out


def test_a_policy_as_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "-o", "yaml", "operator"]) == 0
    assert yaml.safe_load(capsys.readouterr().out) == operator_policy("aws", "zerotouch")


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ([], "cloudformation/target.yaml"),
        (["target"], "cloudformation/target.yaml"),
        (["stack-set"], "cloudformation/stack-set.yaml"),
        (["main-region"], "cloudformation/main-region.yaml"),
        (["main-region", "--terraform"], "terraform/main-region/main.tf"),
        (["account-role"], "cloudformation/account-role.yaml"),
        (["--terraform"], "terraform/target/main.tf"),
        (["account-role", "--terraform"], "terraform/account-role/main.tf"),
    ],
)
def test_template(capsys: pytest.CaptureFixture[str], arguments: list[str], path: str) -> None:
    assert main(["template", *arguments]) == 0
    assert capsys.readouterr().out == (DEPLOY / path).read_text()


def test_template_of_a_spec(capsys: pytest.CaptureFixture[str]) -> None:
    sample = str(DEPLOY / "samples/qualyszerotouch.yaml")
    assert main(["template", "stack-set", "-f", sample, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["Parameters"]["APIGatewayURL"]["Default"].startswith("https://gateway.")
    assert main(["template", "--terraform", "-f", sample]) == 0
    assert "us-east-1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["stack-set", "--terraform"], "Terraform has no StackSets"),
        (["--terraform", "-o", "json"], "not printed as JSON"),
        (["account-role", "-f", "x.yaml"], "account-role takes no -f"),
        (["region"], "is not one of"),
    ],
)
def test_templates_that_do_not_exist(capsys: pytest.CaptureFixture[str], arguments: list[str], says: str) -> None:
    assert main(["template", *arguments]) == 64
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Usage: zerotouch"),
        (
            ["policy"],
            "trust, operator, attribution, events, simulate: see zerotouch policy --help",
        ),
        (["no-such-command"], "No such command 'no-such-command': see zerotouch --help"),
        (["policy", "account", "--what"], "No such option"),
        (["template", "-o", "xml"], "'xml' is not one of 'yaml', 'json': see zerotouch template --help"),
    ],
)
def test_wrong_usage_has_a_status_of_its_own(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == Exit.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err


@pytest.mark.parametrize(
    ("environment", "status", "says"),
    [
        (
            {"KUBECONFIG": "/nowhere"},
            Exit.NO_CONTEXT,
            "no API server: this is no pod, and there is no usable KUBECONFIG",
        ),
        ({"ZEROTOUCH_LOG_LEVEL": "loud"}, Exit.SETTINGS, "log level 'loud': use one of debug, info, warning, error"),
        ({"ZEROTOUCH_LOG_FORMAT": "xml"}, Exit.SETTINGS, "log format 'xml': use json or text"),
    ],
)
def test_what_keeps_the_operator_from_starting_is_one_line(
    environment: dict[str, str], status: Exit, says: str
) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": "/nowhere", **environment}
    result = subprocess.run([COMMAND, "run"], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == status
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_crd(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["crd"]) == 0
    assert list(yaml.safe_load_all(capsys.readouterr().out)) == [account_crd(), zerotouch_crd()]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["apiVersion"] == "zerotouch.dev/v1alpha1"


@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_a_fault_of_ours_is_one_line_and_a_traceback_only_where_asked(
    debug: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise KeyError("canary")

    monkeypatch.setenv("ZEROTOUCH_DEBUG", "")
    monkeypatch.setattr("zerotouch.api.crd.account_crd", fail)
    assert main([*debug, "crd"]) == Exit.INTERNAL
    err = capsys.readouterr().err
    assert err.splitlines()[-1].startswith("zerotouch: a fault of zerotouch itself (KeyError)")
    assert ("canary" in err, "Traceback" in err) == (bool(debug), bool(debug))


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_is_told_by_the_status_alone(unbuffered: str) -> None:
    env = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": unbuffered}
    # More than fits into a pipe: it is still being written when the reader goes.
    pipe = subprocess.PIPE
    with subprocess.Popen([COMMAND, "crd", "-o", "json"], env=env, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(1) == b"{"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == Exit.BROKEN_PIPE

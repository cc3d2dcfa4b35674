"""The command as people call it: what it prints, its exit status, and one line where something is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from zerotouch.aws.policy import account_policy, observe_policy
from zerotouch.cli.main import main

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


def test_template(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["template"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["Resources"]["Role"]["Type"] == "AWS::IAM::Role"


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["policy"]])
def test_wrong_usage_is_told_with_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: zerotouch" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"KUBECONFIG": "/nowhere"}, "no API server: this is no pod, and there is no usable KUBECONFIG"),
        ({"ZEROTOUCH_LOG_LEVEL": "loud"}, "log level 'loud': use one of debug, info, warning, error"),
        ({"ZEROTOUCH_LOG_FORMAT": "xml"}, "log format 'xml': use json or text"),
    ],
)
def test_what_keeps_the_operator_from_starting_is_one_line(environment: dict[str, str], says: str) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": "/nowhere", **environment}
    result = subprocess.run([COMMAND, "run"], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1

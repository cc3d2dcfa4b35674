"""The command as people call it: what it prints, its exit status, and one line where something is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.api.cases import changed
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


@pytest.mark.parametrize("form", [["target"], ["stack-set"], ["--terraform"]])
@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "https://gateway.example:1:2"])
def test_a_gateway_to_which_aws_cannot_deliver_is_no_default(
    form: list[str], url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "object.json"
    auth = {"credentialsSecretRef": {"name": "qualys"}}
    file.write_text(json.dumps(changed("qualys", {"gatewayURL": url, "auth": auth})))
    assert main(["template", *form, "-f", str(file)]) == Exit.USAGE
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert f"qualys.gatewayURL is {url}, to which AWS cannot deliver: set it to https://HOST" in err
    # The operator's role does not depend on it.
    assert main(["template", "account-role", "-f", str(file)]) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["stack-set", "--terraform"], "Terraform has no StackSets"),
        (["--terraform", "-o", "json"], "not printed as JSON"),
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
        (["policy", "account", "--account", "0123"], "'0123' is not an account id, which has 12 digits"),
        (["policy", "account", "--name-prefix", "*"], "'*' is not 3 to 32 letters, digits and dashes"),
        (["policy", "account", "--existing-connector-role", "x/*"], "'x/*' is not the name of a role"),
        (["policy", "operator", "--role-name", "*"], "'*' is not the name of a role"),
        (["policy", "--partition", "aws-moon", "observe"], "'aws-moon' is not one of 'aws', 'aws-cn', 'aws-us-gov'"),
        (["import", "--account", "123"], "'123' is not an account id, which has 12 digits"),
        (
            ["import", "--account", "1" * 12, "--partition", "aws-cn", "--sts-region", "us-east-1"],
            "--sts-region us-east-1 is not of the partition aws-cn",
        ),
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


SIMULATE = ("simulate", "-f", str(DEPLOY / "samples/qualyszerotouch.yaml"))


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_what_would_be_sent_is_data_too(capsys: pytest.CaptureFixture[str], form: str) -> None:
    assert main([*SIMULATE, "111111111111", "us-east-1", "-o", form]) == Exit.REFUSED
    out, err = capsys.readouterr()
    told = yaml.safe_load(out)
    assert (told["sent"], told["event"]["account"], told["event"]["region"]) == (False, "111111111111", "us-east-1")
    assert told["url"].endswith("/qflow/aws-eb")
    assert err == "zerotouch: nothing was sent; to send it, say --yes\n"


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (("999999999999", "us-east-1"), "the object declares no account 999999999999"),
        (("111111111111", "us-moon-1"), "the object does not declare us-moon-1 for 111111111111; it declares "),
    ],
)
def test_what_is_not_declared_is_not_simulated(
    capsys: pytest.CaptureFixture[str], target: tuple[str, str], says: str
) -> None:
    assert main([*SIMULATE, *target, "--yes"]) == Exit.NOT_FOUND
    assert says in capsys.readouterr().err


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

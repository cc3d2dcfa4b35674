"""The installed command as a user calls it: against the emulated AWS, and where it says so with the operator or the cluster."""

import json
import os
import pty
import re
import signal
import subprocess
from pathlib import Path

import pytest

from sandbox.processes import wait_until
from tests.e2e.user import CANARIES, COMMAND, TIMEOUT, User, made
from zerotouch.aws.policy import observe_policy
from zerotouch.cli.exits import Exit

DOCS = Path(__file__).parents[2] / "docs/cli.md"
CONNECTOR = {"role": {"name": "qualys-connector", "trustedAccountID": "123456789012", "externalID": CANARIES[1]}}


def test_plan_apply_plan_and_delete(user: User) -> None:
    account, other = user.tenant.account(1), user.tenant.account(2)
    user.write(account, other, connector=CONNECTOR)
    mint = user.mint_by()

    everything = user.everything()
    assert everything >= 22
    assert made(user.run("plan", "-f", user.file, "-o", "json", status=Exit.CHANGES)) == {"create": everything}
    assert user.tenant.held(account) == []
    refused = user.result("apply", "-f", user.file, "--once", **mint)
    assert refused.returncode == Exit.REFUSED
    assert "nobody to ask; use --yes" in refused.stderr
    assert user.tenant.held(account) == []

    text = user.run("apply", "-f", user.file, "--once", "--yes", status=0, **mint)
    assert f"Done: {everything} created, 0 changed, 0 removed." in text
    assert f"created Rule qualys-zerotouch in {account}/eu-west-1" in text
    assert user.run("plan", "-f", user.file, status=0).startswith("No changes: AWS is as declared. (2 accounts)")

    held, minted = user.tenant.held(account), user.tenant.qualys.mint_count()
    assert len(held) >= 13
    user.forget_calls()
    assert "No changes" in user.run("apply", "-f", user.file, "--once", "--yes", status=0, **mint)
    assert (user.writes(account), user.writes(other)) == ([], [])
    assert user.tenant.qualys.mint_count() == minted

    instance = user.tenant.aws.start_instance(account, "eu-west-1")
    user.tenant.qualys.wait_for_event(lambda event: event["instance"] == instance)

    user.tenant.aws.client("events", account, "us-east-1").disable_rule(Name="qualys-zerotouch")
    told = user.run("plan", "-f", user.file, status=Exit.CHANGES)
    assert '~ state = "DISABLED" -> "ENABLED"' in told
    assert "Plan: 0 to create, 1 to change, 0 to remove, in 2 accounts." in told
    user.forget_calls()
    # No token is needed where no connection is written.
    assert "changed Rule" in user.run("apply", "-f", user.file, "--once", "--yes", status=0)
    assert (user.writes(account), user.writes(other)) == (["PutRule"], [])

    text = user.run("delete", "-f", user.file, "--yes", status=0)
    assert f"Done: 0 created, 0 changed, {everything} removed." in text
    assert (user.tenant.held(account), user.tenant.held(other)) == ([], [])
    assert "Nothing of this object is there." in user.run("delete", "-f", user.file, "--yes", status=0)


def test_rights_to_read_suffice_for_a_plan(user: User) -> None:
    account = user.tenant.account()
    user.tenant.aws.set_policy(account, observe_policy("aws", account, "qualys-zerotouch"))
    user.write(account)
    user.forget_calls()
    assert made(user.run("plan", "-f", user.file, "-o", "json", status=Exit.CHANGES)) == {"create": user.everything()}
    assert user.writes(account) == []


def test_a_token_by_hand_and_its_rotation(user: User) -> None:
    account = user.tenant.account()
    auth = {"subscriptionTokenSecretRef": {"name": "qualys", "key": "token"}}
    qualys = {"gatewayURL": user.tenant.world.gateway_url, "auth": auth}
    token = user.tenant.qualys.mint()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "qualys"}, "stringData": {"token": token}}

    user.write(account, qualys=qualys)
    lacking = user.result("apply", "-f", user.file, "--once", "--yes")
    assert lacking.returncode == Exit.TOKEN
    assert "give --token-file" in lacking.stderr

    user.write(account, secrets=(secret,), qualys=qualys)
    user.run("apply", "-f", user.file, "--once", "--yes", status=0)
    assert made(user.run("plan", "-f", user.file, "-o", "json", status=0)) == {}
    fresh = user.directory / "token"
    fresh.write_text(user.tenant.qualys.mint() + "\n")
    fresh.chmod(0o600)
    output = user.run("apply", "-f", user.file, "--once", "--yes", "--token-file", str(fresh), "-o", "json", status=0)
    changes = [c for a in json.loads(output)["accounts"] for c in a["changes"]]
    assert [(c["kind"], c["action"], list(c["fields"])) for c in changes] == [("Connection", "update", ["token"])] * 2
    assert token not in output
    assert fresh.read_text().strip() not in output


def test_an_operator_takes_over_and_writes_nothing_but_the_mark(user: User, request: pytest.FixtureRequest) -> None:
    account = user.tenant.account()
    auth = {"subscriptionTokenSecretRef": {"name": "qualys", "key": "token"}}
    spec = {"qualys": {"gatewayURL": user.tenant.world.gateway_url, "auth": auth}, "connector": CONNECTOR}
    token = user.tenant.qualys.mint()
    user.write(account, **spec)
    user.run("apply", "-f", user.file, "--once", "--yes", status=0, ZEROTOUCH_SUBSCRIPTION_TOKEN=token)

    held = user.tenant.held(account)
    user.forget_calls()
    request.getfixturevalue("operator")
    user.tenant.secret("qualys", {"token": token})
    user.tenant.apply(account, **spec)
    user.tenant.ready()
    # The connection's Description tells the token by a hash with the operator's own key.
    assert set(user.writes(account)) <= {"UpdateConnection", "PutSecretValue", "UpdateSecret"}
    assert user.writes(account).count("UpdateConnection") == 2
    assert user.tenant.held(account) == held
    assert made(user.run("plan", "-f", user.file, "-o", "json", status=0)) == {}


@pytest.mark.parametrize(
    ("env", "arguments", "status", "says"),
    [
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, [], Exit.NO_CREDENTIALS, "no AWS credentials"),
        ({}, ["--profile", "nobody"], Exit.UNKNOWN_PROFILE, "profile (nobody) could not be found"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, [], Exit.AWS_ERROR, "does not answer"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, [], Exit.NO_CREDENTIALS, "AWS refuses the credentials"),
    ],
)
def test_credentials(user: User, env: dict[str, str], arguments: list[str], status: Exit, says: str) -> None:
    user.write("111111111111")
    result = user.result("plan", "-f", user.file, *arguments, **{"AWS_EC2_METADATA_DISABLED": "true"}, **env)
    assert (result.returncode, result.stdout) == (status, "")
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", [["apply", "--once", "--yes"], ["delete", "--yes"]])
def test_nothing_is_changed_without_credentials(user: User, command: list[str]) -> None:
    user.write("111111111111")
    result = user.result(*command, "-f", user.file, "--profile", "nobody")
    assert (result.returncode, result.stdout) == (Exit.UNKNOWN_PROFILE, "")


def test_expired_credentials(user: User) -> None:
    user.write("111111111111")
    user.tenant.aws.add_fault("expired", operation="GetCallerIdentity", count=3)
    try:
        result = user.result("plan", "-f", user.file)
    finally:
        user.tenant.aws.clear_faults()
    assert result.returncode == Exit.EXPIRED_CREDENTIALS
    assert "the AWS credentials have expired" in result.stderr


def test_a_profile_is_honoured(user: User) -> None:
    account = user.tenant.account()
    config = user.directory / ".aws"
    config.mkdir()
    key, secret = user.env.pop("AWS_ACCESS_KEY_ID"), user.env.pop("AWS_SECRET_ACCESS_KEY")
    user.env.pop("AWS_DEFAULT_REGION")
    (config / "credentials").write_text(f"[ops]\naws_access_key_id={key}\naws_secret_access_key={secret}\n")
    (config / "config").write_text("[profile ops]\nregion=eu-west-1\n")
    user.write(account)
    assert made(user.run("plan", "-f", user.file, "--profile", "ops", "-o", "json", status=Exit.CHANGES))
    assert made(user.run("plan", "-f", user.file, "-o", "json", status=Exit.CHANGES, AWS_PROFILE="ops"))


def test_what_is_not_ours_is_left_and_told(user: User) -> None:
    account = user.tenant.account()
    events = user.tenant.aws.client("events", account, "us-east-1")
    events.put_rule(Name="qualys-zerotouch", EventPattern='{"source": ["aws.ec2"]}')
    user.write(account)
    text = user.run("plan", "-f", user.file, status=Exit.NOT_RIGHT)
    assert "! conflict: Rule qualys-zerotouch exists in us-east-1 and is not ours" in text
    output = user.run(
        "apply", "-f", user.file, "--once", "--yes", "-o", "json", status=Exit.NOT_RIGHT, **user.mint_by()
    )
    (problem,) = json.loads(output)["problems"]
    assert (problem["account"], problem["region"]) == (account, "us-east-1")
    assert events.describe_rule(Name="qualys-zerotouch")["EventPattern"] == '{"source": ["aws.ec2"]}'


def test_an_account_that_cannot_be_entered_keeps_no_other_from_its_work(user: User) -> None:
    good, bad = user.tenant.account(1), user.tenant.account(2, external_id="another")
    user.write(good, bad)
    result = user.result("apply", "-f", user.file, "--once", "--yes", **user.mint_by())
    assert result.returncode == Exit.NOT_RIGHT
    assert f"! {bad}: " in result.stdout
    assert "ExternalId" in result.stdout
    assert "Rule eu-west-1 qualys-zerotouch" in user.tenant.held(good)


def test_the_terminal_is_asked(user: User) -> None:
    account = user.tenant.account()
    user.write(account)
    status, output = at_terminal(user, "n\n")
    assert status == Exit.REFUSED
    assert "Make these changes, as arn:aws:iam::999999999999:user/zerotouch-operator? [y/N]" in output
    assert "zerotouch: nothing was changed" in output
    assert user.tenant.held(account) == []
    status, output = at_terminal(user, "y\n")
    assert status == 0, output
    assert f"Done: {user.everything()} created" in output


def at_terminal(user: User, answer: str) -> tuple[int, str]:
    """`apply` with a terminal on both sides; answers the status and all that was on the screen."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(
            COMMAND, [COMMAND, "apply", "-f", user.file, "--once"], {**user.env, **user.mint_by(), "TERM": "xterm"}
        )
    screen = b""
    while b"[y/N]" not in screen:
        screen += os.read(terminal, 4096)
    os.write(terminal, answer.encode())
    while True:
        try:
            more = os.read(terminal, 4096)
        except OSError:
            break
        if not more:
            break
        screen += more
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), screen.decode(errors="replace")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_tells_what_was_done(user: User, number: signal.Signals) -> None:
    account = user.tenant.account()
    user.write(account, regions={"names": ["us-east-1"]})
    user.tenant.aws.add_fault("delay", account=account, operation="CreateConnection", seconds=3.0)
    # However late the interruption comes, the work is not done by then.
    user.tenant.aws.add_fault("throttle", account=account, operation="PutRule", count=1000)
    try:
        process = subprocess.Popen(
            [COMMAND, "apply", "-f", user.file, "--once", "--yes"],
            env={**user.env, **user.mint_by()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_until(lambda: any("Association" in line for line in user.tenant.held(account)), TIMEOUT)
        process.send_signal(number)
        out, err = process.communicate(timeout=TIMEOUT)
    finally:
        user.tenant.aws.clear_faults()
    assert process.returncode == Exit.INTERRUPTED
    assert f"created InventoryAssociation qualys-zerotouch in {account}/us-east-1" in out
    assert "created Rule" not in out
    assert "Interrupted: " in out
    assert err.splitlines()[-1] == "zerotouch: interrupted: run it again to finish"
    told = sum(line.startswith("created ") for line in out.splitlines())
    assert told == len(user.tenant.held(account))
    user.run("apply", "-f", user.file, "--once", "--yes", status=0, **user.mint_by())
    user.run("plan", "-f", user.file, status=0)


def test_offline(user: User) -> None:
    user.write("111111111111", regions={"selection": "AllEnabled"})
    env = {"PATH": user.env["PATH"], "HOME": "/nowhere", "ZEROTOUCH_ALLOWED_GATEWAYS": user.tenant.world.gateway_url}
    user.env = env
    output = user.run("plan", "-f", user.file, "--assume-empty", "-o", "yaml", status=Exit.CHANGES)
    assert "(each enabled region)" in output


def test_the_plan_in_the_documentation(user: User) -> None:
    account = user.tenant.account()
    user.write(account, connector=CONNECTOR)
    user.run("apply", "-f", user.file, "--once", "--yes", status=0, **user.mint_by())
    ssm = user.tenant.aws.client("ssm", account, "eu-west-1")
    (association,) = ssm.list_associations()["Associations"]
    ssm.delete_association(AssociationId=association["AssociationId"])
    user.tenant.aws.client("events", account, "us-east-1").disable_rule(Name="qualys-zerotouch")
    user.write(account, accounts=[{"id": account, "name": "payments"}])
    told = user.run("plan", "-f", user.file, status=Exit.CHANGES)
    known = {account: "111111111111", user.tenant.namespace: "security"}
    for found, shown in known.items():
        told = told.replace(found, shown)
    block = re.compile(r"(?<=```\n\$ zerotouch plan -f production.yaml\n)(.*?)(?=```)", re.DOTALL)
    if os.environ.get("UPDATE_DOCS"):
        DOCS.write_text(block.sub(lambda _: told, DOCS.read_text()))
    assert block.findall(DOCS.read_text()) == [told], "UPDATE_DOCS=1 writes it"


def test_the_topology_of_a_main_region(user: User) -> None:
    account = user.tenant.account()
    user.write(account, delivery={"topology": "MainRegion", "mainRegion": "us-east-1"})
    user.run("apply", "-f", user.file, "--once", "--yes", status=0, **user.mint_by())
    connections = [line for line in user.tenant.held(account) if line.startswith("Connection")]
    assert connections == ["Connection us-east-1 qualys-zerotouch"]
    user.forget_calls()
    assert "No changes" in user.run("apply", "-f", user.file, "--once", "--yes", status=0)
    assert user.writes(account) == []

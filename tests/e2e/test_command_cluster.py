"""The command beside a running operator: the plan of an object in the cluster, and the fleet's status."""

import json
import signal
import subprocess

import pytest

from sandbox.deployment import Replica
from sandbox.processes import wait_until
from tests.e2e.neighbours import ASSOCIATION, RULE, set_up_beside
from tests.e2e.test_main_job import ask
from tests.e2e.user import COMMAND, TIMEOUT, User, made
from zerotouch.cli.exits import Exit

FAILING = {"apiVersion": "client.authentication.k8s.io/v1", "command": "false", "interactiveMode": "Never"}


@pytest.fixture
def admin(user: User) -> User:
    """With the cluster's kubeconfig."""
    user.env["KUBECONFIG"] = str(user.tenant.world.kubeconfig)
    return user


def test_the_plan_of_an_object_in_the_cluster(admin: User, operator: Replica) -> None:
    tenant = admin.tenant
    first, second = tenant.account(1), tenant.account(2)
    tenant.credentials()
    tenant.apply(first, second, interval="24h")
    tenant.ready()
    plan = ("plan", "production", "-n", tenant.namespace, "-o", "json")
    assert made(admin.run(*plan, status=0)) == {}
    tenant.patch({"suspend": True})
    tenant.until("Suspended")
    tenant.patch({"regions": {"names": ["us-east-1"]}, "accounts": [{"id": first}]})
    output = admin.run(*plan, status=Exit.CHANGES)
    # The region that goes, the role that names its regions, and the account that goes.
    one_region, both = region_kinds(output), len(json.loads(output)["accounts"][1]["changes"])
    assert both == 2 * one_region + 1
    assert made(output) == {"remove": one_region + both, "change": 1}
    leaving = {(c["region"], c["action"]) for c in json.loads(output)["accounts"][1]["changes"]}
    assert leaving == {(region, "delete") for region in ("global", "us-east-1", "eu-west-1")}
    assert "Rule eu-west-1 qualys-zerotouch" in tenant.held(first)
    tenant.patch({"suspend": False})


def region_kinds(output: str) -> int:
    """How many resources of the first account's second region would go."""
    changes = json.loads(output)["accounts"][0]["changes"]
    return sum((c["region"], c["action"]) == ("eu-west-1", "delete") for c in changes)


def test_status(admin: User, operator: Replica) -> None:
    tenant = admin.tenant
    good, bad = tenant.account(1), tenant.account(2, external_id="another")
    tenant.credentials()
    tenant.apply(good, bad)
    tenant.until("AccountsNotReady")
    tenant.wait(lambda: tenant.condition(tenant.get("qzta", f"production-{good}")).get("status") == "True")
    status = ("status", "-n", tenant.namespace)
    (entry,) = json.loads(admin.run(*status, "-o", "json", status=Exit.NOT_RIGHT))["objects"]
    assert [(a["id"], a["ready"], a["reason"]) for a in entry["accounts"]] == [
        (bad, "False", "AssumeRoleDenied"),
        (good, "True", "Succeeded"),
    ]
    assert {r["name"] for r in entry["accounts"][1]["regions"]} == {"global", "us-east-1", "eu-west-1"}
    text = admin.run(*status, status=Exit.NOT_RIGHT)
    lines = text.splitlines()
    assert lines[0].startswith(f"{tenant.namespace}/production  1/2 accounts  Ready=False")
    assert [line.split()[0] for line in lines if line.startswith(("3", "ACCOUNT"))] == ["ACCOUNT", bad, good]
    assert "3/3" in next(line for line in lines if line.startswith(good))
    assert f"{tenant.namespace}/production" in admin.run("status", "-A")


def test_what_others_have_set_up_is_told_by_plan_status_and_doctor(admin: User, operator: Replica) -> None:
    tenant = admin.tenant
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account, interval="24h", regions={"names": ["us-east-1"]})
    tenant.ready()
    where = ("-n", tenant.namespace)
    commands = {"plan": ("plan", "production", *where), "status": ("status", *where), "doctor": ("doctor", *where)}
    for command in commands.values():
        assert "DeliveredTwice" not in admin.run(*command, status=0)
    set_up_beside(tenant, account)
    ask(tenant, account, "others")
    told = {name: admin.run(*command, status=0) for name, command in commands.items()}
    for text in told.values():
        assert (
            f"each instance start is told to Qualys twice, also by arn:aws:events:us-east-1:{account}:rule/{RULE} to "
            in text
        )
        assert ASSOCIATION in text
    assert "  ! us-east-1: DeliveredTwice: " in told["plan"]
    assert "No changes: AWS is as declared." in told["plan"]
    assert f"  ! {account}/us-east-1: SecondInventoryAssociation: " in told["status"]
    assert "No link is broken.\nWarning: exclusive: " in told["doctor"]
    data = {name: json.loads(admin.run(*command, "-o", "json", status=0)) for name, command in commands.items()}
    reasons = [(found["region"], found["reason"]) for found in data["plan"]["accounts"][0]["beside"]]
    assert reasons == [("us-east-1", "DeliveredTwice"), ("us-east-1", "SecondInventoryAssociation")]
    (region,) = [r for r in data["status"]["objects"][0]["accounts"][0]["regions"] if r["deliveredTwiceBy"]]
    assert (region["name"], len(region["rivalAssociations"])) == ("us-east-1", 1)
    assert data["doctor"][0]["firstBroken"] is None
    assert data["doctor"][0]["links"][-1]["answer"] == "warning"


def heed_ctrl_c() -> None:
    """Whatever the shell that started the tests does about it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_watching_tells_each_change(admin: User, operator: Replica) -> None:
    tenant = admin.tenant
    account = tenant.account()
    tenant.credentials()
    log = admin.directory / "watch.log"
    command = [COMMAND, "status", "--watch", "-o", "json", "-n", tenant.namespace]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env=admin.env, stdout=output, stderr=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c
        )
        try:
            wait_until(lambda: '{"objects": []}' in log.read_text(), TIMEOUT)
            tenant.apply(account)
            wait_until(lambda: '"ready": "True"' in log.read_text().splitlines()[-1], TIMEOUT)
        finally:
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, err) == (Exit.INTERRUPTED, "zerotouch: interrupted\n")


@pytest.mark.parametrize(
    ("env", "arguments", "status", "says"),
    [
        ({"KUBECONFIG": "/nowhere"}, [], Exit.NO_CONTEXT, "there is no usable kubeconfig"),
        ({}, ["--kubeconfig", "/nowhere"], Exit.NO_CONTEXT, "no cluster: "),
        ({}, ["--context", "nobody"], Exit.NO_CONTEXT, "nobody"),
        ({}, ["-n", "no-such-namespace"], Exit.NOT_FOUND, "there is no QualysZeroTouch production in namespace"),
    ],
)
def test_no_cluster(admin: User, env: dict[str, str], arguments: list[str], status: Exit, says: str) -> None:
    for command in ("plan", "status"):
        result = admin.result(command, "production", *arguments, **env)
        assert (result.returncode, result.stdout) == (status, "")
        assert says in result.stderr
        assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        (lambda c: c["clusters"][0]["cluster"].update(server="https://127.0.0.1:1"), Exit.CLUSTER_UNREACHABLE, "does not answer"),
        (lambda c: c["users"][0].update(user={"token": "wrong"}), Exit.CLUSTER_REFUSED, "401"),
        (lambda c: c["users"][0].update(user={"exec": FAILING}), Exit.CLUSTER_REFUSED, "or their plugin, gave nothing"),
        (lambda c: c.pop("clusters"), Exit.NO_CONTEXT, "no cluster: "),
    ],
)  # fmt: skip
def test_a_cluster_that_gives_nothing(admin: User, change: object, status: Exit, says: str) -> None:
    config = json.loads(admin.tenant.world.kubeconfig.read_text())
    change(config)  # type: ignore[operator]
    broken = admin.directory / "kubeconfig"
    broken.write_text(json.dumps(config))
    result = admin.result("status", "--kubeconfig", str(broken))
    assert (result.returncode, says in result.stderr) == (status, True), result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_kubeconfig_that_is_none(admin: User) -> None:
    broken = admin.directory / "kubeconfig"
    broken.write_text("a: [")
    result = admin.result("status", "--kubeconfig", str(broken))
    assert (result.returncode, len(result.stderr.splitlines())) == (Exit.NO_CONTEXT, 1), result.stderr

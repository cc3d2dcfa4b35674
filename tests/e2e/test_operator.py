"""The operator itself: started, stopped, killed, doubled, and what it may do."""

import base64
import contextlib
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.deployment import NAMESPACE, Deployment, Replica
from sandbox.processes import wait_until
from sandbox.state import Sandbox
from tests.e2e.conftest import Operators
from tests.e2e.tenant import EXTERNAL_ID, OBJECT, Tenant
from tests.e2e.test_main_job import expected

SERVICE_ACCOUNT = f"system:serviceaccount:{NAMESPACE}:zerotouch"
FIRST = ("us-east-1", "eu-west-1")


def metric(replica: Replica, name: str) -> float:
    match = re.search(rf"^{re.escape(name)} (\S+)$", replica.metrics(), re.MULTILINE)
    assert match, name
    return float(match[1])


def writes(tenant: Tenant, account: str) -> list[dict[str, Any]]:
    reads = ("Get", "List", "Describe", "AssumeRole")
    return [c for c in tenant.aws.calls(account) if not c["operation"].startswith(reads)]


def slow_accounts(tenant: Tenant, number: int = 3) -> list[str]:
    """Accounts in which calls to EventBridge take a while, and no pass comes to its end: it can be met half-way."""
    accounts = [tenant.account(n) for n in range(1, number + 1)]
    for account in accounts:
        tenant.aws.add_fault("throttle", account=account, service="events", operation="PutTargets", count=1000)
        tenant.aws.add_fault("delay", account=account, service="events", count=40, seconds=0.3)
    return accounts


def started_writing(tenant: Tenant, accounts: list[str]) -> bool:
    return any(c["operation"] == "CreateConnection" for a in accounts for c in writes(tenant, a))


@contextlib.contextmanager
def silent_api_server(world: Sandbox) -> Iterator[None]:
    """It accepts connections and answers nothing."""
    (server,) = [p for p in world.processes() if p.name == "kube-apiserver"]
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def test_killed_in_the_middle_of_the_first_convergence(operators: Operators, tenant: Tenant) -> None:
    operator = operators.running()
    accounts = slow_accounts(tenant)
    tenant.credentials()
    tenant.apply(*accounts)
    tenant.wait(lambda: started_writing(tenant, accounts))
    operator.process.stop(signal.SIGKILL)
    assert not all(tenant.held(a) == expected(*FIRST) for a in accounts)
    tenant.aws.clear_faults()
    operators.running()
    tenant.ready()
    assert {a: tenant.held(a) for a in accounts} == {a: expected(*FIRST) for a in accounts}


def test_killed_after_a_region_was_entered_and_undeclared_meanwhile(operators: Operators, tenant: Tenant) -> None:
    """What was entered is remembered before the first write, or it would be left over for ever."""
    operator = operators.running()
    (account,) = slow_accounts(tenant, 1)
    tenant.credentials()
    tenant.apply(account)
    tenant.wait(lambda: started_writing(tenant, [account]))
    operator.process.stop(signal.SIGKILL)
    tenant.aws.clear_faults()
    tenant.patch({"regions": {"names": ["us-west-2"]}})
    operators.running()
    tenant.ready()
    tenant.wait(lambda: tenant.held(account) == expected("us-west-2"))


def test_stopped_in_the_middle_of_a_pass(operators: Operators, tenant: Tenant) -> None:
    operator = operators.running()
    accounts = slow_accounts(tenant)
    tenant.credentials()
    tenant.apply(*accounts)
    tenant.wait(lambda: started_writing(tenant, accounts))
    os.kill(operator.process.pid, signal.SIGTERM)
    wait_until(lambda: not operator.process.alive(), 40)
    assert "Traceback" not in operator.log()
    tenant.aws.clear_faults()
    # The Lease was released: nobody has to wait for it to expire.
    lease = json.loads(tenant.world.kubectl("get", "lease", "zerotouch", "-n", NAMESPACE, "-o", "json"))
    assert lease["spec"]["holderIdentity"] == ""
    operators.running()
    tenant.ready()
    assert {a: tenant.held(a) for a in accounts} == {a: expected(*FIRST) for a in accounts}


def test_a_second_replica_only_watches_and_takes_over(operators: Operators, world: Sandbox, tenant: Tenant) -> None:
    first = operators.running()
    tenant.wait(lambda: metric(first, "zerotouch_leader") == 1)
    second = Deployment(world).start("second")
    try:
        assert metric(second, "zerotouch_leader") == 0
        account = tenant.account()
        tenant.credentials()
        tenant.apply(account)
        tenant.ready()
        assert metric(second, 'zerotouch_passes_total{result="ready"}') == 0
        assert metric(second, 'zerotouch_targets{state="Ready"}') >= 3
        first.process.stop()
        tenant.wait(lambda: metric(second, "zerotouch_leader") == 1)
        assert "another leader vanished" not in second.log(), "the Lease was released"
        tenant.annotate("qzta", f"{OBJECT}-{account}", "zerotouch.dev/requestedAt=now")
        tenant.wait(lambda: tenant.child(account)["status"].get("lastHandledReconcileAt") == "now")
    finally:
        second.process.stop()
        operators.running()


def test_a_short_silence_of_the_api_server_is_ridden_out(operators: Operators, tenant: Tenant) -> None:
    operator = operators.running()
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account)
    tenant.ready()
    with silent_api_server(tenant.world):
        wait_until(lambda: "cannot renew leadership" in operator.log())
    tenant.annotate("qzta", f"{OBJECT}-{account}", "zerotouch.dev/requestedAt=after")
    tenant.wait(lambda: tenant.child(account)["status"].get("lastHandledReconcileAt") == "after")
    assert operator.process.alive()


def test_leadership_lost_ends_the_process_and_the_next_one_goes_on(operators: Operators, tenant: Tenant) -> None:
    operator = operators.running()
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account)
    tenant.ready()
    with silent_api_server(tenant.world):
        wait_until(lambda: not operator.process.alive(), 40)
    assert "leadership was lost" in operator.log()
    operators.running()
    tenant.annotate("qzta", f"{OBJECT}-{account}", "zerotouch.dev/requestedAt=after")
    tenant.wait(lambda: tenant.child(account)["status"].get("lastHandledReconcileAt") == "after")


def test_no_secret_anywhere(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account)
    tenant.ready()
    secret = tenant.get("secret", f"{OBJECT}-zerotouch-token")
    assert secret is not None
    minted = base64.b64decode(secret["data"]["token"]).decode()
    assert minted.count(".") == 2
    shown = tenant.kubectl("get", "qzt,qzta,events,configmaps", "-o", "yaml")
    events = tenant.aws.client("events", account)
    aws = json.dumps(
        [
            events.describe_connection(Name="qualys-zerotouch"),
            events.describe_api_destination(Name="qualys-zerotouch"),
            events.describe_rule(Name="qualys-zerotouch"),
            events.list_targets_by_rule(Rule="qualys-zerotouch"),
        ],
        default=str,
    )
    password = tenant.world.gateway_credentials()["password"]
    for canary in (minted, minted.split(".")[2], password):
        for place in (shown, aws, operator.log(), operator.metrics()):
            assert canary not in place
    assert EXTERNAL_ID not in operator.log() + operator.metrics() + "".join(tenant.told("Applied"))


@pytest.mark.parametrize(
    ("verb", "resource", "where"),
    [
        ("list", "secrets", None),
        ("watch", "secrets", None),
        ("delete", "secrets", None),
        ("get", "secrets", "default"),
        ("create", "qualyszerotouches", None),
        ("delete", "qualyszerotouches", None),
        ("create", "pods", None),
        ("get", "configmaps", NAMESPACE),
        ("list", "secrets", NAMESPACE),
        ("update", "deployments", NAMESPACE),
        ("delete", "customresourcedefinitions", None),
    ],
)
def test_what_the_operator_may_not_do(
    operator: Replica, tenant: Tenant, verb: str, resource: str, where: str | None
) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        tenant.kubectl("auth", "can-i", verb, resource, f"--as={SERVICE_ACCOUNT}", "-n", where or tenant.namespace)
    assert caught.value.stdout.strip() == "no"


def test_metrics_are_complete_from_the_start(operator: Replica) -> None:
    text = operator.metrics()
    for name in (
        "zerotouch_build_info{version=",
        "zerotouch_leader 1.0",
        'zerotouch_targets{state="NotReady"}',
        'zerotouch_drift_seen_total{cause="removed",kind="Connection"}',
        'zerotouch_drift_mended_total{cause="changed",kind="Rule"}',
        "zerotouch_conflicts ",
        "zerotouch_foreign_api_destinations ",
        "zerotouch_duplicate_deliveries ",
        'zerotouch_passes_total{result="error"} 0.0',
        "zerotouch_pass_duration_seconds_bucket",
        'zerotouch_token_mints_total{result="ok"}',
        "process_resident_memory_bytes",
    ):
        assert name in text, name
    assert operator.get("/healthz") == (200, "ok\n")


def test_without_crds_it_waits_and_says_so(tmp_path: Path) -> None:
    with Sandbox(tmp_path / "bare").up() as bare:
        deployment = Deployment(bare)
        deployment.install()
        replica = deployment.start(wait=False)
        wait_until(lambda: "waiting for the CRDs: kubectl apply -k deploy/crds" in replica.log())
        assert replica.get("/metrics")[0] == replica.get("/readyz")[0] == 503
        assert replica.get("/healthz")[0] == 200
        impatient = deployment.start("impatient", wait=False)
        wait_until(lambda: "waiting for the CRDs" in impatient.log())
        impatient.process.stop()
        assert "Traceback" not in impatient.log()
        deployment.install_crds()
        wait_until(replica.ready)
        assert replica.get("/metrics")[0] == 200

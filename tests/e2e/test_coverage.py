"""An instance whose agent is offline is told, with the reason, wherever people look; and that it is back."""

import re
from pathlib import Path

from sandbox.deployment import ROOT, Replica
from tests.e2e.tenant import OBJECT, Tenant
from tests.e2e.test_main_job import ask

_VARYING = (
    (re.compile(r"i-[0-9a-f]{17}"), "INSTANCE"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "TIME"),
)


def shown(text: str) -> list[str]:
    """The lines without what differs from run to run."""
    for pattern, word in _VARYING:
        text = pattern.sub(word, text)
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def documented(page: str) -> list[str]:
    (block,) = re.findall(r"```text\n(.*?)```", Path(ROOT / page).read_text(), re.DOTALL)
    return shown(block)


def follows(part: list[str], whole: list[str]) -> bool:
    """Whether all lines of the part are in the whole, in this order."""
    rest = iter(whole)
    return all(line in rest for line in part)


def test_an_agent_that_is_offline_and_comes_back(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    lost, _ = (tenant.aws.start_instance(account, "us-east-1") for _ in range(2))
    tenant.aws.set_agent(account, "us-east-1", lost, ping="ConnectionLost", ping_age=7200.0)
    tenant.credentials()
    tenant.apply(account, coverage={"gracePeriod": "0s"}, interval="1h")
    tenant.ready()
    covered = tenant.condition(tenant.child(account), "Covered")
    assert (covered["status"], covered["reason"]) == ("False", "InstancesNotCovered")
    assert f"us-east-1 {lost}: SSM agent offline since " in covered["message"]
    described = shown(tenant.kubectl("describe", "qzta", f"{OBJECT}-{account}"))
    part = documented("docs/coverage.md")
    assert follows(part, described), "\n".join(described)
    tenant.wait(lambda: tenant.condition(tenant.object(), "Covered").get("status") == "False")
    assert f"{OBJECT}-{account}" in tenant.condition(tenant.object(), "Covered")["message"]
    assert "1/2" in tenant.kubectl("get", "qzta", "-o", "wide")
    tenant.told("InstancesNotCovered")
    gauge = f'zerotouch_uncovered_instances{{account="{account}",region="us-east-1"}}'
    tenant.wait(lambda: f"{gauge} 1.0" in operator.metrics())

    tenant.aws.set_agent(account, "us-east-1", lost)
    ask(tenant, account, "the agent is back")
    covered = tenant.condition(tenant.child(account), "Covered")
    assert (covered["status"], covered["message"]) == ("True", "2 of 2 running instances report fresh inventory")
    assert tenant.child(account)["status"]["coverage"].get("uncovered", []) == []
    tenant.wait(lambda: tenant.condition(tenant.object(), "Covered")["status"] == "True")
    tenant.told("Covered")
    tenant.wait(lambda: gauge not in operator.metrics())


def test_a_look_is_not_part_of_every_pass_and_can_be_switched_off(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.aws.start_instance(account, "us-east-1")
    tenant.credentials()
    tenant.apply(account, interval="1h")
    tenant.ready()

    def looks() -> int:
        return sum(c["operation"] == "GetInventory" for c in tenant.aws.calls(account))

    assert looks() == 1
    tenant.patch({"tags": {"team": "secops"}})
    tenant.wait(lambda: tenant.child(account)["status"].get("observedGeneration") == 2)
    tenant.ready()
    assert looks() == 1
    tenant.patch({"coverage": {"platforms": [{"name": "Ubuntu"}]}})
    tenant.wait(lambda: tenant.condition(tenant.child(account), "Covered").get("status") == "False")
    assert "platform Amazon Linux 2023" in tenant.condition(tenant.child(account), "Covered")["message"]
    assert looks() == 2
    tenant.patch({"coverage": {"enabled": False}})
    tenant.wait(lambda: "coverage" not in tenant.child(account)["status"])
    assert tenant.condition(tenant.child(account), "Covered") == {}
    ask(tenant, account, "now")
    assert looks() == 2

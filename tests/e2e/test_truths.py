"""What AWS refuses in one region of one account is told there and on the parent, and nobody else suffers."""

from sandbox.deployment import Replica
from tests.e2e.tenant import OBJECT, Tenant
from tests.e2e.test_main_job import ask


def test_an_scp_in_one_region_of_one_account(operator: Replica, tenant: Tenant) -> None:
    denied, fine = tenant.account(1), tenant.account(2)
    fault = {"operation": "CreateConnection", "account": denied, "region": "eu-west-1", "count": 10_000}
    tenant.aws.add_fault("scp", **fault)
    tenant.credentials()
    tenant.apply(denied, fine, interval="1h")
    tenant.until("Succeeded", kind="qzta", name=f"{OBJECT}-{fine}")
    tenant.until("DeniedBySCP", "eu-west-1: events:CreateConnection", kind="qzta", name=f"{OBJECT}-{denied}")
    regions = {r["name"]: r for r in tenant.child(denied)["status"]["regions"]}
    assert {name: region["state"] for name, region in regions.items()} == {
        "global": "Ready",
        "us-east-1": "Ready",
        "eu-west-1": "NotReady",
    }
    for part in ("an SCP of the organization denies it", "AccessDeniedException", "p-2kgnabcd", "request "):
        assert part in regions["eu-west-1"]["message"]
    stalled = tenant.condition(tenant.child(denied), "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "DeniedBySCP")
    tenant.until("AccountsNotReady", f"{OBJECT}-{denied}: DeniedBySCP")
    (worst,) = tenant.object()["status"]["worst"]
    assert (worst["id"], worst["reason"]) == (denied, "DeniedBySCP")
    assert "an SCP of the organization denies it" in worst["message"]
    tenant.told("DeniedBySCP")

    def tries() -> int:
        return sum(c["operation"] == "CreateConnection" for c in tenant.aws.calls(denied) if c["region"] == "eu-west-1")

    before = tries()
    ask(tenant, denied, "once more")
    assert tries() == before + 1
    tenant.aws.clear_faults()
    ask(tenant, denied, "it is lifted")
    tenant.ready()
    assert tenant.object()["status"].get("worst", []) == []

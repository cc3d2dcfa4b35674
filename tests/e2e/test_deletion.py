"""What is no longer declared: cleaned or left as the object says, and never because something merely vanished."""

import json

from sandbox.deployment import Replica
from tests.e2e.conftest import Operators
from tests.e2e.tenant import OBJECT, Tenant


def ready_account(tenant: Tenant, number: int = 1, **spec: object) -> str:
    account = tenant.account(number)
    tenant.credentials()
    tenant.apply(account, **{"interval": "30s", **spec})
    tenant.ready()
    assert tenant.held(account)
    return account


def test_delete_leaves_nothing_of_ours(operator: Replica, tenant: Tenant) -> None:
    account = ready_account(tenant, deletionPolicy="Delete")
    iam = tenant.aws.client("iam", account)
    iam.create_role(RoleName="of-others", AssumeRolePolicyDocument="{}")
    tenant.kubectl("delete", "qzt", OBJECT, "--timeout=90s")
    assert tenant.held(account) == ["Role global of-others"]
    assert tenant.get("qzta", f"{OBJECT}-{account}") is None
    tenant.wait(lambda: tenant.get("secret", f"{OBJECT}-zerotouch-token") is None)


def test_retain_leaves_everything_working(operator: Replica, tenant: Tenant) -> None:
    account = ready_account(tenant, deletionPolicy="Retain")
    before = tenant.held(account)
    tenant.kubectl("delete", "qzt", OBJECT, "--timeout=90s")
    assert tenant.held(account) == before
    instance = tenant.aws.start_instance(account, "us-east-1")
    assert tenant.qualys.wait_for_event(lambda e: e["instance"] == instance)["account"] == account
    assert tenant.told("Retained")


def test_an_account_object_deleted_by_hand_comes_back_and_aws_is_untouched(operator: Replica, tenant: Tenant) -> None:
    account = ready_account(tenant, interval="1h")
    before = len(tenant.aws.calls(account))
    uid = tenant.child(account)["metadata"]["uid"]
    tenant.kubectl("delete", "qzta", f"{OBJECT}-{account}", "--timeout=60s")
    tenant.wait(
        lambda: (tenant.get("qzta", f"{OBJECT}-{account}") or {}).get("metadata", {}).get("uid") not in {None, uid}
    )
    tenant.ready(kind="qzta", name=f"{OBJECT}-{account}")
    writes = [c for c in tenant.aws.calls(account)[before:] if not c["operation"].startswith(("Get", "List", "Desc"))]
    assert [c for c in writes if c["service"] != "sts"] == []
    assert tenant.told("Recreated")


def test_an_account_taken_out_is_cleaned_and_the_others_stay(operator: Replica, tenant: Tenant) -> None:
    first, second = tenant.account(1), tenant.account(2)
    tenant.credentials()
    tenant.apply(first, second)
    tenant.ready()
    tenant.patch({"accounts": [{"id": first}]})
    tenant.wait(lambda: tenant.get("qzta", f"{OBJECT}-{second}") is None)
    assert tenant.held(second) == []
    assert tenant.held(first)
    tenant.wait(lambda: tenant.object()["status"]["readyAccounts"] == "1/1")


def test_a_region_taken_out_is_cleaned(operator: Replica, tenant: Tenant) -> None:
    account = ready_account(tenant, interval="1h")
    tenant.patch({"regions": {"names": ["us-east-1"]}})
    tenant.wait(lambda: not [r for r in tenant.held(account) if "eu-west-1" in r])
    tenant.wait(lambda: tenant.child(account)["status"]["readyRegions"] == "1/1")
    assert [r["name"] for r in tenant.child(account)["status"]["regions"]] == ["global", "us-east-1"]
    assert [r for r in tenant.held(account) if "us-east-1" in r]


def test_a_region_taken_out_is_left_with_retain(operator: Replica, tenant: Tenant) -> None:
    account = ready_account(tenant, interval="1h", deletionPolicy="Retain")
    before = tenant.held(account)
    tenant.patch({"regions": {"names": ["us-east-1"]}})
    tenant.wait(lambda: tenant.child(account)["status"]["readyRegions"] == "1/1")
    tenant.ready()
    assert tenant.held(account) == before
    assert tenant.told("RegionRemoved") == ["no longer declared, deletionPolicy Retain: eu-west-1"]


def test_a_parent_gone_without_a_trace_leaves_aws_alone(operator: Replica, tenant: Tenant) -> None:
    """Somebody removed the finalizer by force: nothing says that AWS should be cleaned."""
    account = ready_account(tenant, interval="1h", deletionPolicy="Delete")
    before = tenant.held(account)
    tenant.patch({"suspend": True})
    tenant.until("Suspended", kind="qzta", name=f"{OBJECT}-{account}")
    tenant.kubectl("delete", "qzt", OBJECT, "--wait=false")
    # Suspended objects wait, which gives the time to pull the finalizer out as a careless person would.
    tenant.kubectl("patch", "qzt", OBJECT, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    tenant.wait(lambda: tenant.get("qzt", OBJECT) is None)
    child = f"{OBJECT}-{account}"
    patch = json.dumps({"spec": {"suspend": False}})
    tenant.kubectl("patch", "qzta", child, "--type=merge", "-p", patch)
    tenant.wait(lambda: tenant.get("qzta", child) is None)
    assert tenant.held(account) == before
    assert any("is gone without a decision" in message for message in tenant.told("Retained"))


def test_a_namespace_deleted_is_cleaned_as_its_objects_say(operator: Replica, tenant: Tenant) -> None:
    account = ready_account(tenant, deletionPolicy="Delete")
    tenant.kubectl("delete", "namespace", tenant.namespace, "--timeout=90s")
    assert tenant.held(account) == []
    tenant.kubectl("create", "namespace", tenant.namespace)


def test_an_object_deleted_while_the_operator_is_down_is_cleaned_when_it_is_back(
    operators: Operators, tenant: Tenant
) -> None:
    operators.running()
    account = ready_account(tenant, deletionPolicy="Delete")
    operators.running().process.stop()
    tenant.kubectl("delete", "qzt", OBJECT, "--wait=false")
    assert tenant.held(account)
    operators.running()
    tenant.wait(lambda: tenant.get("qzt", OBJECT) is None)
    assert tenant.held(account) == []


def test_suspend_suspends_cleaning_too(operator: Replica, tenant: Tenant) -> None:
    account = ready_account(tenant, deletionPolicy="Delete")
    tenant.patch({"suspend": True})
    tenant.until("Suspended")
    tenant.kubectl("delete", "qzt", OBJECT, "--wait=false")
    tenant.until("Suspended", "the deletion waits")
    assert tenant.held(account)
    tenant.patch({"suspend": False})
    tenant.wait(lambda: tenant.get("qzt", OBJECT) is None)
    assert tenant.held(account) == []


def test_an_unreachable_account_is_told_and_may_be_abandoned(operators: Operators, tenant: Tenant) -> None:
    operators.running()
    account = ready_account(tenant, deletionPolicy="Delete", interval="30s")
    # Credentials are kept for an hour: without the restart the account would still be reachable.
    operators.running().process.stop()
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    tenant.aws.client("iam", account).update_assume_role_policy(RoleName="zerotouch", PolicyDocument=trust)
    operators.running()
    tenant.kubectl("delete", "qzt", OBJECT, "--wait=false")
    child = f"{OBJECT}-{account}"
    told = tenant.until("CleanupBlocked", "May still be there: ", kind="qzta", name=child)
    for part in ("qualys-zerotouch", "zerotouch.dev/abandon=true", "sts:AssumeRole"):
        assert part in told["message"]
    tenant.until("CleanupBlocked", child)
    tenant.annotate("qzta", child, "zerotouch.dev/abandon=true")
    tenant.wait(lambda: tenant.get("qzt", OBJECT) is None)
    (message,) = tenant.told("Abandoned")
    assert "left in AWS: " in message
    assert "Rule qualys-zerotouch in us-east-1" in message

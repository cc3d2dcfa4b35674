"""What is changed and what only told: approved plans, driftPolicy, and giving way, as people see it with kubectl."""

import re
import signal

from sandbox.deployment import Replica
from sandbox.processes import wait_until
from tests.e2e.conftest import Operators
from tests.e2e.tenant import OBJECT, Tenant
from tests.e2e.test_main_job import ask, expected

NAME = "qualys-zerotouch"
READS = ("Get", "List", "Describe", "AssumeRole")


def writes(tenant: Tenant, account: str, since: int = 0) -> list[str]:
    calls = tenant.aws.calls(account)[since:]
    return [c["operation"] for c in calls if not c["operation"].startswith(READS)]


def child_of(account: str) -> str:
    return f"{OBJECT}-{account}"


def plan_of(tenant: Tenant, account: str) -> str:
    tenant.wait(lambda: bool((tenant.child(account).get("status") or {}).get("plan")))
    return str(tenant.child(account)["status"]["plan"])


def approved(tenant: Tenant, account: str) -> dict[str, str]:
    return tenant.condition(tenant.child(account), "Approved")


def observed_and_right(tenant: Tenant) -> str:
    """An account that was made right, and is only looked at from now on."""
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account, interval="1h", regions={"names": ["us-east-1"]})
    tenant.ready()
    tenant.patch({"mode": "Observe"})
    tenant.wait(lambda: tenant.child(account)["spec"]["mode"] == "Observe")
    ask(tenant, account, "observing")
    assert "plan" not in tenant.child(account)["status"]
    return account


def test_a_plan_is_shown_approved_and_applied_once_and_refused_when_the_world_has_changed(
    operator: Replica, tenant: Tenant
) -> None:
    account = observed_and_right(tenant)
    events, child = tenant.aws.client("events", account), child_of(account)
    events.disable_rule(Name=NAME)
    ask(tenant, account, "disabled")
    plan = plan_of(tenant, account)
    described = tenant.kubectl("describe", "qzta", child)
    assert f"annotate with zerotouch.dev/approve={plan}" in described
    assert re.search(r"Field:\s+state\n\s+Found:\s+DISABLED\n", described)

    events.tag_resource(ResourceARN=events.describe_rule(Name=NAME)["Arn"], Tags=[{"Key": "x", "Value": "y"}])
    before = len(tenant.aws.calls(account))
    tenant.annotate("qzta", child, f"zerotouch.dev/approve={plan}")
    tenant.wait(lambda: approved(tenant, account).get("reason") == "PlanChanged")
    second = plan_of(tenant, account)
    assert second != plan
    assert f"now it is {second}" in approved(tenant, account)["message"]
    assert writes(tenant, account, before) == []
    assert len(tenant.told("PlanChanged")) == 1

    tenant.annotate("qzta", child, f"zerotouch.dev/approve={second}")
    tenant.wait(lambda: approved(tenant, account).get("reason") == "PlanApplied")
    assert sorted(writes(tenant, account, before)) == ["PutRule", "UntagResource"]
    assert events.describe_rule(Name=NAME)["State"] == "ENABLED"
    tenant.ready(child, "qzta")
    assert tenant.child(account)["status"]["approval"]["state"] == "Applied"
    assert "plan" not in tenant.child(account)["status"]
    assert len(tenant.told("PlanApplied")) == 1

    # The very same difference again: the approval is spent, also after a time in mode Enforce.
    for how in ("again", "enforced"):
        events.disable_rule(Name=NAME)
        events.tag_resource(ResourceARN=events.describe_rule(Name=NAME)["Arn"], Tags=[{"Key": "x", "Value": "y"}])
        before = len(tenant.aws.calls(account))
        ask(tenant, account, how)
        assert plan_of(tenant, account) == second
        assert writes(tenant, account, before) == []
        again = f"annotate with zerotouch.dev/approve={second}/2"
        assert again in tenant.condition(tenant.child(account))["message"]
        if how == "again":
            tenant.patch({"mode": "Enforce"})
            tenant.wait(lambda: events.describe_rule(Name=NAME)["State"] == "ENABLED")
            tenant.ready(child, "qzta")
            assert approved(tenant, account) == {}
            tenant.patch({"mode": "Observe"})
            tenant.wait(lambda: tenant.child(account)["spec"]["mode"] == "Observe")
            ask(tenant, account, "observing again")
    tenant.annotate("qzta", child, f"zerotouch.dev/approve={second}/2")
    tenant.wait(lambda: events.describe_rule(Name=NAME)["State"] == "ENABLED")
    tenant.ready(child, "qzta")
    events.disable_rule(Name=NAME)
    events.tag_resource(ResourceARN=events.describe_rule(Name=NAME)["Arn"], Tags=[{"Key": "x", "Value": "y"}])
    ask(tenant, account, "a third time")
    tenant.kubectl("annotate", "qzta", child, "zerotouch.dev/approve-")
    tenant.wait(lambda: approved(tenant, account) == {})
    tenant.annotate("qzta", child, f"zerotouch.dev/approve={second}")
    tenant.wait(lambda: events.describe_rule(Name=NAME)["State"] == "ENABLED")


def test_a_parents_approval_mints_and_makes_all_accounts_once(operator: Replica, tenant: Tenant) -> None:
    accounts = [tenant.account(n) for n in (1, 2)]
    tenant.credentials()
    mints = tenant.qualys.mint_count()
    tenant.apply(*accounts, interval="1h", regions={"names": ["us-east-1"]}, mode="Observe")
    tenant.wait(lambda: bool((tenant.object().get("status") or {}).get("plan")))
    for account in accounts:
        assert tenant.held(account) == []
    assert tenant.qualys.mint_count() == mints
    plan = tenant.object()["status"]["plan"]
    tenant.annotate("qzt", OBJECT, f"zerotouch.dev/approve={plan}")
    tenant.ready()
    assert tenant.qualys.mint_count() == mints + 1
    for account in accounts:
        assert tenant.held(account) == expected("us-east-1")
        assert writes(tenant, account).count("CreateConnection") == 1
    assert tenant.condition(tenant.object(), "Approved")["reason"] == "PlanApplied"
    assert tenant.object()["status"]["approval"]["plan"] == plan


def test_killed_while_an_approved_plan_is_applied_the_rest_is_told_and_not_made(
    operators: Operators, tenant: Tenant
) -> None:
    operator = operators.running()
    account = observed_and_right(tenant)
    events, ssm = tenant.aws.client("events", account), tenant.aws.client("ssm", account)
    (association,) = ssm.list_associations()["Associations"]
    ssm.delete_association(AssociationId=association["AssociationId"])
    events.disable_rule(Name=NAME)
    ask(tenant, account, "broken")
    plan = plan_of(tenant, account)
    before = len(tenant.aws.calls(account))
    # The association comes first; the rule's write is refused for long enough.
    tenant.aws.add_fault("throttle", account=account, service="events", operation="PutRule", count=100)
    tenant.annotate("qzta", child_of(account), f"zerotouch.dev/approve={plan}")
    wait_until(lambda: "CreateAssociation" in writes(tenant, account, before))
    operator.process.stop(signal.SIGKILL)
    tenant.aws.clear_faults()
    operators.running()
    tenant.wait(lambda: approved(tenant, account).get("reason") == "PlanChanged")
    assert "begun, but not ended" in approved(tenant, account)["message"]
    assert plan_of(tenant, account) != plan
    assert events.describe_rule(Name=NAME)["State"] == "DISABLED"
    assert len(ssm.list_associations()["Associations"]) == 1


def test_what_the_drift_policy_only_tells_is_left_alone_and_told(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.credentials()
    rules = [{"kind": "Rule", "field": "state", "action": "Report"}]
    tenant.apply(account, interval="1h", regions={"names": ["us-east-1"]}, driftPolicy={"rules": rules})
    tenant.ready()
    events, child = tenant.aws.client("events", account), child_of(account)
    events.disable_rule(Name=NAME)
    before = len(tenant.aws.calls(account))
    ask(tenant, account, "disabled")
    tenant.ready(child, "qzta")
    assert writes(tenant, account, before) == []
    assert events.describe_rule(Name=NAME)["State"] == "DISABLED"
    drifted = tenant.condition(tenant.child(account), "Drifted")
    assert (drifted["status"], drifted["message"]) == (
        "True",
        "1 field left, as driftPolicy says: state of Rule qualys-zerotouch in us-east-1",
    )
    assert tenant.told("Drifted") == [
        "Rule qualys-zerotouch in us-east-1 (only told): state: wanted ENABLED, found DISABLED"
    ]
    assert re.search(
        rf'zerotouch_drift\{{account="{account}",kind="Rule",region="us-east-1"\}} 1.0', operator.metrics()
    )
    assert re.search(r"\b1\s+\d+s\b", tenant.kubectl("get", "qzta", child).splitlines()[1])
    tenant.patch({"driftPolicy": {"rules": []}})
    tenant.wait(lambda: events.describe_rule(Name=NAME)["State"] == "ENABLED")


def test_somebody_who_keeps_changing_it_back_is_given_way_to(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account, interval="1h", regions={"names": ["us-east-1"]})
    tenant.ready()
    events, child = tenant.aws.client("events", account), child_of(account)
    before = len(tenant.aws.calls(account))
    for number in range(6):
        events.disable_rule(Name=NAME)
        ask(tenant, account, f"round-{number}")
    ours = [w for w in writes(tenant, account, before) if w != "DisableRule"]
    assert ours == ["PutRule"] * 4
    told = tenant.until("Fighting", "somebody else keeps changing state, put right 4 times", "qzta", child)
    assert tenant.told("Fighting") == [told["message"]]
    assert events.describe_rule(Name=NAME)["State"] == "DISABLED"

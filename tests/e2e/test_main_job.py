"""One object makes accounts right, and an instance that starts reaches Qualys."""

import json
import re
from typing import Any

from sandbox.deployment import Replica
from tests.e2e.conftest import Operators
from tests.e2e.tenant import OBJECT, Tenant
from zerotouch.aws.policy import account_policy, observe_policy

REGION_RESOURCES = [
    "ApiDestination {} qualys-zerotouch",
    "Association {} qualys-zerotouch",
    "Connection {} qualys-zerotouch",
    "Queue {} qualys-zerotouch-dead-letters",
    "Rule {} qualys-zerotouch",
    "Target {} qualys",
]
# The documented reads of a pass over one region in which everything is right: docs/aws-calls.md.
READS_OF_A_REGION = {
    "events:DescribeApiDestination": 1,
    "events:DescribeConnection": 1,
    "events:DescribeRule": 1,
    "events:ListApiDestinations": 1,
    "events:ListRuleNamesByTarget": 1,
    "events:ListTagsForResource": 1,
    "events:ListTargetsByRule": 1,
    "sqs:GetQueueAttributes": 1,
    "sqs:ListQueueTags": 1,
    "ssm:DescribeAssociation": 1,
    "ssm:ListAssociations": 1,
    "ssm:ListTagsForResource": 1,
}


def expected(*regions: str) -> list[str]:
    return sorted(
        ["Role global qualys-zerotouch-events", *(r.format(region) for region in regions for r in REGION_RESOURCES)]
    )


def counted(calls: list[dict[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for call in calls:
        name = f"{call['service']}:{call['operation']}"
        counts[name] = counts.get(name, 0) + 1
    return counts


def ask(tenant: Tenant, account: str, stamp: str) -> None:
    """Have the account looked at now, and wait until that was done."""
    child = f"{OBJECT}-{account}"
    tenant.annotate("qzta", child, f"zerotouch.dev/requestedAt={stamp}")
    tenant.wait(lambda: tenant.child(account)["status"].get("lastHandledReconcileAt") == stamp)


def test_an_instance_start_reaches_the_gateway(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account)
    tenant.ready()
    assert tenant.held(account) == expected("us-east-1", "eu-west-1")
    for region in ("us-east-1", "eu-west-1"):
        instance = tenant.aws.start_instance(account, region)
        event = tenant.qualys.wait_for_event(lambda e, i=instance: e["instance"] == i)  # type: ignore[misc]
        assert (event["account"], event["region"], event["state"]) == (account, region, "running")
        assert event["api_key"] == "QFLOW-SSM-EVALUATION"


def test_what_kubectl_shows(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account)
    tenant.ready()
    parent, child = tenant.kubectl("get", "qzt").splitlines(), tenant.kubectl("get", "qzta").splitlines()
    assert parent[0].split() == ["NAME", "READY", "REASON", "ACCOUNTS", "DRIFTED", "DRIFTING", "AGE"]
    assert re.split(r"\s+", parent[1])[:5] == [OBJECT, "True", "Succeeded", "1/1", "0"]
    assert child[0].split() == ["NAME", "ACCOUNT", "READY", "REASON", "REGIONS", "DRIFTED", "DRIFTING", "AGE"]
    assert re.split(r"\s+", child[1])[:6] == [f"{OBJECT}-{account}", account, "True", "Succeeded", "2/2", "0"]
    status = tenant.object()["status"]
    assert status["observedGeneration"] == 1
    assert re.fullmatch("[0-9a-f]{12}", status["token"]["fingerprint"])
    assert len(tenant.told("Applied")) == 1


def test_all_enabled_regions(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account(regions=["us-east-1", "eu-west-1", "us-west-2"])
    tenant.credentials()
    tenant.apply(account, regions={"selection": "AllEnabled", "exclude": ["us-west-2"]})
    tenant.ready()
    assert tenant.held(account) == expected("us-east-1", "eu-west-1")
    tenant.aws.set_regions(account, ["us-east-1", "eu-west-1", "us-west-2", "ap-south-1"])
    tenant.wait(lambda: tenant.child(account)["status"]["readyRegions"] == "3/3")


def test_a_steady_pass_writes_nothing_and_reads_what_is_documented(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account, interval="1h")
    tenant.ready()
    ask(tenant, account, "first")
    before = len(tenant.aws.calls(account))
    ask(tenant, account, "second")
    calls = [c for c in tenant.aws.calls(account)[before:] if c["service"] not in {"sts", "ec2"}]
    for region in ("us-east-1", "eu-west-1"):
        there = [c for c in calls if c["region"] == region and c["service"] != "iam"]
        # A person who asks gets the hourly looks as well; that others go without is shown in tests/reconcile/test_pass.py.
        assert counted(there) == READS_OF_A_REGION | {"monitoring:GetMetricData": 1}
    assert counted([c for c in calls if c["service"] == "iam"]) == {
        "iam:GetRole": 1,
        "iam:ListRolePolicies": 1,
        "iam:GetRolePolicy": 1,
        "iam:ListAttachedRolePolicies": 1,
        "iam:GetPolicy": 1,
    }


def test_a_pass_that_finds_nothing_new_writes_no_status(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account, interval="30s")
    tenant.ready()
    parent, child = (b["metadata"]["resourceVersion"] for b in (tenant.object(), tenant.child(account)))
    before = len(tenant.aws.calls(account))
    tenant.wait(lambda: len(tenant.aws.calls(account)) >= before + 2 * len(READS_OF_A_REGION))
    assert tenant.child(account)["metadata"]["resourceVersion"] == child
    assert tenant.object()["metadata"]["resourceVersion"] == parent


def test_a_request_on_the_parent_reaches_every_account(operator: Replica, tenant: Tenant) -> None:
    accounts = [tenant.account(n) for n in (1, 2)]
    tenant.credentials()
    tenant.apply(*accounts, interval="1h")
    tenant.ready()
    before = {a: len(tenant.aws.calls(a)) for a in accounts}
    tenant.annotate("qzt", OBJECT, "zerotouch.dev/requestedAt=now")
    tenant.wait(lambda: tenant.object()["status"].get("lastHandledReconcileAt") == "now")
    tenant.wait(lambda: all(len(tenant.aws.calls(a)) > before[a] for a in accounts))


def test_drift_is_mended_and_told(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account, interval="1h")
    tenant.ready()
    events = tenant.aws.client("events", account, "eu-west-1")
    events.disable_rule(Name="qualys-zerotouch")
    ask(tenant, account, "now")
    assert events.describe_rule(Name="qualys-zerotouch")["State"] == "ENABLED"
    (message,) = tenant.told("Drifted")
    assert message == "Rule qualys-zerotouch in eu-west-1 (mended): state: wanted ENABLED, found DISABLED"
    assert re.search(r'zerotouch_drift_mended_total\{cause="[a-z]+",kind="Rule"\} [1-9]', operator.metrics())
    assert "Drifted" in tenant.kubectl("describe", "qzta")


def test_suspend_stops_everything_until_it_is_lifted(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account, interval="30s")
    tenant.ready()
    tenant.patch({"suspend": True})
    tenant.until("Suspended")
    tenant.until("Suspended", kind="qzta", name=f"{OBJECT}-{account}")
    before = len(tenant.aws.calls(account))
    events = tenant.aws.client("events", account)
    events.disable_rule(Name="qualys-zerotouch")
    ask_later = tenant.object()["metadata"]["generation"]
    tenant.annotate("qzta", f"{OBJECT}-{account}", "zerotouch.dev/requestedAt=while-suspended")
    tenant.wait(lambda: tenant.child(account)["status"].get("lastHandledReconcileAt") == "while-suspended")
    assert [c for c in tenant.aws.calls(account)[before:] if c["operation"] != "DisableRule"] == []
    tenant.patch({"suspend": False})
    tenant.wait(lambda: events.describe_rule(Name="qualys-zerotouch")["State"] == "ENABLED")
    tenant.ready()
    assert tenant.object()["metadata"]["generation"] == ask_later + 1


def test_a_changed_spec_is_carried_out_and_what_drifted_meanwhile_is_told(
    operators: Operators, operator: Replica, tenant: Tenant
) -> None:
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account, interval="1h")
    tenant.ready()
    tenant.patch({"delivery": {"invocationRateLimitPerSecond": 7}, "tags": {"team": "secops"}})
    events = tenant.aws.client("events", account)
    tenant.wait(lambda: events.describe_api_destination(Name="qualys-zerotouch")["InvocationRateLimitPerSecond"] == 7)
    tenant.ready()
    assert tenant.child(account)["status"]["observedGeneration"] == 2
    tenant.wait(lambda: len(tenant.told("Applied")) == 2)
    # Drift is told before what was applied.
    assert tenant.events("Drifted") == []
    # Both at once, while no operator runs: what it knows of the declaration before stands in the status.
    operators.end()
    events.disable_rule(Name="qualys-zerotouch")
    tenant.patch({"delivery": {"invocationRateLimitPerSecond": 9}})
    operator = operators.running()
    tenant.wait(lambda: tenant.child(account)["status"].get("observedGeneration") == 3)
    tenant.ready()
    assert events.describe_rule(Name="qualys-zerotouch")["State"] == "ENABLED"
    assert tenant.told("Drifted") == [
        "Rule qualys-zerotouch in us-east-1 (mended): state: wanted ENABLED, found DISABLED"
    ]
    tenant.wait(lambda: len(tenant.told("Applied")) == 3)
    (applied,) = (message for message in tenant.told("Applied") if message.startswith("2 changes: "))
    assert ("APIDestination" in applied, "Rule" in applied) == (True, False)
    counted = re.findall(r'zerotouch_drift_mended_total\{[^}]*kind="(\w+)"\} [1-9]', operator.metrics())
    assert counted == ["Rule"]
    (recent,) = tenant.child(account)["status"]["recentDrifts"]
    assert (recent["kind"], recent["region"]) == ("Rule", "us-east-1")


def test_a_change_made_to_an_account_object_is_undone(operator: Replica, tenant: Tenant) -> None:
    """Whoever may write account objects must not thereby direct the operator into other accounts."""
    account, other = tenant.account(1), tenant.account(2)
    tenant.credentials()
    tenant.apply(account, interval="1h")
    tenant.ready()
    patch = f'{{"spec":{{"access":{{"roleARN":"arn:aws:iam::{other}:role/zerotouch"}}}}}}'
    tenant.kubectl("patch", "qzta", f"{OBJECT}-{account}", "--type=merge", "-p", patch)
    wanted = f"arn:aws:iam::{account}:role/zerotouch"
    tenant.wait(lambda: tenant.child(account)["spec"]["access"]["roleARN"] == wanted)
    assert [c for c in tenant.aws.calls(other) if c["operation"] not in {"CreateRole", "PutRolePolicy"}] == []


def test_an_account_object_without_a_parent_directs_nobody(operator: Replica, tenant: Tenant) -> None:
    account, other = tenant.account(1), tenant.account(2)
    tenant.credentials()
    tenant.apply(account)
    tenant.ready()
    child = tenant.child(account)
    forged = {
        "apiVersion": child["apiVersion"],
        "kind": child["kind"],
        "metadata": {"name": "forged"},
        "spec": {**child["spec"], "accountID": other, "parent": {"name": "nobody", "uid": "u"}},
    }
    tenant.kubectl("apply", "-f", "-", stdin=json.dumps(forged))
    tenant.until("ParentNotFound", kind="qzta", name="forged")
    assert tenant.held(other) == []


def test_observe_tells_the_difference_and_changes_nothing(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.aws.set_policy(account, observe_policy("aws", account, "qualys-zerotouch"))
    tenant.credentials()
    mints = tenant.qualys.mint_count()
    tenant.apply(account, mode="Observe", interval="1h")
    told = tenant.until("Drifted", "mode Observe changes nothing", kind="qzta", name=f"{OBJECT}-{account}")
    assert tenant.condition(tenant.child(account), "Stalled")["message"] == told["message"]
    tenant.until("AccountsNotReady", "Drifted")
    details = {(d["region"], d["kind"], d["field"]) for d in tenant.child(account)["status"]["details"]}
    assert ("us-east-1", "Rule", "exists") in details
    assert (tenant.held(account), tenant.qualys.mint_count()) == ([], mints)
    assert re.search(
        rf'zerotouch_drift\{{account="{account}",kind="Rule",region="eu-west-1"\}} 1.0', operator.metrics()
    )
    tenant.aws.set_policy(account, account_policy("aws", account, "qualys-zerotouch"))
    tenant.patch({"mode": "Enforce"})
    tenant.ready()
    assert tenant.held(account) == expected("us-east-1", "eu-west-1")
    assert tenant.child(account)["status"]["drifted"] == 0
    tenant.patch({"mode": "Observe"})
    tenant.wait(lambda: tenant.child(account)["spec"]["mode"] == "Observe")
    tenant.kubectl("delete", "qzt", OBJECT, "--timeout=90s")
    assert tenant.held(account) == expected("us-east-1", "eu-west-1")

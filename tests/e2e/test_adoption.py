"""From template to operator, as docs/adoption.md says it: no gap, nothing twice, and told."""

from sandbox.deployment import ROOT, Replica
from tests.e2e.tenant import OBJECT, Tenant

PATIENCE = {"Delay": 1, "MaxAttempts": 120}


def token_of_a_start(tenant: Tenant, account: str) -> str:
    """Start an instance: its event arrives, once; answers the fingerprint of the token that it came with."""
    instance = tenant.aws.start_instance(account, "us-east-1")
    event = tenant.qualys.wait_for_event(lambda e: e["instance"] == instance)
    assert [e["instance"] for e in tenant.qualys.events()].count(instance) == 1
    return str(event["token"])


def test_from_a_stack_to_the_operator(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account(1)
    template = (ROOT / "deploy/cloudformation/target.yaml").read_text().replace("^https://", "^https?://")
    parameters = {"APIGatewayURL": tenant.world.gateway_url, "SubscriptionToken": tenant.qualys.mint()}
    stacks = tenant.aws.client("cloudformation", account)
    stacks.create_stack(
        StackName="qualys",
        TemplateBody=template,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    stacks.get_waiter("stack_create_complete").wait(StackName="qualys", WaiterConfig=PATIENCE)
    made = tenant.held(account)
    by_the_stack = token_of_a_start(tenant, account)

    tenant.credentials()
    tenant.apply(account, regions={"names": ["us-east-1"]})
    told = tenant.until("Conflict", kind="qzta", name=f"{OBJECT}-{account}")
    assert "it belongs to template/cloudformation" in told["message"]
    assert "adoptionPolicy" in told["message"]
    assert tenant.held(account) == made

    tenant.patch({"adoptionPolicy": "AdoptIdentical"})
    tenant.ready()
    assert tenant.held(account) == made
    adopted = "; ".join(tenant.told("Adopted"))
    assert f"owner: wanted default/{tenant.namespace}/{OBJECT}, found template/cloudformation" in adopted
    assert parameters["SubscriptionToken"] not in operator.log()

    stacks.delete_stack(StackName="qualys")
    stacks.get_waiter("stack_delete_complete").wait(StackName="qualys", WaiterConfig=PATIENCE)
    assert tenant.held(account) == made
    # With the token that the operator minted.
    assert token_of_a_start(tenant, account) != by_the_stack

    tenant.kubectl("delete", "qzt", OBJECT, "--wait=true", timeout=120)
    tenant.wait(lambda: tenant.held(account) == [])

"""That deliveries fail is told with the reason, wherever people look; and that they work again."""

import itertools

from sandbox.deployment import Replica
from tests.e2e.tenant import OBJECT, Tenant
from tests.e2e.test_main_job import ask

REGION, QUEUE = "us-east-1", "qualys-zerotouch-dead-letters"
NO_RETRIES = {"maximumRetryAttempts": 0, "maximumEventAgeSeconds": 60}


def delivering(tenant: Tenant, account: str) -> dict[str, str]:
    told: dict[str, str] = tenant.condition(tenant.child(account), "Delivering")
    return told


def waiting(tenant: Tenant, account: str) -> int:
    sqs = tenant.aws.client("sqs", account, REGION)
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    names = ["ApproximateNumberOfMessages"]
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"][names[0]])


def test_letters_are_told_with_their_reason_and_a_delivery_puts_it_right(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account, regions={"names": [REGION]}, delivery={"retry": NO_RETRIES}, interval="1h")
    tenant.ready()
    assert delivering(tenant, account)["reason"] == "NoEvents"
    tenant.qualys.add_fault("/qflow/aws-eb", "403")
    lost = tenant.aws.start_instance(account, REGION)
    tenant.wait(lambda: waiting(tenant, account) == 1)
    ask(tenant, account, "a letter is there")
    told = delivering(tenant, account)
    assert (told["status"], told["reason"]) == ("False", "DeadLetters")
    described = tenant.kubectl("describe", "qzta", f"{OBJECT}-{account}")
    for part in ("SDK_CLIENT_ERROR", "HTTP status 403", "Dead Letters:", "Last Failure At:", "Given Up:"):
        assert part in described
    assert lost not in described, "the content of a letter is not looked at"
    assert tenant.condition(tenant.child(account))["status"] == "True"
    tenant.wait(lambda: tenant.condition(tenant.object(), "Delivering").get("status") == "False")
    assert f"{OBJECT}-{account}" in tenant.condition(tenant.object(), "Delivering")["message"]
    tenant.told("DeadLetters")
    failing = f'zerotouch_delivery_failing{{account="{account}",reason="DeadLetters",region="{REGION}"}} 1.0'
    letters = f'zerotouch_dead_letters{{account="{account}"}} 1.0'
    tenant.wait(lambda: failing in operator.metrics() and letters in operator.metrics())

    # A failure in the same minute counts as the later one, so that it takes a delivery in the next.
    tries = itertools.count()

    def delivered() -> bool:
        instance = tenant.aws.start_instance(account, REGION)
        tenant.qualys.wait_for_event(lambda e: e["instance"] == instance)
        ask(tenant, account, f"try {next(tries)}")
        return delivering(tenant, account)["status"] == "True"

    tenant.wait(delivered, timeout=150)
    (region,) = tenant.child(account)["status"]["delivery"]["regions"]
    assert (region["delivering"], region["deadLetters"]) == ("True", 1)
    assert region["lastSuccessAt"] > region["lastFailureAt"]
    tenant.wait(lambda: tenant.condition(tenant.object(), "Delivering")["status"] == "True")
    tenant.told("Delivering")
    tenant.wait(lambda: failing not in operator.metrics() and letters in operator.metrics())


def test_what_the_pass_sees_is_told_without_a_look(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account, regions={"names": [REGION]}, interval="1h")
    tenant.ready()
    tenant.patch({"mode": "Observe"})
    events = tenant.aws.client("events", account, REGION)
    events.disable_rule(Name="qualys-zerotouch")
    tenant.patch({"tags": {"team": "secops"}})
    tenant.wait(lambda: delivering(tenant, account)["reason"] == "RuleDisabled")
    assert [c for c in tenant.aws.calls(account) if c["operation"] == "GetMetricData"][1:] == []
    events.enable_rule(Name="qualys-zerotouch")
    events.deauthorize_connection(Name="qualys-zerotouch")
    tenant.patch({"tags": {"team": "other"}})
    tenant.wait(lambda: delivering(tenant, account)["reason"] == "ConnectionDeauthorized")
    tenant.told("ConnectionDeauthorized")


def test_the_queue_goes_with_what_is_in_it_only_where_that_is_told(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account, regions={"names": [REGION]}, delivery={"retry": NO_RETRIES})
    tenant.ready()
    tenant.qualys.add_fault("/qflow/aws-eb", "403")
    tenant.aws.start_instance(account, REGION)
    tenant.wait(lambda: waiting(tenant, account) == 1)
    tenant.patch({"delivery": {"deadLetterQueue": "None"}})
    tenant.wait(lambda: f"Queue {REGION} {QUEUE}" not in tenant.held(account))
    (text,) = tenant.told("ContentDeleted")
    assert f"1 dead letters with DeadLetterQueue {QUEUE} in {REGION}" in text
    instance = tenant.aws.start_instance(account, REGION)
    assert tenant.qualys.wait_for_event(lambda e: e["instance"] == instance)

"""The shipped Terraform module: what its arguments make is what the operator wants."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.gateway.admin import GatewayAdmin
from tests.reconcile.conftest import REGIONS, Account
from tests.reconcile.test_templates import CONNECTOR, MAIN_REGION, event_arrives, spec_of
from tests.templates.terraform import Module
from zerotouch.templates.terraform import account_module

SHIPPED = Path(__file__).parents[2] / "deploy/terraform/target/main.tf"


class Provider:
    """The provider hashicorp/aws, for the resources that the module has."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def make(self, sort: str, given: dict[str, Any]) -> dict[str, Any]:
        region = given.pop("region", "us-east-1")
        service = {"iam": "iam", "ssm": "ssm", "sqs": "sqs", "cloudwatch": "events"}[sort.split("_")[1]]
        answer: dict[str, Any] = getattr(self, sort)(self._account.client(service, region), given)
        assert given == {}, f"{sort} was given what it does not know: {sorted(given)}"
        return answer

    def aws_iam_role(self, iam: Any, given: dict[str, Any]) -> dict[str, Any]:
        boundary = given.pop("permissions_boundary", None)
        role = iam.create_role(
            RoleName=given.pop("name"),
            Path=given.pop("path"),
            Description=given.pop("description"),
            AssumeRolePolicyDocument=given.pop("assume_role_policy"),
            Tags=_pairs(given.pop("tags")),
            **({"PermissionsBoundary": boundary} if boundary else {}),
        )["Role"]
        return {"arn": role["Arn"], "name": role["RoleName"]}

    def aws_iam_role_policy(self, iam: Any, given: dict[str, Any]) -> dict[str, Any]:
        iam.put_role_policy(
            RoleName=given.pop("role"), PolicyName=given.pop("name"), PolicyDocument=given.pop("policy")
        )
        return {}

    def aws_iam_policy(self, iam: Any, given: dict[str, Any]) -> dict[str, Any]:
        policy = iam.create_policy(
            PolicyName=given.pop("name"),
            Path=given.pop("path"),
            Description=given.pop("description"),
            PolicyDocument=given.pop("policy"),
            Tags=_pairs(given.pop("tags")),
        )["Policy"]
        return {"arn": policy["Arn"]}

    def aws_iam_role_policy_attachment(self, iam: Any, given: dict[str, Any]) -> dict[str, Any]:
        iam.attach_role_policy(RoleName=given.pop("role"), PolicyArn=given.pop("policy_arn"))
        return {}

    def aws_ssm_association(self, ssm: Any, given: dict[str, Any]) -> dict[str, Any]:
        ssm.create_association(
            AssociationName=given.pop("association_name"),
            Name=given.pop("name"),
            DocumentVersion=given.pop("document_version"),
            ScheduleExpression=given.pop("schedule_expression"),
            Parameters={key: [value] for key, value in given.pop("parameters").items()},
            Targets=[{"Key": t["key"], "Values": t["values"]} for t in given.pop("targets")],
            Tags=_pairs(given.pop("tags")),
        )
        return {}

    def aws_cloudwatch_event_connection(self, events: Any, given: dict[str, Any]) -> dict[str, Any]:
        (auth,) = given.pop("auth_parameters")
        (key,), (http,) = auth.pop("api_key"), auth.pop("invocation_http_parameters")
        headers = [
            {"Key": h["key"], "Value": h["value"], "IsValueSecret": h["is_value_secret"]} for h in http.pop("header")
        ]
        assert (auth, http) == ({}, {})
        answer = events.create_connection(
            Name=given.pop("name"),
            Description=given.pop("description"),
            AuthorizationType=given.pop("authorization_type"),
            AuthParameters={
                "ApiKeyAuthParameters": {"ApiKeyName": key["key"], "ApiKeyValue": key["value"]},
                "InvocationHttpParameters": {"HeaderParameters": headers},
            },
        )
        return {"arn": answer["ConnectionArn"]}

    def aws_cloudwatch_event_api_destination(self, events: Any, given: dict[str, Any]) -> dict[str, Any]:
        answer = events.create_api_destination(
            Name=given.pop("name"),
            Description=given.pop("description"),
            ConnectionArn=given.pop("connection_arn"),
            InvocationEndpoint=given.pop("invocation_endpoint"),
            HttpMethod=given.pop("http_method"),
            InvocationRateLimitPerSecond=given.pop("invocation_rate_limit_per_second"),
        )
        return {"arn": answer["ApiDestinationArn"]}

    def aws_cloudwatch_event_rule(self, events: Any, given: dict[str, Any]) -> dict[str, Any]:
        name = given.pop("name")
        events.put_rule(
            Name=name,
            Description=given.pop("description"),
            State=given.pop("state"),
            EventPattern=given.pop("event_pattern"),
            Tags=_pairs(given.pop("tags")),
        )
        return {"name": name}

    def aws_cloudwatch_event_target(self, events: Any, given: dict[str, Any]) -> dict[str, Any]:
        target = {"Id": given.pop("target_id"), "Arn": given.pop("arn"), "RoleArn": given.pop("role_arn")}
        for retry in given.pop("retry_policy", []):
            target["RetryPolicy"] = {
                "MaximumEventAgeInSeconds": retry["maximum_event_age_in_seconds"],
                "MaximumRetryAttempts": retry["maximum_retry_attempts"],
            }
        for queue in given.pop("dead_letter_config", []):
            target["DeadLetterConfig"] = {"Arn": queue["arn"]}
        answer = events.put_targets(Rule=given.pop("rule"), Targets=[target])
        assert not answer["FailedEntryCount"]
        return {}

    def aws_sqs_queue(self, sqs: Any, given: dict[str, Any]) -> dict[str, Any]:
        attributes = {
            "MessageRetentionPeriod": str(given.pop("message_retention_seconds")),
            "SqsManagedSseEnabled": str(given.pop("sqs_managed_sse_enabled")).lower(),
            "Policy": given.pop("policy"),
        }
        answer = sqs.create_queue(QueueName=given.pop("name"), Attributes=attributes, tags=given.pop("tags"))
        found = sqs.get_queue_attributes(QueueUrl=answer["QueueUrl"], AttributeNames=["QueueArn"])
        return {"arn": found["Attributes"]["QueueArn"]}


def _pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def applied(account: Account, text: str, **given: Any) -> Module:
    """The gateway may be on loopback, without TLS."""
    module = Module(text.replace("^https://", "^https?://"))
    inputs = {
        "api_gateway_url": account.input.spec.gateway_url,
        "subscription_token": account.input.token,
        "regions": REGIONS,
    }
    module.apply(Provider(account).make, account.id, {**inputs, **given})
    return module


def test_the_shipped_module(make_account: Callable[..., Account], gateway: GatewayAdmin) -> None:
    account = make_account(tags={}, adoptionPolicy="AdoptIdentical", connector=CONNECTOR, mode="Observe")
    applied(
        account,
        SHIPPED.read_text(),
        connector="Role",
        connector_role_name="qualys-connector",
        connector_account_id="123456789012",
        connector_external_id="e-1",
    )
    for region in REGIONS:
        assert event_arrives(account, gateway, region)["region"] == region
    report = account.reconcile()
    assert [c.message for s in report.scopes for c in s.conflicts] == []
    assert {(d.difference.path, d.difference.found) for s in report.scopes for d in s.drifts} == {
        ("owner", "template/terraform")
    }


def test_a_main_region_that_delivers_for_the_other(make_account: Callable[..., Account], gateway: GatewayAdmin) -> None:
    account = make_account(tags={}, adoptionPolicy="AdoptIdentical", delivery=MAIN_REGION, mode="Observe")
    applied(account, (SHIPPED.parents[1] / "main-region/main.tf").read_text(), main_region=REGIONS[0])
    for region in REGIONS:
        assert event_arrives(account, gateway, region)["region"] == region
    report = account.reconcile()
    assert [c.message for s in report.scopes for c in s.conflicts] == []
    assert {d.difference.path for s in report.scopes for d in s.drifts} == {"owner"}


def test_a_module_from_a_spec_is_taken_over(make_account: Callable[..., Account]) -> None:
    account = make_account(adoptionPolicy="AdoptIdentical", inventory={"schedule": "cron(0 2 ? * SUN *)"})
    applied(account, account_module(spec_of(account)))
    assert account.reconcile().ready
    account.admin.forget_calls()
    assert account.reconcile().ready
    assert {
        c["operation"] for c in account.calls() if not c["operation"].startswith(("Describe", "Get", "List"))
    } == set()


GOOD = {
    "api_gateway_url": "https://gateway.example.com",
    "subscription_token": "a.b." + "c" * 20,
    "regions": ["us-east-1"],
}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"subscription_token": "canary"}, "A JWT"),
        ({"subscription_token": f"{'a' * 20}.{'b' * 400}.{'c' * 90}"}, "at most 505"),
        ({"api_gateway_url": "https://gateway.example.com/"}, "without a slash"),
        ({"api_gateway_url": "http://gateway.example.com"}, "https://HOST"),
        ({"regions": []}, "at least one region"),
        ({"connector": "Both"}, "One of"),
        ({"connector": "Role"}, "12 digits"),
        ({"connector": "Role", "connector_account_id": "123456789012"}, "external id"),
    ],
)
def test_bad_variables_are_refused(given: dict[str, Any], says: str) -> None:
    module = Module(SHIPPED.read_text())
    assert module.inputs(GOOD)["connector"] == "None"
    with pytest.raises(ValueError, match=says):
        module.inputs({**GOOD, **given})


def test_the_token_and_the_external_id_are_sensitive_and_have_no_default_of_note() -> None:
    variables = Module(SHIPPED.read_text()).variables()
    assert {name for name, body in variables.items() if body.get("sensitive")} == {
        "subscription_token",
        "connector_external_id",
    }
    assert {name for name, body in variables.items() if "default" not in body} == {
        "api_gateway_url",
        "subscription_token",
        "regions",
    }

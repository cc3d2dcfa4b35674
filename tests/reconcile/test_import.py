"""`zerotouch import` over what people, Qualys's templates and we make: it is described, and the plan holds no surprise."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from sandbox.aws.inventory import held
from sandbox.gateway.admin import GatewayAdmin
from sandbox.processes import wait_until
from tests.reconcile.conftest import EXTERNAL_ID, REGIONS, Account
from tests.reconcile.test_templates import CONNECTOR, PATIENCE, deploy, event_arrives, shipped, writes
from zerotouch.aws.policy import import_policy
from zerotouch.cli.main import main
from zerotouch.cli.source import check

MAIN, OTHER = REGIONS
PATTERN = {
    "source": ["aws.ec2"],
    "detail-type": ["EC2 Instance State-change Notification"],
    "detail": {"state": ["running"]},
}
ROLE_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
WIDE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["events:InvokeApiDestination", "events:PutEvents"], "Resource": "*"}],
}


def qualys_template(account: Account, names: dict[str, str], app: str) -> dict[str, Any]:
    """What both generations of Qualys's template make in the main region, as github.com/Qualys publishes them."""
    header = {"Key": "Authorization", "Value": f"Bearer {account.input.token}", "IsValueSecret": "false"}
    key = {"ApiKeyName": "X-API-KEY", "ApiKeyValue": "QFLOW-SSM-EVALUATION"}
    return {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": names["role"],
                "AssumeRolePolicyDocument": ROLE_TRUST,
                "Policies": [{"PolicyName": "p", "PolicyDocument": WIDE}],
                "Tags": [{"Key": "App", "Value": app}],
            },
        },
        "Connection": {
            "Type": "AWS::Events::Connection",
            "Properties": {
                "Name": names["connection"],
                "AuthorizationType": "API_KEY",
                "AuthParameters": {
                    "ApiKeyAuthParameters": key,
                    "InvocationHttpParameters": {"HeaderParameters": [header]},
                },
            },
        },
        "Destination": {
            "Type": "AWS::Events::ApiDestination",
            "Properties": {
                "Name": names["destination"],
                "ConnectionArn": {"Fn::GetAtt": ["Connection", "Arn"]},
                "InvocationEndpoint": f"{account.input.spec.gateway_url}/qflow/aws-eb",
                "HttpMethod": "POST",
                "InvocationRateLimitPerSecond": 300,
            },
        },
        "Rule": _rule(names["rule"], {"Fn::GetAtt": ["Destination", "Arn"]}, {"Fn::GetAtt": ["Role", "Arn"]}),
    }


def _rule(name: str, arn: Any, role: Any) -> dict[str, Any]:
    target = {"Id": "Target0", "Arn": arn, "RoleArn": role}
    properties = {"Name": name, "EventPattern": PATTERN, "State": "ENABLED", "Targets": [target]}
    return {"Type": "AWS::Events::Rule", "Properties": properties}


NEWER = {
    "role": "qualys-ssm-event-bridge-role",
    "connection": "qualys-ssm-api-connection",
    "destination": "qualys-ssm-api-destination",
    "rule": "qualys-ssm-event-rule",
}
OLDER = {
    "role": "assessment-QualysRole",
    "connection": "assessment-QualysConnection",
    "destination": "assessment-QualysDestination",
    "rule": "NewInstances",
}


def make_stack(account: Account, region: str, resources: dict[str, Any]) -> Any:
    client = account.client("cloudformation", region)
    body = json.dumps({"Resources": resources})
    client.create_stack(StackName="assessment", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
    client.get_waiter("stack_create_complete").wait(StackName="assessment", WaiterConfig=PATIENCE)
    return client


def make_newer(account: Account) -> list[Any]:
    """With the StackSet that forwards from the other region; the stacks, in the order in which to delete them."""
    main = make_stack(account, MAIN, qualys_template(account, NEWER, "qualys-ssm-based-assessment"))
    role = f"arn:aws:iam::{account.id}:role/{NEWER['role']}"
    bus = f"arn:aws:events:{MAIN}:{account.id}:event-bus/default"
    return [make_stack(account, OTHER, {"Rule": _rule(NEWER["rule"], bus, role)}), main]


class Answer:
    """What the command printed."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err
        self.body: dict[str, Any] = yaml.safe_load(out) or {}
        self.remarks = [line.removeprefix("# ") for line in out.splitlines() if line.startswith("# ")]

    @property
    def spec(self) -> dict[str, Any]:
        spec: dict[str, Any] = self.body["spec"]
        return spec

    def told(self, sort: str) -> list[str]:
        return [r.removeprefix(f"{sort}: ") for r in self.remarks if r.startswith(f"{sort}: ")]


@pytest.fixture
def imported(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Runs the command with the documented rights, and no others."""

    def run(account: Account, *options: str, everywhere: bool = False) -> Answer:
        account.admin.set_policy(account.id, import_policy("aws", account.id))
        account.admin.forget_calls()
        capsys.readouterr()
        only = [] if everywhere else [word for region in REGIONS for word in ("--only", region)]
        status = main(["import", "--account", account.id, "--external-id", EXTERNAL_ID, *only, *options])
        out, err = capsys.readouterr()
        assert writes(account) == []
        assert [c for c in account.calls() if "Denied" in c["code"]] == []
        return Answer(status, out, err)

    return run


def changes(answer: Answer, account: Account) -> set[str]:
    """`ACTION KIND` of the plan that was told."""
    return {" ".join(text.removeprefix(f"{account.id}: ").split()[:2]) for text in answer.told("plan")}


CREATES = {
    f"create {kind}"
    for kind in ("ExecutionRole", "InventoryAssociation", "DeadLetterQueue", "Connection", "APIDestination", "Rule")
}


def test_the_newer_of_qualyss_templates(account: Account, imported: Callable[..., Answer]) -> None:
    make_newer(account)
    before = held(account.admin, account.id)
    answer = imported(account, everywhere=True)
    assert (answer.status, answer.err) == (0, "")
    check(answer.body)
    assert answer.spec["qualys"]["gatewayURL"] == account.input.spec.gateway_url
    assert answer.spec["regions"]["names"] == sorted(REGIONS)
    assert answer.spec["delivery"] == {"topology": "MainRegion", "mainRegion": MAIN}
    assert changes(answer, account) == CREATES | {"create ForwardRole"}
    assert answer.told("conflict") == []
    better = "\n".join(answer.told("better"))
    for says in (
        f"{MAIN}: connection qualys-ssm-api-connection shows the values of Authorization",
        f"{MAIN}: role qualys-ssm-event-bridge-role may do more",
        f"{MAIN}: rule qualys-ssm-event-rule has no dead-letter queue",
        f"{MAIN}: rule qualys-ssm-event-rule is not ours",
        f"{OTHER}: rule qualys-ssm-event-rule is not ours",
        f"{OTHER}: rule qualys-ssm-event-rule matches events of any account and region",
    ):
        assert says in better
    assert str(account.input.token) not in answer.out
    assert held(account.admin, account.id) == before


def test_the_older_of_qualyss_templates(account: Account, imported: Callable[..., Answer]) -> None:
    make_stack(account, MAIN, qualys_template(account, OLDER, "qualys-api-based-assessment"))
    answer = imported(account)
    assert answer.spec["regions"]["names"] == [MAIN]
    assert changes(answer, account) == CREATES
    assert any("rule NewInstances is not ours" in text for text in answer.told("better"))


def until_ready(account: Account) -> None:
    """With a main region the operator leads the events there in steps."""
    wait_until(lambda: account.reconcile().ready)


def test_from_qualyss_template_without_a_gap(
    make_account: Callable[..., Account], imported: Callable[..., Answer], gateway: GatewayAdmin
) -> None:
    """The documented way: apply what was imported, then delete the stacks. Told twice while both are there, never not at all."""
    account = make_account()
    documented = account.admin.client("iam", account.id).get_role_policy(RoleName="zerotouch", PolicyName="zerotouch")
    stacks = make_newer(account)
    spec = imported(account).spec
    account.admin.set_policy(account.id, documented["PolicyDocument"])
    account.change(**{key: spec[key] for key in ("regions", "delivery", "namePrefix", "adoptionPolicy")})
    started = [event_arrives(account, gateway, MAIN)["instance"]]
    until_ready(account)
    both = event_arrives(account, gateway, MAIN)["instance"]
    for client in stacks:
        client.delete_stack(StackName="assessment")
        client.get_waiter("stack_delete_complete").wait(StackName="assessment", WaiterConfig=PATIENCE)
    started += [event_arrives(account, gateway, region)["instance"] for region in REGIONS]
    seen = [e["instance"] for e in gateway.events()]
    assert [seen.count(instance) for instance in started] == [1, 1, 1]
    assert 1 <= seen.count(both) <= 2
    assert not any("qualys-ssm" in line for line in held(account.admin, account.id))


def test_our_own_template(make_account: Callable[..., Account], imported: Callable[..., Answer]) -> None:
    account = make_account(tags={})
    deploy(account, shipped("target"))
    answer = imported(account)
    assert answer.spec["namePrefix"] == "qualys-zerotouch"
    assert answer.spec["adoptionPolicy"] == "AdoptIdentical"
    assert answer.told("better") == []
    assert {text.split()[0] for text in changes(answer, account)} == {"adopt"}
    assert all("(owner: wanted default/default/production" in text for text in answer.told("plan"))


def test_what_an_operator_made_is_described_without_a_change(
    make_account: Callable[..., Account], imported: Callable[..., Answer]
) -> None:
    account = make_account(
        connector=CONNECTOR,
        inventory={"schedule": "rate(2 hours)", "collect": {"windowsUpdates": False}},
        delivery={"invocationRateLimitPerSecond": 50, "retry": {"maximumRetryAttempts": 7}},
    )
    assert account.reconcile().ready
    answer = imported(account)
    assert answer.body["metadata"] == {"name": "production", "namespace": "security"}
    assert "adoptionPolicy" not in answer.spec
    assert answer.spec["connector"] == CONNECTOR
    assert answer.spec["tags"] == {"team": "secops"}
    assert [answer.told(sort) for sort in ("better", "plan", "conflict", "problem")] == [[], [], [], []]


def test_a_second_rule_is_told(make_account: Callable[..., Account], imported: Callable[..., Answer]) -> None:
    account = make_account()
    assert account.reconcile().ready
    make_stack(account, MAIN, qualys_template(account, OLDER, "qualys-api-based-assessment"))
    answer = imported(account)
    assert answer.spec["namePrefix"] == "qualys-zerotouch"
    twice = f"{account.id} {MAIN}: rules NewInstances, qualys-zerotouch tell each start of an instance 2 times"
    assert twice in answer.told("better")


def test_a_connector_made_by_hand(account: Account, imported: Callable[..., Answer]) -> None:
    make_stack(account, MAIN, qualys_template(account, OLDER, "qualys-api-based-assessment"))
    iam = account.client("iam")
    iam.create_role(RoleName="TheirConnector", AssumeRolePolicyDocument=json.dumps(ROLE_TRUST))
    six = ["ssm:ListInventoryEntries", "ssm:DescribeInstanceInformation"]
    six += [f"ec2:Describe{what}" for what in ("Instances", "Addresses", "Images", "Regions")]
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": six, "Resource": "*"}]}
    policy = iam.create_policy(PolicyName="QualysSix", PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="TheirConnector", PolicyArn=policy)
    answer = imported(account)
    assert answer.spec["connector"] == {"existingRoleName": "TheirConnector"}
    assert any("policy QualysSix on role TheirConnector is not ours" in text for text in answer.told("better"))


def test_nothing_to_import(account: Account, imported: Callable[..., Answer]) -> None:
    answer = imported(account)
    assert (answer.status, answer.out) == (1, "")
    assert "there is nothing to import" in answer.err


def test_an_account_that_cannot_be_entered_is_told_and_the_others_are_imported(
    account: Account, imported: Callable[..., Answer]
) -> None:
    make_stack(account, MAIN, qualys_template(account, OLDER, "qualys-api-based-assessment"))
    answer = imported(account, "--account", "100999999999")
    assert answer.status == 1
    assert [entry["id"] for entry in answer.spec["accounts"]] == [account.id]
    assert any("account 100999999999" in text for text in answer.told("not imported"))


def test_as_json_the_remarks_go_to_the_standard_error(account: Account, imported: Callable[..., Answer]) -> None:
    make_stack(account, MAIN, qualys_template(account, OLDER, "qualys-api-based-assessment"))
    answer = imported(account, "-o", "json")
    assert json.loads(answer.out)["kind"] == "QualysZeroTouch"
    assert "better: " in answer.err
    assert EXTERNAL_ID not in answer.err


def run(capsys: pytest.CaptureFixture[str], account: str, *regions: str) -> Answer:
    """With the rights that the account's role has at the moment."""
    capsys.readouterr()
    only = [word for region in regions for word in ("--only", region)]
    status = main(["import", "--account", account, "--external-id", EXTERNAL_ID, *only])
    return Answer(status, *capsys.readouterr())


def test_what_may_not_be_read_is_told_and_the_rest_is_imported(
    make_account: Callable[..., Account], capsys: pytest.CaptureFixture[str]
) -> None:
    account = make_account()
    assert account.reconcile().ready
    policy = import_policy("aws", account.id)
    without = [s for s in policy["Statement"] if s["Sid"] != "ImportPolicies"]
    account.admin.set_policy(account.id, {**policy, "Statement": without})
    answer = run(capsys, account.id, *REGIONS)
    assert answer.status == 1
    assert answer.spec["regions"]["names"] == sorted(REGIONS)
    assert answer.told("plan") == []
    (missed,) = answer.told("not imported")
    assert missed.startswith(f"{account.id} global: iam:ListPolicies")
    assert "zerotouch policy import prints all that it needs" in missed


def test_what_could_not_be_looked_at_is_not_said_to_be_missing(capsys: pytest.CaptureFixture[str]) -> None:
    answer = run(capsys, "100999999998", MAIN)
    assert (answer.status, answer.out) == (1, "")
    assert "nothing was found to import, but not everything could be looked at" in answer.err
    assert "* account 100999999998: sts:AssumeRole" in answer.err


def test_what_people_broke_is_described(
    make_account: Callable[..., Account], imported: Callable[..., Answer], gateway: GatewayAdmin
) -> None:
    """The rule's role is gone, its pattern takes every state, and the connector's role trusts others too."""
    account = make_account(connector=CONNECTOR)
    assert account.reconcile().ready
    iam, events = account.client("iam"), account.client("events", OTHER)
    every_state = {k: v for k, v in PATTERN.items() if k != "detail"}
    events.put_rule(Name="qualys-zerotouch", EventPattern=json.dumps(every_state))
    role = CONNECTOR["role"]["name"]
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    wider = {**trust, "Statement": [*trust["Statement"], *ROLE_TRUST["Statement"]]}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(wider))
    iam.delete_role_policy(RoleName="qualys-zerotouch-events", PolicyName="invoke-qualys")
    iam.delete_role(RoleName="qualys-zerotouch-events")
    answer = imported(account)
    assert answer.status == 0, answer.err
    assert answer.spec["regions"]["names"] == sorted(REGIONS)
    assert answer.spec["connector"] == {"existingRoleName": role}
    assert "create ExecutionRole" in changes(answer, account)


def test_of_a_region_that_only_hands_its_events_on_the_platform_is_to_be_named(
    account: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    make_newer(account)
    account.admin.set_policy(account.id, import_policy("aws", account.id))
    answer = run(capsys, account.id, OTHER)
    assert answer.status == 1
    assert answer.spec["regions"]["names"] == [OTHER]
    todo = "\n".join(answer.told("to do"))
    assert f"spec.qualys: name the platform: what was found only hands events to {MAIN}" in todo
    assert "complete it before it can be planned: The QualysZeroTouch" in todo

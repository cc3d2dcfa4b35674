"""The account role's CloudFormation template: deployed by the emulator, it is all that a pass needs."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.aws.admin import BASE_USER, Admin
from tests.reconcile.conftest import EXTERNAL_ID, Account
from zerotouch.templates.account_role import account_role_template

SHIPPED = Path(__file__).parents[2] / "deploy/cloudformation/account-role.yaml"


def deploy(admin: Admin, account: str, template: str, **parameters: str) -> str:
    """Create the stack; answers the output RoleARN."""
    cloudformation = admin.client("cloudformation", account)
    cloudformation.create_stack(
        StackName="zerotouch",
        TemplateBody=template,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="zerotouch", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    (stack,) = cloudformation.describe_stacks(StackName="zerotouch")["Stacks"]
    return str(stack["Outputs"][0]["OutputValue"])


@pytest.mark.parametrize(("prefix", "connector"), [("qualys-zerotouch", ""), ("another-prefix", "their-connector")])
def test_a_pass_with_the_deployed_role(account: Account, prefix: str, connector: str) -> None:
    if connector:
        trust = {"Version": "2012-10-17", "Statement": []}
        account.client("iam").create_role(RoleName=connector, AssumeRolePolicyDocument=json.dumps(trust))
        account.change(connector={"existingRoleName": connector})
    account.admin.client("iam", account.id).delete_role_policy(RoleName="zerotouch", PolicyName="zerotouch")
    role = deploy(
        account.admin,
        account.id,
        SHIPPED.read_text(),
        OperatorRoleARN=BASE_USER,
        ExternalID=EXTERNAL_ID,
        RoleName="from-template",
        NamePrefix=prefix,
        ExistingConnectorRoleName=connector,
    )
    access = account.input.spec.access.model_copy(update={"role_arn": role})
    spec = account.input.spec.model_copy(update={"access": access, "name_prefix": prefix})
    account.input = replace(account.input, spec=spec)
    assert account.reconcile().ready
    assert account.reconcile().ready
    assert not account.remove().left


def test_the_stack_asks_for_what_cannot_be_known() -> None:
    parameters = account_role_template()["Parameters"]
    assert [name for name, p in parameters.items() if "Default" not in p] == ["OperatorRoleARN", "ExternalID"]
    assert parameters["ExternalID"]["NoEcho"] is True
    for name, parameter in parameters.items():
        if "Default" in parameter:
            assert re.fullmatch(parameter["AllowedPattern"], parameter["Default"]), name

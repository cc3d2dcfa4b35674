"""`zerotouch policy`: the IAM policies that the operator needs, in its own account and in each other."""

import argparse
import json
from collections.abc import Callable
from typing import Any

from zerotouch.aws.policy import account_policy, observe_policy, operator_policy, trust_policy


def configure(parser: argparse.ArgumentParser) -> None:
    """Four policies, as JSON on the standard output."""
    parser.add_argument("--partition", default="aws", help="aws, aws-cn or aws-us-gov (default: aws)")
    which = parser.add_subparsers(dest="which", required=True, metavar="WHICH")
    for name, make, text in (
        ("account", account_policy, "permissions of the role in each account"),
        ("observe", observe_policy, "the same for mode Observe: reads only"),
    ):
        account = which.add_parser(name, help=text)
        account.add_argument("--account", default="ACCOUNT_ID", help="the account's id (default: a placeholder)")
        account.add_argument("--name-prefix", default="qualys-zerotouch", help="spec.namePrefix")
        account.add_argument("--existing-connector-role", help="spec.connector.existingRoleName, where given")
        account.set_defaults(policy=_in_account(make))
    trust = which.add_parser("trust", help="trust policy of the role in each account")
    trust.add_argument("--operator-role", default="OPERATOR_ROLE_ARN", help="ARN of the operator's own role")
    trust.add_argument("--external-id", default="EXTERNAL_ID", help="spec.access.externalID")
    trust.set_defaults(policy=lambda options: trust_policy(options.operator_role, options.external_id))
    operator = which.add_parser("operator", help="permissions of the operator's own role")
    operator.add_argument("--role-name", default="zerotouch", help="spec.access.roleName")
    operator.set_defaults(policy=lambda options: operator_policy(options.partition, options.role_name))
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the policy."""
    print(json.dumps(options.policy(options), indent=2))
    return 0


def _in_account(make: Callable[..., dict[str, Any]]) -> Callable[[argparse.Namespace], dict[str, Any]]:
    return lambda o: make(o.partition, o.account, o.name_prefix, o.existing_connector_role)

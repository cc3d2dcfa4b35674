"""Kind `ExecutionRole`."""

import json
from typing import Any

from tests.reconcile.drift.model import ACCOUNT, PREFIX, Break, KindDrift, context, documents
from tests.reconcile.drift.roles import OTHER, SENT, SENT_INLINE, role_breaks
from zerotouch.resources.execution_role import POLICY_NAME, ExecutionRole, invoke_policy, trust

_NAME = f"{PREFIX}-events"


def _put(account: Any, document: dict[str, Any]) -> None:
    text = json.dumps(document).replace(ACCOUNT, account.id)
    account.client("iam").put_role_policy(RoleName=_NAME, PolicyName=POLICY_NAME, PolicyDocument=text)


def _remove(account: Any) -> None:
    account.client("iam").delete_role_policy(RoleName=_NAME, PolicyName=POLICY_NAME)


_POLICY = invoke_policy(context(ExecutionRole()))

DRIFT = KindDrift(
    ExecutionRole(),
    (
        *role_breaks(_NAME, trust(ACCOUNT)),
        *documents(f"inlinePolicies.{POLICY_NAME}", _POLICY, _put, OTHER),
        Break(f"inlinePolicies.{POLICY_NAME}", "removed", _remove),
    ),
    sent={**SENT, **SENT_INLINE},
)

"""Kind `DetectionRole`."""

import json
from typing import Any

from tests.reconcile.drift.model import ACCOUNT, BUS, PREFIX, Break, KindDrift, documents
from tests.reconcile.drift.roles import OTHER, SENT, SENT_INLINE, role_breaks
from zerotouch.resources.detection_role import POLICY_NAME, DetectionRole, put_events_policy
from zerotouch.resources.service_role import trust

_NAME = f"{PREFIX}-detection"


def _put(account: Any, document: dict[str, Any]) -> None:
    account.client("iam").put_role_policy(
        RoleName=_NAME, PolicyName=POLICY_NAME, PolicyDocument=json.dumps(document).replace(ACCOUNT, account.id)
    )


def _remove(account: Any) -> None:
    account.client("iam").delete_role_policy(RoleName=_NAME, PolicyName=POLICY_NAME)


DRIFT = KindDrift(
    DetectionRole(),
    (
        *role_breaks(_NAME, trust(ACCOUNT)),
        *documents(f"inlinePolicies.{POLICY_NAME}", put_events_policy(BUS), _put, OTHER),
        Break(f"inlinePolicies.{POLICY_NAME}", "removed", _remove),
    ),
    sent={**SENT, **SENT_INLINE},
)

"""The table of `controller/deletion.py`: the costliest mistake would be to clean AWS because an object vanished."""

from typing import Any

import pytest

from zerotouch.api.account import QualysZeroTouchAccountSpec
from zerotouch.controller.deletion import Decision, decide_deletion
from zerotouch.controller.objects import Parent

ID = "111111111111"


def account(removal: str | None = None, suspend: bool = False) -> QualysZeroTouchAccountSpec:
    tombstone = {"policy": removal, "parentUID": "u-1", "requestedAt": "2026-01-01T00:00:00Z"}
    return QualysZeroTouchAccountSpec.model_validate(
        {
            "accountID": ID,
            "parent": {"name": "p", "uid": "u-1"},
            "access": {"roleARN": f"arn:aws:iam::{ID}:role/zerotouch", "stsRegion": "us-east-1"},
            "gatewayURL": "https://gateway",
            "regions": {"names": ["us-east-1"]},
            "inventory": {},
            "delivery": {},
            "deletionPolicy": "Delete",
            "interval": "5m",
            "namePrefix": "qualys-zerotouch",
            "suspend": suspend,
            **({"removal": tombstone} if removal else {}),
        }
    )


def parent(
    uid: str = "u-1",
    deleting: bool = False,
    policy: str = "Delete",
    listed: bool = True,
    suspend: bool = False,
    mode: str = "Enforce",
) -> Parent:
    metadata: dict[str, Any] = {"name": "p", "namespace": "n", "uid": uid, "resourceVersion": "1", "generation": 1}
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return Parent.of(
        {
            "metadata": metadata,
            "spec": {
                "qualys": {"platform": "US2", "auth": {"credentialsSecretRef": {"name": "q"}}},
                "accounts": [{"id": ID if listed else "999999999999"}],
                "regions": {"names": ["us-east-1"]},
                "deletionPolicy": policy,
                "suspend": suspend,
                "mode": mode,
            },
        }
    )


@pytest.mark.parametrize(
    ("spec", "live", "decision"),
    [
        # A tombstone says it, whatever became of the parent.
        (account("Delete"), parent(), Decision.CLEAN),
        (account("Delete"), parent(deleting=True, policy="Retain"), Decision.CLEAN),
        (account("Delete"), None, Decision.CLEAN),
        (account("Retain"), None, Decision.RETAIN),
        (account("Retain"), parent(deleting=True, policy="Delete"), Decision.RETAIN),
        # No tombstone: only the very parent that is being deleted may say so.
        (account(), parent(deleting=True, policy="Delete"), Decision.CLEAN),
        (account(), parent(deleting=True, policy="Retain"), Decision.RETAIN),
        (account(), parent(uid="u-2", deleting=True, policy="Delete", listed=False), Decision.ORPHANED),
        (account(), parent(uid="u-2", deleting=True, policy="Delete"), Decision.RECREATE),
        # Deleted by hand.
        (account(), parent(), Decision.RECREATE),
        (account(), parent(uid="u-2"), Decision.RECREATE),
        (account(), parent(listed=False), Decision.WAIT),
        (account(), parent(uid="u-2", listed=False), Decision.ORPHANED),
        (account(), None, Decision.ORPHANED),
        # Suspend wins over everything.
        (account("Delete"), parent(suspend=True), Decision.SUSPENDED),
        (account("Delete", suspend=True), None, Decision.SUSPENDED),
        (account(), parent(deleting=True, suspend=True), Decision.SUSPENDED),
        # Observe never deletes.
        (account("Delete"), parent(mode="Observe"), Decision.RETAIN),
        (account(), parent(deleting=True, mode="Observe"), Decision.RETAIN),
        (account(), parent(mode="Observe"), Decision.RECREATE),
        # The parent's word about suspend is the newer one.
        (account("Delete", suspend=True), parent(), Decision.CLEAN),
    ],
)
def test_decision(spec: QualysZeroTouchAccountSpec, live: Parent | None, decision: Decision) -> None:
    assert decide_deletion(spec, live) is decision


def test_while_the_namespace_is_deleted_the_parents_word_is_waited_for() -> None:
    """Its objects are deleted in no certain order: an account object may go before its parent."""
    assert decide_deletion(account(), parent(), namespace_ends=True) is Decision.WAIT
    assert decide_deletion(account(), parent(deleting=True), namespace_ends=True) is Decision.CLEAN
    assert decide_deletion(account(), None, namespace_ends=True) is Decision.ORPHANED

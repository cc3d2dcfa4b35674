"""What becomes of AWS when an account object is deleted. The costliest mistake is to clean AWS because an object vanished.

| tombstone (`spec.removal`) | parent | decision |
|---|---|---|
| its policy says | any | CLEAN or RETAIN |
| none | being deleted, same uid | CLEAN or RETAIN, as its deletionPolicy says |
| none | alive, account still listed | RECREATE: somebody deleted the account object by hand |
| none | alive, account not listed | WAIT: the parent's pass writes the tombstone |
| none | gone, or another of that name that does not list it | ORPHANED: AWS stays, with a warning |
| any | account or parent suspended | SUSPENDED, whatever else holds |
"""

from enum import StrEnum

from zerotouch.api.account import QualysZeroTouchAccountSpec
from zerotouch.api.spec import DeletionPolicy
from zerotouch.controller.objects import Parent


class Decision(StrEnum):
    """What to do about AWS and the finalizer."""

    CLEAN = "clean"
    RETAIN = "retain"
    RECREATE = "recreate"
    WAIT = "wait"
    ORPHANED = "orphaned"
    SUSPENDED = "suspended"


def decide_deletion(account: QualysZeroTouchAccountSpec, parent: Parent | None) -> Decision:
    """`parent`: as a live GET answered it, None where there is none."""
    if account.suspend if parent is None else parent.spec.suspend:
        return Decision.SUSPENDED
    if account.removal is not None:
        return _by(account.removal.policy)
    if parent is None:
        return Decision.ORPHANED
    same = parent.meta.uid == account.parent.uid
    if same and parent.meta.deleting:
        return _by(parent.spec.deletion_policy)
    if any(entry.id == account.account_id for entry in parent.spec.accounts):
        return Decision.RECREATE
    return Decision.WAIT if same else Decision.ORPHANED


def _by(policy: DeletionPolicy) -> Decision:
    return Decision.CLEAN if policy is DeletionPolicy.DELETE else Decision.RETAIN

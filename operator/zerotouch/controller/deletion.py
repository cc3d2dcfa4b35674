"""What becomes of AWS when an account object is deleted. The costliest mistake is to clean AWS because an object vanished.

| tombstone (`spec.removal`) | parent | decision |
|---|---|---|
| its policy says | any | CLEAN or RETAIN |
| none | being deleted, same uid | CLEAN or RETAIN, as its deletionPolicy says |
| none | alive, account still listed | RECREATE: somebody deleted the account object by hand |
| none | the same, but the namespace is being deleted | WAIT: the parent is about to be deleted too, and its word counts |
| none | alive, account not listed | WAIT: the parent's pass writes the tombstone |
| none | gone, or another of that name that does not list it | ORPHANED: AWS stays, with a warning |
| any | account or parent suspended | SUSPENDED, whatever else holds |

In mode Observe what would be CLEAN is RETAIN.
"""

from enum import StrEnum

from zerotouch.api.account import QualysZeroTouchAccountSpec
from zerotouch.api.spec import DeletionPolicy, Mode
from zerotouch.controller.objects import Parent


class Decision(StrEnum):
    """What to do about AWS and the finalizer."""

    CLEAN = "clean"
    RETAIN = "retain"
    RECREATE = "recreate"
    WAIT = "wait"
    ORPHANED = "orphaned"
    SUSPENDED = "suspended"


def decide_deletion(
    account: QualysZeroTouchAccountSpec, parent: Parent | None, namespace_ends: bool = False
) -> Decision:
    """`parent`: as a live GET answered it, None where there is none. `namespace_ends`: their namespace is being deleted."""
    decision = _decide(account, parent)
    return Decision.WAIT if decision is Decision.RECREATE and namespace_ends else decision


def _decide(account: QualysZeroTouchAccountSpec, parent: Parent | None) -> Decision:
    if account.suspend if parent is None else parent.spec.suspend:
        return Decision.SUSPENDED
    if (account.mode if parent is None else parent.spec.mode) is Mode.OBSERVE:
        return Decision.RETAIN if account.removal or _ends_with(account, parent) else _without_a_word(account, parent)
    if account.removal is not None:
        return _by(account.removal.policy)
    if parent is not None and _ends_with(account, parent):
        return _by(parent.spec.deletion_policy)
    return _without_a_word(account, parent)


def _ends_with(account: QualysZeroTouchAccountSpec, parent: Parent | None) -> bool:
    """Whether the very parent that declares it is being deleted."""
    return parent is not None and parent.meta.deleting and parent.meta.uid == account.parent.uid


def _without_a_word(account: QualysZeroTouchAccountSpec, parent: Parent | None) -> Decision:
    if parent is None:
        return Decision.ORPHANED
    if any(entry.id == account.account_id for entry in parent.spec.accounts):
        return Decision.RECREATE
    return Decision.WAIT if parent.meta.uid == account.parent.uid else Decision.ORPHANED


def _by(policy: DeletionPolicy) -> Decision:
    return Decision.CLEAN if policy is DeletionPolicy.DELETE else Decision.RETAIN

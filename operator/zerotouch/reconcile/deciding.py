"""What is to be done about one kind, after what was seen of it: what is made, and what only told."""

from dataclasses import replace
from typing import Any, Final

from zerotouch.api.drift import Left
from zerotouch.desired.context import Context
from zerotouch.plan.adoption import Adoption
from zerotouch.plan.change import Action, Change, Conflict, Difference, ResourceID
from zerotouch.plan.decide import decide
from zerotouch.plan.ownership import Ownership
from zerotouch.plan.policy import keep_found, waits_for_others
from zerotouch.plan.version import written_by_others
from zerotouch.reconcile.findings import Findings, Task
from zerotouch.resources.base import Kind, Observed, keeping

SECRETS: Final = "secretValues"
"""The path of a difference in what AWS does not show."""


def resource_of(kind: Kind, context: Context) -> ResourceID:
    """The one of this kind in the scope."""
    return ResourceID(kind.name, context.scope, kind.resource_name(context))


def without_token(kind: Kind, context: Context, change: Change) -> Change:
    """As it is planned: which token a new connection carries is decided when it is made."""
    if change.action is not Action.CREATE:
        return change
    spec = context.spec.model_copy(update={"token_fingerprint": None})
    return replace(change, content=kind.desired(replace(context, spec=spec)))


class Deciding:
    """For one scope. Adds what is only told to the findings; touches nothing else."""

    def __init__(self, task: Task, found: Findings) -> None:
        self._task, self._found = task, found
        self._adoption = Adoption(task.context.spec.adoption_policy, task.context.owner)

    def decide(self, kind: Kind, context: Context) -> Change | Conflict | None:
        """The difference between what is wanted and what was seen."""
        observed = self._found.observed(kind)
        return decide(
            resource_of(kind, context),
            kind.desired(context),
            observed.fields if observed else None,
            observed.ownership if observed else None,
            observed.owner if observed else None,
            self._adoption,
        )

    def with_tampering(self, kind: Kind, decision: Change | Conflict | None) -> Change | Conflict | None:
        """And a write by others to what AWS does not show, such as a secret value, unless it is written anew anyway."""
        if isinstance(decision, Change) and self.mends(decision):
            return decision
        observed = self._found.observed(kind)
        if observed is None or observed.ownership is not Ownership.OURS:
            return decision
        if not written_by_others(self._task.before.version, observed.version) or self._unrecorded(observed):
            return decision
        difference = Difference(SECRETS, "as last written by us", f"modified since ({observed.version})")
        if decision is None:
            return Change(resource_of(kind, self._task.context), Action.UPDATE, (difference,))
        if isinstance(decision, Change) and decision.action is Action.UPDATE:
            return replace(decision, differences=(*decision.differences, difference))
        return decision

    def mends(self, change: Change) -> bool:
        """Whether anything of it is to be made."""
        return bool(self._task.judge.split(change, self._task.is_drift)[0])

    def judged(self, kind: Kind, change: Change) -> Change | None:
        """What of it is to be made; the rest is told."""
        making, left = self._task.judge.split(change, self._task.is_drift)
        waits = bool(self._found.left_missing.intersection(kind.needs))
        if making and (waits or (change.action is Action.ADOPT and left)):
            self._found.held_up.add(kind.name)
        if change.action is Action.ADOPT and left:
            # It is written as a whole, or not at all.
            left, making = left + [(d, left[0][1]) for d in making], ()
        if waits:
            # It cannot be made without what it refers to, which is only told to be missing.
            left += [(d, Left.REPORTED) for d in making if not waits_for_others(d)]
            making = ()
        self._found.leave(change, left)
        return replace(change, differences=making) if making else None

    def sparing(self, kind: Kind, context: Context, observed: Observed) -> Kind:
        """The kind, wanting what was found where that is only told."""
        told = (d for d in self._found.drifts if d.resource.kind == kind.name and d.left is not None)
        paths = [drift.difference.path for drift in told]
        wanted: Any = kind.desired(context)
        for path in paths:
            wanted = keep_found(wanted, observed.fields, path)
        return keeping(kind, wanted) if paths else kind

    def _unrecorded(self, observed: Observed) -> bool:
        """Whether the write was our own: it gave the connection its token, and then we were killed."""
        found = observed.authorization
        return found is not None and self._task.before.token not in {None, found.token}

"""Cleaning one region of one account, or its account-wide resources."""

from collections.abc import Callable, Sequence

from zerotouch.api.account import State
from zerotouch.api.conditions import Reason
from zerotouch.aws.calls import RegionAPI
from zerotouch.aws.errors import AWSError, Retry
from zerotouch.desired.context import Context
from zerotouch.plan.change import EXISTS, Action, Change, Difference, ResourceID
from zerotouch.plan.ownership import Ownership
from zerotouch.reconcile.report import Problem, ScopeReport
from zerotouch.reconcile.scope import ignore
from zerotouch.reconcile.summary import losses_of, problem_of
from zerotouch.resources.base import Kind


class ScopeRemoval:
    """Delete everything of ours in one scope, in the reverse order of creation; with `dry_run` only see what is there."""

    def __init__(
        self,
        kinds: Sequence[Kind],
        api: RegionAPI,
        context: Context,
        dry_run: bool = False,
        applied: Callable[[Change], None] = ignore,
    ) -> None:
        self._kinds, self._api, self._context = kinds, api, context
        self._dry_run, self._applied = dry_run, applied
        self.left: list[ResourceID] = []
        self._losses: list[str] = []

    def run(self) -> ScopeReport:
        """`gone` where nothing of ours was observed afterwards. Raises Interrupted only."""
        errors: list[AWSError] = []
        changes: list[Change] = []
        for kind in reversed(self._kinds):
            resource = ResourceID(kind.name, self._context.scope, kind.resource_name(self._context))
            change = Change(resource, Action.DELETE, (Difference(EXISTS, False, True),))
            try:
                if self._remove(kind, change):
                    changes.append(change)
            except AWSError as error:
                errors.append(error)
                self.left.append(resource)
        problem = problem_of(errors) if errors else None
        if problem is None and self.left:
            names = ", ".join(r.kind for r in self.left)
            problem = Problem(Reason.NOT_YET_CONSISTENT, f"AWS is still deleting: {names}", Retry.SOON)
        return ScopeReport(
            name=self._context.scope,
            state=State.REMOVING,
            ready=0,
            total=len(self._kinds),
            problem=problem,
            changes=() if self._dry_run else tuple(changes),
            planned=tuple(changes) if self._dry_run else (),
            gone=problem is None and not (self._dry_run and changes),
            losses=tuple(self._losses),
        )

    def _remove(self, kind: Kind, change: Change) -> bool:
        observed = kind.observe(self._api, self._context)
        if observed is None or observed.ownership is not Ownership.OURS:
            return False
        if self._dry_run:
            self._losses += losses_of(change.resource, observed)
            return True
        kind.delete(self._api, self._context, observed)
        self._losses += losses_of(change.resource, observed)
        self._applied(change)
        left = kind.observe(self._api, self._context)
        if left is not None and left.ownership is Ownership.OURS:
            self.left.append(change.resource)
        return True

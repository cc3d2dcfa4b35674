"""One region of one account, or its account-wide resources: gather → plan → apply → report."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import structlog

from zerotouch.api.adoption import AdoptionPolicy
from zerotouch.api.drift import Left
from zerotouch.aws.calls import RegionAPI
from zerotouch.aws.errors import AWSError
from zerotouch.desired.context import Context
from zerotouch.desired.routing import Routing
from zerotouch.plan.change import Action, Change, Conflict, Difference
from zerotouch.plan.diff import diff
from zerotouch.plan.ownership import Ownership
from zerotouch.plan.policy import Judge
from zerotouch.plan.render import show_change
from zerotouch.plan.routing import Fact
from zerotouch.reconcile.authorization import Authorizing, Remembered
from zerotouch.reconcile.deciding import Deciding, without_token
from zerotouch.reconcile.findings import Findings, Seen, Task
from zerotouch.reconcile.report import Drift, Problem, ScopeReport
from zerotouch.reconcile.summary import losses_of, summarize
from zerotouch.resources.base import Kind, OptionalKind, RoutingKind
from zerotouch.resources.beside import Beside

_log = structlog.get_logger()
_MENDS_ALL: Final = Judge()
_OTHERS: Final = "what others have set up"


def ignore(_: Change) -> None:
    """Of a caller that need not know of each change."""


def nothing_beside(*_: object) -> Beside:
    """Where AWS is not asked."""
    return Beside()


class ScopePass:
    """One pass over one scope. Make one, call `look` once, then `act` once."""

    def __init__(
        self,
        kinds: Sequence[Kind],
        api: RegionAPI,
        context: Context,
        token: str | None,
        before: Remembered,
        now: datetime,
        judge: Judge = _MENDS_ALL,
        dry_run: bool = False,
        applied: Callable[[Change], None] = ignore,
        look_beside: Callable[[RegionAPI, Context], Beside] = nothing_beside,
    ) -> None:
        """`before`: of the last report. `now`: UTC. `judge`: says what is mended and what only told.

        `dry_run`: nothing is written. `applied` is told of each change when it is written.
        `look_beside`: what others have set up there.
        """
        self._api, self._token = api, token
        self._applied, self._look_beside = applied, look_beside
        self._authorizing = Authorizing(context, before, now)
        self._found = Findings()
        self._plan_for(Task(kinds, context, before, judge, dry_run))

    def look(self) -> None:
        """Observe everything. Raises Interrupted only."""
        for kind in self._task.kinds:
            self._look(kind)
        if self.context.is_global:
            self._found.beside = Beside()
            return
        try:
            self._found.beside = self._look_beside(self._api, self.context.with_refs(self._found.refs(Ownership.OURS)))
        except AWSError as error:
            self._found.errors[_OTHERS] = error

    @property
    def context(self) -> Context:
        """The scope as it is acted on."""
        return self._task.context

    @property
    def was_right(self) -> bool:
        """Whether the last pass left everything as it is wanted."""
        return self._task.was_right

    @property
    def facts(self) -> frozenset[Fact]:
        """What the last look at each kind says of the way that events take, if it is ours or will be."""
        ours = {Ownership.OURS}
        if self.context.spec.adoption_policy is not AdoptionPolicy.NEVER:
            ours.add(Ownership.ADOPTABLE)
        seen = (observed for observed in self._found.present().values() if observed.ownership in ours)
        return frozenset(fact for observed in seen for fact in observed.facts)

    @property
    def blind(self) -> bool:
        """Whether something on which that way depends could not be looked at, or AWS is at work on it."""
        seen = [self._found.seen[kind.name] for kind in self._task.kinds if isinstance(kind, RoutingKind)]
        return any(s.error is not None or (s.observed is not None and s.observed.settling) for s in seen)

    def act(self, routing: Routing, waits: str | None = None) -> ScopeReport:
        """Change what differs, in order. Raises Interrupted only. `waits`: why the routing is not the declared one yet."""
        self._plan_for(self._task.routed(routing))
        leaving = [kind for kind in self._task.kinds if not self._task.asks_for(kind)]
        for kind in self._task.kinds:
            if kind not in leaving:
                self._handle(kind)
        # What others referred to goes after they let go of it.
        for kind in reversed(leaving):
            self._handle(kind)
        return summarize(self._task, self._found, self._authorizing, waits)

    def _plan_for(self, task: Task) -> None:
        self._task, self._deciding = task, Deciding(task, self._found)

    def _look(self, kind: Kind) -> None:
        if isinstance(kind, OptionalKind) and self.was_right and kind.desired(self.context) is None:
            self._found.seen[kind.name] = Seen()
            return
        try:
            observed = kind.observe(self._api, self._context_now())
        except AWSError as error:
            self._found.seen[kind.name] = Seen(error=error)
        else:
            self._found.seen[kind.name] = Seen(observed)

    def _context_now(self) -> Context:
        return self.context.with_refs(self._found.refs(*Ownership))

    def _handle(self, kind: Kind) -> None:
        found, seen = self._found, self._found.seen[kind.name]
        if seen.error is not None:
            found.errors[kind.name] = seen.error
            return
        if seen.observed is not None and seen.observed.settling:
            found.settling.append(kind.name)
            return
        context = self._context_now()
        decision = self._deciding.with_tampering(kind, self._deciding.decide(kind, context))
        if isinstance(decision, Conflict):
            found.conflicts.append(decision)
        elif decision is not None and self._task.observing:
            found.planned.append(without_token(kind, context, decision))
            found.leave(decision, [(d, Left.OBSERVED) for d in decision.differences])
        elif decision is not None and (change := self._deciding.judged(kind, decision)):
            self._make(kind, context, change)

    def _make(self, kind: Kind, context: Context, change: Change) -> None:
        found = self._found
        if not self._can_apply(kind, change):
            found.held_up.add(kind.name)
            if change.action is Action.CREATE:
                found.lacking.add(kind.name)
            return
        observed = found.observed(kind)
        problem = self._authorizing.problem(observed.authorization if observed else None)
        if problem is not None:
            self._hold_back(kind, change, problem)
        elif self._task.dry_run:
            found.planned.append(change)
            at = found.seen[kind.name].at
            found.drifts += [Drift(change.resource, d, False, at, left=Left.OBSERVED) for d in change.differences]
        else:
            self._apply(kind, context, change)

    def _hold_back(self, kind: Kind, change: Change, problem: Problem) -> None:
        self._found.held_back[kind.name] = problem
        at = self._found.seen[kind.name].at
        self._found.drifts += [Drift(change.resource, d, False, at) for d in self._drift_in(change)]

    def _drift_in(self, change: Change) -> list[Difference]:
        """What of it is no change of the declaration."""
        return [d for d in change.differences if self._task.is_drift(change.resource, d)]

    def _can_apply(self, kind: Kind, change: Change) -> bool:
        """Whether all that it refers to is in place, or nothing refers any more to what is to be deleted.

        The error, conflict or change that stands in the way is told already.
        """
        found = self._found
        blocked = {*found.errors, *found.settling, *found.lacking, *found.in_conflict}
        if change.action is Action.DELETE:
            return not any(kind.name in other.needs for other in self._task.kinds if other.name in blocked)
        return not blocked.intersection(kind.needs)

    def _apply(self, kind: Kind, context: Context, change: Change) -> None:
        found = self._found
        mended, found_at = False, found.seen[kind.name].at
        try:
            self._write(kind, context, change)
            self._applied(change)
            self._look(kind)
            mended = self._verify(kind)
        except AWSError as error:
            found.errors[kind.name] = error
        mended_at = found.seen[kind.name].at if mended else None
        written, drift = kind.name not in found.errors, self._drift_in(change)
        found.drifts += [Drift(change.resource, d, mended, found_at, mended_at, written=written) for d in drift]
        if mended:
            found.changes.append(change)
        else:
            found.failed.add(kind.name)

    def _write(self, kind: Kind, context: Context, change: Change) -> None:
        observed = self._found.observed(kind)
        _log.info("applying", account=context.account_id, change=show_change(change))
        if change.action is Action.CREATE:
            kind.create(self._api, context, self._token)
        elif observed is not None and change.action is Action.UPDATE:
            kind = self._deciding.sparing(kind, context, observed)
            kind.update(self._api, context, observed, change.differences, self._token)
            if observed.authorization is not None:
                self._authorizing.healed()
        elif observed is not None and change.action is Action.ADOPT:
            # The mark is in tags or a Description: the kind's own differences tell it what to write, not what was told.
            differences = diff(kind.desired(context), observed.fields)
            kind.update(self._api, context, observed, differences, self._token)
        elif observed is not None:
            kind.delete(self._api, context, observed)
            self._found.losses += losses_of(change.resource, observed)

    def _verify(self, kind: Kind) -> bool:
        """Whether the world is now as it should be; if not, say why in errors, conflicts or settling."""
        found, seen = self._found, self._found.seen[kind.name]
        if seen.error is not None:
            raise seen.error
        if seen.observed is not None and seen.observed.settling:
            found.settling.append(kind.name)
            return False
        decision = self._deciding.decide(kind, self._context_now())
        if isinstance(decision, Conflict):
            found.conflicts.append(decision)
            return False
        wrong = decision is not None and self._deciding.mends(decision)
        if wrong:
            found.settling.append(kind.name)
        return not wrong

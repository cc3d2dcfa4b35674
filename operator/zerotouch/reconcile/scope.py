"""One region of one account, or its account-wide resources: gather → plan → apply → report."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from zerotouch.api.account import State
from zerotouch.api.adoption import AdoptionPolicy
from zerotouch.api.conditions import Reason
from zerotouch.api.drift import Left
from zerotouch.api.spec import Mode
from zerotouch.aws.calls import RegionAPI
from zerotouch.aws.errors import AWSError, Retry
from zerotouch.desired.context import Context
from zerotouch.desired.routing import Routing
from zerotouch.plan.adoption import Adoption
from zerotouch.plan.change import Action, Change, Conflict, Difference, ResourceID
from zerotouch.plan.decide import decide
from zerotouch.plan.diff import diff
from zerotouch.plan.fighting import field_of, fought, show_fight
from zerotouch.plan.ownership import Ownership
from zerotouch.plan.policy import Judge, keep_found, waits_for_others
from zerotouch.plan.render import count, show_change, show_resource
from zerotouch.plan.routing import Fact
from zerotouch.plan.version import written_by_others
from zerotouch.reconcile.authorization import Authorizing, Remembered
from zerotouch.reconcile.report import Drift, Problem, ScopeReport
from zerotouch.resources.base import Kind, Observed, OptionalKind, RoutingKind, keeping
from zerotouch.resources.beside import Beside

_log = structlog.get_logger()
_SETTLE_ROUNDS: Final = 2
_HASH_DIGITS: Final = 16
_MENDS_ALL: Final = Judge()
_SECRETS: Final = "secretValues"
_OTHERS: Final = "what others have set up"


@dataclass(frozen=True)
class Seen:
    """What one look at a kind gave: a resource, nothing, or an error. `at`: when, in UTC."""

    observed: Observed | None = None
    error: AWSError | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


def ignore(_: Change) -> None:
    """Of a caller that need not know of each change."""


def nothing_beside(*_: object) -> Beside:
    """Where AWS is not asked."""
    return Beside()


def desired_hash(kinds: Sequence[Kind], context: Context) -> str:
    """Stands for all that is wanted in this scope; ARNs that AWS chooses do not count."""
    bare = context.with_refs({})
    wanted = {kind.name: kind.desired(bare) for kind in kinds}
    text = json.dumps(wanted, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]


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
        self._before, self._judge = before, judge
        self._dry_run, self._applied, self._look_beside = dry_run, applied, look_beside
        self._authorizing = Authorizing(context, before, now)
        self._kinds, self._api, self._token = kinds, api, token
        self._adoption = Adoption(context.spec.adoption_policy, context.owner)
        self._observing = context.spec.mode is Mode.OBSERVE
        self._want(context)
        self._seen: dict[str, Seen] = {}
        self._errors: dict[str, AWSError] = {}
        self._settling: list[str] = []
        self._lacking: set[str] = set()
        self._conflicts: list[Conflict] = []
        self._changes: list[Change] = []
        self._planned: list[Change] = []
        self._drifts: list[Drift] = []
        self._held_back: dict[str, Problem] = {}
        self._losses: list[str] = []
        self._left_missing: set[str] = set()
        self._waits: str | None = None
        self._beside: Beside | None = None

    def look(self) -> None:
        """Observe everything. Raises Interrupted only."""
        for kind in self._kinds:
            self._look(kind)
        if self._context.is_global:
            self._beside = Beside()
            return
        try:
            self._beside = self._look_beside(self._api, self._context.with_refs(self._refs(Ownership.OURS)))
        except AWSError as error:
            self._errors[_OTHERS] = error

    @property
    def context(self) -> Context:
        """The scope as it is acted on."""
        return self._context

    @property
    def was_right(self) -> bool:
        """Whether the last pass left everything as it is wanted."""
        return self._was_right

    @property
    def facts(self) -> frozenset[Fact]:
        """What the last look at each kind says of the way that events take, if it is ours or will be."""
        ours = {Ownership.OURS}
        if self._context.spec.adoption_policy is not AdoptionPolicy.NEVER:
            ours.add(Ownership.ADOPTABLE)
        seen = (s.observed for s in self._seen.values() if s.observed is not None and s.observed.ownership in ours)
        return frozenset(fact for observed in seen for fact in observed.facts)

    @property
    def blind(self) -> bool:
        """Whether something on which that way depends could not be looked at, or AWS is at work on it."""
        seen = [self._seen[kind.name] for kind in self._kinds if isinstance(kind, RoutingKind)]
        return any(s.error is not None or (s.observed is not None and s.observed.settling) for s in seen)

    def act(self, routing: Routing, waits: str | None = None) -> ScopeReport:
        """Change what differs, in order. Raises Interrupted only. `waits`: why the routing is not the declared one yet."""
        self._want(replace(self._context, given_routing=routing))
        self._waits = waits
        leaving = [kind for kind in self._kinds if kind.desired(self._context.with_refs({})) is None]
        for kind in self._kinds:
            if kind not in leaving:
                self._handle(kind)
        # What others referred to goes after they let go of it.
        for kind in reversed(leaving):
            self._handle(kind)
        return self._report()

    def _want(self, context: Context) -> None:
        self._context = context
        self._hash = desired_hash(self._kinds, context)
        self._was_right = self._before.hash == self._hash

    def _look(self, kind: Kind) -> None:
        if isinstance(kind, OptionalKind) and self._was_right and kind.desired(self._context) is None:
            self._seen[kind.name] = Seen()
            return
        try:
            observed = kind.observe(self._api, self._context_now())
        except AWSError as error:
            self._seen[kind.name] = Seen(error=error)
        else:
            self._seen[kind.name] = Seen(observed)

    def _context_now(self) -> Context:
        return self._context.with_refs(self._refs(*Ownership))

    def _refs(self, *ownerships: Ownership) -> dict[str, str]:
        observed = {name: seen.observed for name, seen in self._seen.items()}
        return {name: o.ref for name, o in observed.items() if o is not None and o.ownership in ownerships}

    def _handle(self, kind: Kind) -> None:
        seen = self._seen[kind.name]
        if seen.error is not None:
            self._errors[kind.name] = seen.error
            return
        if seen.observed is not None and seen.observed.settling:
            self._settling.append(kind.name)
            return
        context = self._context_now()
        decision = self._with_tampering(kind, self._decide(kind, context))
        if isinstance(decision, Conflict):
            self._conflicts.append(decision)
        elif decision is not None and self._observing:
            self._planned.append(self._without_token(kind, context, decision))
            self._leave(decision, [(d, Left.OBSERVED) for d in decision.differences])
        elif decision is not None and (change := self._judged(kind, decision)):
            self._make(kind, context, change)

    @staticmethod
    def _without_token(kind: Kind, context: Context, change: Change) -> Change:
        """As it is planned: which token a new connection carries is decided when it is made."""
        if change.action is not Action.CREATE:
            return change
        spec = context.spec.model_copy(update={"token_fingerprint": None})
        return replace(change, content=kind.desired(replace(context, spec=spec)))

    def _make(self, kind: Kind, context: Context, change: Change) -> None:
        if not self._can_apply(kind, change):
            if change.action is Action.CREATE:
                self._lacking.add(kind.name)
            return
        observed = self._seen[kind.name].observed
        problem = self._authorizing.problem(observed.authorization if observed else None)
        if problem is not None:
            self._hold_back(kind, change, problem)
        elif self._dry_run:
            self._planned.append(change)
            at = self._seen[kind.name].at
            self._drifts += [Drift(change.resource, d, False, at, left=Left.OBSERVED) for d in change.differences]
        else:
            self._apply(kind, context, change)

    def _hold_back(self, kind: Kind, change: Change, problem: Problem) -> None:
        self._held_back[kind.name] = problem
        if self._was_right:
            self._drifts += [Drift(change.resource, d, False, self._seen[kind.name].at) for d in change.differences]

    def _decide(self, kind: Kind, context: Context) -> Change | Conflict | None:
        observed = self._seen[kind.name].observed
        return decide(
            self._resource(kind),
            kind.desired(context),
            observed.fields if observed else None,
            observed.ownership if observed else None,
            observed.owner if observed else None,
            self._adoption,
        )

    def _with_tampering(self, kind: Kind, decision: Change | Conflict | None) -> Change | Conflict | None:
        """And a write by others to what AWS does not show, such as a secret value, unless it is written anew anyway."""
        if isinstance(decision, Change) and self._judge.split(decision, self._was_right)[0]:
            return decision
        observed = self._seen[kind.name].observed
        if observed is None or observed.ownership is not Ownership.OURS:
            return decision
        if not written_by_others(self._before.version, observed.version) or self._unrecorded(observed):
            return decision
        difference = Difference(_SECRETS, "as last written by us", f"modified since ({observed.version})")
        if decision is None:
            return Change(self._resource(kind), Action.UPDATE, (difference,))
        if isinstance(decision, Change) and decision.action is Action.UPDATE:
            return replace(decision, differences=(*decision.differences, difference))
        return decision

    def _judged(self, kind: Kind, change: Change) -> Change | None:
        """What of it is to be made; the rest is told."""
        making, left = self._judge.split(change, self._was_right)
        if change.action is Action.ADOPT and left:
            # It is written as a whole, or not at all.
            left, making = left + [(d, left[0][1]) for d in making], ()
        if self._left_missing.intersection(kind.needs):
            # It cannot be made without what it refers to, which is only told to be missing.
            left += [(d, Left.REPORTED) for d in making if not waits_for_others(d)]
            making = ()
        self._leave(change, left)
        return replace(change, differences=making) if making else None

    def _leave(self, change: Change, left: Iterable[tuple[Difference, Left]]) -> None:
        at = self._seen[change.resource.kind].at
        for difference, why in left:
            self._drifts.append(Drift(change.resource, difference, False, at, left=why))
            if change.action is Action.CREATE:
                self._left_missing.add(change.resource.kind)

    def _unrecorded(self, observed: Observed) -> bool:
        """Whether the write was our own: it gave the connection its token, and then we were killed."""
        found = observed.authorization
        return found is not None and self._before.token not in {None, found.token}

    def _can_apply(self, kind: Kind, change: Change) -> bool:
        """Whether all that it refers to is in place, or nothing refers any more to what is to be deleted.

        The error, conflict or change that stands in the way is told already.
        """
        blocked = {*self._errors, *self._settling, *self._lacking, *(c.resource.kind for c in self._conflicts)}
        if change.action is Action.DELETE:
            return not any(kind.name in other.needs for other in self._kinds if other.name in blocked)
        return not blocked.intersection(kind.needs)

    def _apply(self, kind: Kind, context: Context, change: Change) -> None:
        mended, found_at = False, self._seen[kind.name].at
        try:
            self._write(kind, context, change)
            self._applied(change)
            self._look(kind)
            mended = self._verify(kind)
        except AWSError as error:
            self._errors[kind.name] = error
        if self._was_right:
            mended_at = self._seen[kind.name].at if mended else None
            written = kind.name not in self._errors
            self._drifts += [
                Drift(change.resource, d, mended, found_at, mended_at, written=written) for d in change.differences
            ]
        if mended:
            self._changes.append(change)

    def _write(self, kind: Kind, context: Context, change: Change) -> None:
        observed = self._seen[kind.name].observed
        _log.info("applying", account=context.account_id, change=show_change(change))
        if change.action is Action.CREATE:
            kind.create(self._api, context, self._token)
        elif observed is not None and change.action is Action.UPDATE:
            kind = self._sparing(kind, context, observed)
            kind.update(self._api, context, observed, change.differences, self._token)
            if observed.authorization is not None:
                self._authorizing.healed()
        elif observed is not None and change.action is Action.ADOPT:
            # The mark is in tags or a Description: the kind's own differences tell it what to write, not what was told.
            differences = diff(kind.desired(context), observed.fields)
            kind.update(self._api, context, observed, differences, self._token)
        elif observed is not None:
            kind.delete(self._api, context, observed)
            self._losses += losses_of(change.resource, observed)

    def _sparing(self, kind: Kind, context: Context, observed: Observed) -> Kind:
        """The kind, wanting what was found where that is only told."""
        paths = [d.difference.path for d in self._drifts if d.resource.kind == kind.name and d.left is not None]
        wanted: Any = kind.desired(context)
        for path in paths:
            wanted = keep_found(wanted, observed.fields, path)
        return keeping(kind, wanted) if paths else kind

    def _verify(self, kind: Kind) -> bool:
        """Whether the world is now as it should be; if not, say why in errors, conflicts or settling."""
        seen = self._seen[kind.name]
        if seen.error is not None:
            raise seen.error
        if seen.observed is not None and seen.observed.settling:
            self._settling.append(kind.name)
            return False
        decision = self._decide(kind, self._context_now())
        if isinstance(decision, Conflict):
            self._conflicts.append(decision)
            return False
        wrong = decision is not None and bool(self._judge.split(decision, self._was_right)[0])
        if wrong:
            self._settling.append(kind.name)
        return not wrong

    def _resource(self, kind: Kind) -> ResourceID:
        return ResourceID(kind.name, self._context.scope, kind.resource_name(self._context))

    def _report(self) -> ScopeReport:
        asked = [k for k in self._kinds if k.desired(self._context.with_refs({})) is not None]
        wrong = {*self._errors, *self._settling, *self._held_back, *(c.resource.kind for c in self._conflicts)}
        wrong |= {d.resource.kind for d in self._drifts if not d.mended and d.left is not Left.REPORTED}
        # What needs something that is wrong cannot be right either.
        for kind in asked:
            if (wrong | self._left_missing).intersection(kind.needs) and not self._exists_ours(kind):
                wrong.add(kind.name)
        foreign = self._beside.misusing if self._beside else ()
        problem = self._problem(foreign)
        right = problem is None and not wrong
        observed = [seen.observed for seen in self._seen.values() if seen.observed is not None]
        return ScopeReport(
            name=self._context.scope,
            state=State.READY if right else State.NOT_READY,
            ready=sum(k.name not in wrong for k in asked),
            total=len(asked),
            hash=self._hash if right or self._was_right else None,
            problem=problem,
            changes=tuple(self._changes),
            planned=tuple(self._planned),
            drifts=tuple(self._drifts),
            conflicts=tuple(self._conflicts),
            foreign_destinations=foreign,
            delivered_twice_by=self._beside.delivering if self._beside else None,
            rivals=self._rivals(observed),
            version=self._version_now(),
            losses=tuple(self._losses),
            seen={name: seen.observed for name, seen in self._seen.items() if seen.observed is not None},
            token=self._authorizing.token(observed, bool(self._errors)),
            healing=self._authorizing.healing(observed, bool(self._errors)),
        )

    def _rivals(self, observed: Iterable[Observed]) -> tuple[str, ...] | None:
        if any(seen.error is not None for seen in self._seen.values()):
            return None
        return tuple(rival for one in observed for rival in one.rivals)

    def _fights(self) -> list[str]:
        fields = {field_of(d.resource, d.difference) for d in self._drifts if d.left is Left.FIGHTING}
        found = (fought(self._judge.held, field) for field in sorted(fields))
        return list(dict.fromkeys(show_fight(repair) for repair in found if repair))

    def _version_now(self) -> str | None:
        """Of what is as we left it; in mode Observe, or while something is wrong with it, what was remembered."""
        for kind in self._kinds:
            observed = self._seen[kind.name].observed
            if observed is not None and observed.version is not None and observed.ownership is Ownership.OURS:
                left = any(d.left is not None and d.difference.path == _SECRETS for d in self._drifts)
                wrong = kind.name in {*self._errors, *self._settling, *self._held_back}
                return self._before.version if left or self._observing or self._dry_run or wrong else observed.version
        return None

    def _exists_ours(self, kind: Kind) -> bool:
        observed = self._seen[kind.name].observed
        return observed is not None and observed.ownership in {Ownership.OURS, Ownership.EXTERNAL}

    def _problem(self, foreign: tuple[str, ...]) -> Problem | None:
        if foreign:
            return Problem(Reason.FOREIGN_API_DESTINATION, _misuse(foreign), Retry.PERSON)
        if self._errors:
            return problem_of(list(self._errors.values()))
        if self._conflicts:
            return Problem(Reason.CONFLICT, "; ".join(c.message for c in self._conflicts), Retry.PERSON)
        if self._held_back:
            return next(iter(self._held_back.values()))
        if self._settling:
            names = ", ".join(sorted(set(self._settling)))
            return Problem(Reason.NOT_YET_CONSISTENT, f"AWS is still at work on: {names}", Retry.SOON)
        if fights := self._fights():
            return Problem(Reason.FIGHTING, "; ".join(fights), Retry.PERSON)
        if self._observing and self._drifts:
            differ = f"{count(len(self._drifts), 'field')} {'differs' if len(self._drifts) == 1 else 'differ'}"
            text = f"{differ} from what is declared; mode Observe changes nothing"
            return Problem(Reason.DRIFTED, text, Retry.PERSON)
        if self._waits:
            return Problem(Reason.REROUTING, self._waits, Retry.SOON)
        return None


def losses_of(resource: ResourceID, deleted: Observed) -> list[str]:
    """What goes for good with a resource that is deleted."""
    return [f"{deleted.loses} with {show_resource(resource)}"] if deleted.loses else []


def problem_of(errors: list[AWSError]) -> Problem:
    """The first error that needs a person, else the first; and how many more there are."""
    first = next((e for e in errors if e.retry is not Retry.SOON), errors[0])
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Problem(first.reason, f"{first}{more}", first.retry)


def _misuse(foreign: tuple[str, ...]) -> str:
    return (
        f"an API destination that is not ours uses our connection and would send the Qualys token elsewhere: "
        f"{', '.join(foreign)}; delete it, then rotate the token"
    )

"""The entrance for controller and command line: one account's pass, and its removal."""

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from zerotouch.api.account import QualysZeroTouchAccountSpec, State
from zerotouch.api.spec import DeletionPolicy, Mode
from zerotouch.api.token import Healing
from zerotouch.aws.access import Access, RoleToAssume, session_name
from zerotouch.aws.calls import AccountAPI, CallLog, Interrupted, Pass, RegionAPI
from zerotouch.aws.errors import AWSError
from zerotouch.aws.settings import AWSSettings
from zerotouch.desired.context import Context
from zerotouch.desired.values import GLOBAL
from zerotouch.plan.change import Change, ResourceID
from zerotouch.plan.policy import Judge
from zerotouch.plan.routing import Plan, World
from zerotouch.plan.signal import Signal
from zerotouch.reconcile.authorization import Remembered, utc_now
from zerotouch.reconcile.history import look_up
from zerotouch.reconcile.regions import Selected, no_longer_selected, select
from zerotouch.reconcile.removal import ScopeRemoval
from zerotouch.reconcile.report import AccountReport, Problem, ScopeReport
from zerotouch.reconcile.routing import STILL_IN_USE, FactMemory, facts_of, main_region_problem, route, world_of
from zerotouch.reconcile.scope import ScopePass, ignore
from zerotouch.reconcile.survey import run_surveys
from zerotouch.resources.base import Kind
from zerotouch.resources.beside import look_beside
from zerotouch.resources.registry import ACCOUNT_KINDS, REGION_KINDS

_T = TypeVar("_T")


def always_true() -> bool:
    """The fence of a caller that needs no leadership."""
    return True


def nothing(_: Sequence[str]) -> None:
    """Of a caller that keeps no record."""


@dataclass(frozen=True)
class AccountInput:
    """One account's declared state and what is known of it.

    `owner`: ownership mark, `OWNER_ID/NAMESPACE/NAME` of the parent. `previous`, `versions`: scope → hash, and the
    connection's version, as in the last status; `field_hashes`: scope → kind → those of its fields; `carried`, `healings`:
    the fingerprint of the token that the connection carried, and how it was healed. `token`: the bearer token, only needed
    to create or update connections; never shown.
    `trial_token`: the one of the region that `spec.token_trial` names. `due_surveys`: names of the surveys to run in each
    region after its pass. `judge`: says which drifts are mended. `dry_run`: nothing is written, whatever the mode; the
    report tells what would be.
    """

    spec: QualysZeroTouchAccountSpec
    owner: str
    previous: Mapping[str, str | None] = field(default_factory=dict)
    versions: Mapping[str, str | None] = field(default_factory=dict)
    field_hashes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    carried: Mapping[str, str | None] = field(default_factory=dict)
    healings: Mapping[str, Healing | None] = field(default_factory=dict)
    token: str | None = field(default=None, repr=False)
    trial_token: str | None = field(default=None, repr=False)
    due_surveys: frozenset[str] = frozenset()
    judge: Judge = field(default_factory=Judge)
    dry_run: bool = False

    def after(self, report: AccountReport) -> "AccountInput":
        """What is known when that pass has ended; a token that was carried stays known where nothing is said of it."""
        scopes = [scope for scope in report.scopes if not scope.gone]
        return replace(
            self,
            previous={**self.previous, **{s.name: s.hash for s in scopes}},
            field_hashes={**self.field_hashes, **{s.name: s.field_hashes for s in scopes}},
            versions={**self.versions, **{s.name: s.version for s in scopes}},
            carried={**self.carried, **{s.name: s.token for s in scopes}},
            healings={**self.healings, **{s.name: s.healing for s in scopes}},
        )

    def remembered(self, scope: str) -> Remembered:
        """What the last pass left of the scope."""
        return Remembered(
            self.previous.get(scope),
            self.versions.get(scope),
            self.carried.get(scope),
            self.healings.get(scope),
            self.field_hashes.get(scope, {}),
        )


class Reconciler:
    """Thread-safe; one for the whole process. Blocks while AWS is called."""

    def __init__(self, settings: AWSSettings | None = None, clock: Callable[[], datetime] = utc_now) -> None:
        """`clock` tells UTC, to the second; it decides when a de-authorized connection is tried again."""
        self._settings, self._clock = settings or AWSSettings(), clock
        self.calls = CallLog()
        self._access = Access(self._settings, self.calls)
        self._pool = ThreadPoolExecutor(self._settings.region_workers, thread_name_prefix="region")
        self._memory = FactMemory(self._settings.settle)
        self._known_regions: dict[RoleToAssume, tuple[float, dict[str, str]]] = {}

    def close(self) -> None:
        """End the worker threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def reconcile(
        self,
        account: AccountInput,
        stop: threading.Event,
        fence: Callable[[], bool] = always_true,
        entering: Callable[[Sequence[str]], None] = nothing,
        applied: Callable[[Change], None] = ignore,
    ) -> AccountReport:
        """Make the account right, or, in mode Observe, see what differs. Failures of AWS are in the report, not raised.

        `entering` is told, before the first write, `global` and the regions that will be written to; `applied` of each
        change when it is written, in the thread that writes it.
        """
        spec, entered = account.spec, self._go_in(account, Pass(stop, fence))
        if isinstance(entered, AccountReport):
            return entered
        api, selected = entered
        context = context_of(account, selected.usable)
        if problem := main_region_problem(context, selected):
            return AccountReport(spec.account_id, problem=problem)
        if spec.mode is Mode.ENFORCE and not account.dry_run:
            entering((GLOBAL, *selected.usable))
        dropped = no_longer_selected(account.previous, selected)
        silent = selected.unusable.keys() & account.previous.keys()
        scopes, interrupted = self._pass(account, api, context, dropped, silent, applied)
        scopes += [_unusable(region, problem, account) for region, problem in selected.unusable.items()]
        return AccountReport(spec.account_id, tuple(scopes), interrupted=interrupted)

    def _pass(
        self,
        account: AccountInput,
        api: AccountAPI,
        context: Context,
        dropped: Sequence[str],
        silent: Collection[str],
        applied: Callable[[Change], None],
    ) -> tuple[list[ScopeReport], bool]:
        """Look at all scopes, then act: the account-wide roles first, because the regions' rules refer to them."""
        context = replace(context, given_routing=context.routing)
        removing = account.spec.deletion_policy is DeletionPolicy.DELETE and account.spec.mode is Mode.ENFORCE
        passes = {s: self._scope_pass(account, api, context.at(s), applied) for s in (GLOBAL, *context.regions)}
        _, interrupted = self._run([one.look for one in passes.values()])
        if interrupted:
            return [], True
        key = _memory_key(account)
        world = world_of(passes, lambda facts: self._memory.fresh(key, facts))
        plan = route(context, world, dropped if removing else (), silent, account.dry_run)
        scopes, interrupted = self._run([lambda: passes[GLOBAL].act(plan.routing)])
        if not interrupted:
            there = [self._act(account, api, passes[region], plan) for region in context.regions]
            gone = [self._removal_job(account, api, context.at(r), [], applied) for r in dropped if r not in plan.kept]
            more, interrupted = self._run([*there, *(gone if removing else [])])
            scopes += more
        if plan.waits or plan.kept:
            self._memory.remember(key, world.facts, facts_of(passes))
        else:
            self._memory.forget(key)
        scopes += [_kept(region) for region in sorted(plan.kept)]
        scopes += [ScopeReport(region, State.REMOVING, gone=True) for region in ([] if removing else dropped)]
        return scopes, interrupted

    def reconcile_scopes(
        self,
        account: AccountInput,
        scopes: Collection[str],
        stop: threading.Event,
        fence: Callable[[], bool] = always_true,
    ) -> AccountReport:
        """The same for `global` or some regions alone, in which an earlier pass has been; the report holds no others."""
        spec, entered = account.spec, self._go_in(account, Pass(stop, fence))
        if isinstance(entered, AccountReport):
            return entered
        api, selected = entered
        context = context_of(account, selected.usable)
        passes = {
            scope: self._scope_pass(account, api, context.at(scope), ignore)
            for scope in (GLOBAL, *context.regions)
            if scope in scopes
        }
        _, interrupted = self._run([one.look for one in passes.values()])
        if interrupted:
            return AccountReport(spec.account_id, interrupted=True)
        # What the roles, or rules, allow for regions that are not looked at stays, unless all was as declared there before.
        world = World(facts_of(passes), blind=frozenset((GLOBAL, *context.regions)) - passes.keys())
        silent = selected.unusable.keys() & account.previous.keys()
        careful, declared = route(context, world, (), silent, account.dry_run), Plan(context.routing)
        jobs = [
            (lambda one=one: one.act(careful.routing))
            if scope == GLOBAL
            else self._act(account, api, one, declared if one.was_right else careful)
            for scope, one in passes.items()
        ]
        found, interrupted = self._run(jobs)
        return AccountReport(spec.account_id, tuple(found), interrupted=interrupted)

    def look_up(
        self, account: AccountInput, resources: Collection[ResourceID], since: datetime, stop: threading.Event
    ) -> list[Signal]:
        """What CloudTrail's event history tells of changes to these resources. Raises AWSError or Interrupted."""
        api = self._enter(account, Pass(stop, always_true))
        return look_up(api, context_of(account, ()), resources, since)

    def home(self, account_id: str, region: str, bounds: Pass) -> RegionAPI:
        """The operator's own account, under its own identity. Raises AWSError."""
        return self._access.home(account_id, region, bounds).region(region)

    def remove(
        self,
        account: AccountInput,
        stop: threading.Event,
        fence: Callable[[], bool] = always_true,
        applied: Callable[[Change], None] = ignore,
    ) -> AccountReport:
        """Delete everything of ours in every region that we were in, then the account-wide resources."""
        spec = account.spec
        known = tuple(sorted({*account.previous, *spec.regions.names} - {GLOBAL}))
        entered = self._go_in(account, Pass(stop, fence))
        if isinstance(entered, AccountReport):
            left = _everything(context_of(account, known), known) if entered.problem else ()
            return replace(entered, left=tuple(left))
        api, selected = entered
        self._memory.forget(_memory_key(account))
        regions = tuple(sorted({*selected.usable, *(r for r in account.previous if r != GLOBAL)}))
        context = context_of(account, regions)
        left_over: list[ResourceID] = []
        there = (replace(context, scope=region) for region in regions)
        scopes, interrupted = self._run([self._removal_job(account, api, c, left_over, applied) for c in there])
        if not interrupted:
            # The roles last: a rule that still exists in some region uses one of them.
            more, interrupted = self._run([self._removal_job(account, api, context, left_over, applied)])
            scopes += more
        return AccountReport(spec.account_id, tuple(scopes), interrupted=interrupted, left=tuple(left_over))

    def region(self, account: AccountInput, region: str, bounds: Pass) -> tuple[RegionAPI, Context]:
        """One region of an account, outside of any pass. Raises AWSError, Interrupted."""
        context = context_of(account, (region,))
        return self._enter(account, bounds).region(region), replace(context, scope=region)

    def _scope_pass(
        self, account: AccountInput, api: AccountAPI, context: Context, applied: Callable[[Change], None]
    ) -> ScopePass:
        there, token = _with_token(account, context)
        before = account.remembered(context.scope)
        how = (self._clock(), account.judge, account.dry_run, applied, look_beside)
        return ScopePass(kinds_of(there), api.region(there.scope), there, token, before, *how)

    def _act(self, account: AccountInput, api: AccountAPI, one: ScopePass, plan: Plan) -> Callable[[], ScopeReport]:

        def act() -> ScopeReport:
            region = one.context.scope
            report = one.act(plan.routing, plan.waits.get(region))
            found = run_surveys(account.due_surveys, api.region(region), one.context, report.seen, self._clock())
            return replace(report, surveys=found)

        return act

    @staticmethod
    def _removal_job(
        account: AccountInput,
        api: AccountAPI,
        context: Context,
        left: list[ResourceID],
        applied: Callable[[Change], None],
    ) -> Callable[[], ScopeReport]:
        def remove() -> ScopeReport:
            there = api.region(context.scope)
            removal = ScopeRemoval(kinds_of(context), there, context, account.dry_run, applied)
            report = removal.run()
            left.extend(removal.left)
            return report

        return remove

    def _run(self, jobs: Iterable[Callable[[], _T]]) -> tuple[list[_T], bool]:
        """Run the jobs side by side; answers their reports and whether any was interrupted."""
        reports: list[_T] = []
        interrupted = False
        for future in [self._pool.submit(job) for job in jobs]:
            try:
                reports.append(future.result())
            except Interrupted:
                interrupted = True
        return reports, interrupted

    def _go_in(self, account: AccountInput, bounds: Pass) -> tuple[AccountAPI, Selected] | AccountReport:
        """The account and its regions; where that cannot be, the report that tells why."""
        try:
            api = self._enter(account, bounds)
            return api, self._select(account, api)
        except AWSError as error:
            problem = Problem(error.reason, str(error), error.retry)
            return AccountReport(account.spec.account_id, problem=problem)
        except Interrupted:
            return AccountReport(account.spec.account_id, interrupted=True)

    def _enter(self, account: AccountInput, bounds: Pass) -> AccountAPI:
        return self._access.enter(_role(account), bounds)

    def _select(self, account: AccountInput, api: AccountAPI) -> Selected:
        role = _role(account)
        at, known = self._known_regions.get(role, (0.0, {}))
        if not known or time.monotonic() - at > self._settings.regions_ttl:
            home = api.region(role.sts_region)
            answer = home.call("ec2", "describe_regions", AllRegions=True)
            known = {r["RegionName"]: r.get("OptInStatus", "opt-in-not-required") for r in answer["Regions"]}
            self._known_regions[role] = (time.monotonic(), known)
        return select(account.spec.regions, known)


def _unusable(region: str, problem: Problem, account: AccountInput) -> ScopeReport:
    """A region that was never entered has no resources, so that nothing need be cleaned there later."""
    before, total = account.remembered(region), len(REGION_KINDS) if region in account.previous else 0
    return ScopeReport(
        region, State.NOT_READY, total=total, problem=problem, token=before.token, healing=before.healing
    )


def _with_token(account: AccountInput, context: Context) -> tuple[Context, str | None]:
    """The region on trial carries the token that is tried; all others the account's."""
    trial = account.spec.token_trial
    if trial is None or trial.region != context.scope:
        return context, account.token
    spec = account.spec.model_copy(update={"token_fingerprint": trial.fingerprint})
    return replace(context, spec=spec), account.trial_token


def context_of(account: AccountInput, regions: tuple[str, ...] = ()) -> Context:
    """Of the account-wide scope."""
    partition = account.spec.access.role_arn.split(":")[1]
    return Context(account.spec, account.owner, partition, GLOBAL, regions)


def _memory_key(account: AccountInput) -> str:
    return f"{account.owner}/{account.spec.account_id}"


def _kept(region: str) -> ScopeReport:
    return ScopeReport(region, State.REMOVING, total=len(REGION_KINDS), problem=STILL_IN_USE)


def kinds_of(context: Context) -> tuple[Kind, ...]:
    """The kinds of the scope."""
    return ACCOUNT_KINDS if context.is_global else REGION_KINDS


def _role(account: AccountInput) -> RoleToAssume:
    access = account.spec.access
    return RoleToAssume(
        account.spec.account_id,
        access.role_arn,
        access.external_id,
        access.sts_region,
        session_name(account.owner),
    )


def _everything(context: Context, regions: tuple[str, ...]) -> Iterable[ResourceID]:
    """What may still be there when the account cannot be entered to look."""
    for scope in (*regions, GLOBAL):
        there = replace(context, scope=scope)
        for kind in kinds_of(there):
            if kind.desired(there) is not None:
                yield ResourceID(kind.name, scope, kind.resource_name(there))

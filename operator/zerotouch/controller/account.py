"""One account object: its pass."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import structlog

from zerotouch.api.account import QualysZeroTouchAccountStatus
from zerotouch.api.conditions import Reason
from zerotouch.api.spec import Mode
from zerotouch.aws.errors import Retry
from zerotouch.controller.account_events import count_mended, tell, tell_authors
from zerotouch.controller.account_status import account_status, is_rerouting, pending_scopes, retry_of
from zerotouch.controller.account_writer import say, write_status
from zerotouch.controller.approval import Passed, enforced, observe, tell_approval, with_plan
from zerotouch.controller.attribution import explained, unexplained, with_recent
from zerotouch.controller.conditions import conditions, now, others
from zerotouch.controller.drift import judge, with_drift
from zerotouch.controller.kube import KubeError
from zerotouch.controller.objects import Account, InvalidObject, Key, spec_hash
from zerotouch.controller.outcome import DONE, Outcome, after, retry
from zerotouch.controller.partial import can_complete, completed, kept
from zerotouch.controller.queue import Priority
from zerotouch.controller.removal import RemovalHandler
from zerotouch.controller.shared import Shared
from zerotouch.controller.surveys import due_surveys, with_surveys
from zerotouch.controller.told import first_found
from zerotouch.plan.signal import Signal
from zerotouch.reconcile.reconciler import AccountInput
from zerotouch.reconcile.report import AccountReport
from zerotouch.reconcile.signals import attributed

_log = structlog.get_logger()
_REMEMBER_TIMEOUT: Final = 60.0
Signalled = Mapping[str, Sequence[Signal]]
"""Scope → signals that ask for a look there."""
NO_SIGNALS: Final[Signalled] = MappingProxyType({})


class AccountHandler:
    """Handles keys of account objects. Raises KubeError."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._removal = RemovalHandler(shared)

    async def handle(self, key: Key) -> Outcome:
        """Look at the account, make it right, say so."""
        async with self._shared.lock(key):
            return await self._handle(key)

    async def current(self, key: Key) -> Account | None:
        """The account object, where it is set up and may be looked at on the spot."""
        body = await self._shared.kube.find(key.path)
        try:
            account = Account.of(body) if body is not None else None
        except InvalidObject:
            return None
        if account is None or account.meta.deleting or not account.meta.protected or account.spec.suspend:
            return None
        declared = self._shared.expected.get(key) == spec_hash(account.spec) and account.spec.removal is None
        return account if declared else None

    async def look(self, account: Account, signals: Signalled) -> Outcome:
        """A pass over the scopes that signals name; over all where the status does not tell enough of the others."""
        return await self._guarded_pass(account, signals)

    async def _handle(self, key: Key) -> Outcome:
        body = await self._shared.kube.find(key.path)
        if body is None:
            return DONE
        try:
            account = Account.of(body)
        except InvalidObject as error:
            _log.error("an account object cannot be read", object=str(key), error=str(error))
            return DONE
        if account.meta.deleting:
            return await self._removal.handle(account)
        if account.spec.removal is not None:
            return DONE
        if self._shared.expected.get(key) != spec_hash(account.spec):
            return await self._disowned(account)
        if account.spec.suspend:
            text = "suspended: nothing is looked at or changed until spec.suspend is false"
            await say(self._shared, account, "suspended", Reason.SUSPENDED, text)
            return DONE
        if not account.meta.protected:
            account = Account.of(await self._shared.writer.protect(key, account.meta))
        return await self._guarded_pass(account)

    async def _disowned(self, account: Account) -> Outcome:
        """Not, or not yet, what its parent wants: the parent's pass puts that right, unless there is no parent."""
        if self._shared.index.parent(account.parent_key) is None and self._shared.index.complete:
            text = f"there is no QualysZeroTouch {account.spec.parent.name}: AWS is left as it is"
            await say(self._shared, account, "stalled", Reason.PARENT_NOT_FOUND, text)
            return DONE
        self._shared.parents.add(account.parent_key, Priority.URGENT)
        return DONE

    async def _guarded_pass(self, account: Account, signals: Signalled = NO_SIGNALS) -> Outcome:
        stats, started = self._shared.stats, time.monotonic()
        # A plan is one of all regions.
        partial = bool(signals) and can_complete(account) and account.spec.mode is Mode.ENFORCE
        try:
            passed = await self._scopes_pass(account, signals) if partial else await self._pass(account)
        except KubeError:
            raise
        except Exception as error:  # noqa: BLE001 - told in the status, without a traceback
            _log.exception("a pass failed", object=str(account.key))
            stats.passed(account.spec.account_id, "error", started)
            text = f"internal error ({type(error).__name__}): see the operator's log, and report it"
            await say(self._shared, account, "working", Reason.INTERNAL_ERROR, text)
            return retry()
        report, live = passed.report, passed.live
        result = "interrupted" if report.interrupted else "ready" if report.ready else "not_ready"
        stats.passed(account.spec.account_id, result, started)
        if report.interrupted:
            return retry()
        at, seen = now(), attributed(report, signals, first_found(live.status))
        self._shared.signals.wrote(account.key, [scope.name for scope in report.scopes if scope.changes])
        report = completed(seen, live.status) if partial else seen
        status = account_status(report, live.status, live.meta.generation, account.meta.requested_at, at)
        if partial and report.problem is None:
            status = kept(status, live.status, frozenset(scope.name for scope in seen.scopes))
        status = with_drift(status, live.status, report, at)
        status = with_plan(status, live.status, passed, account.spec.mode, at)
        status = with_surveys(status, live.status, account.spec, report, at)
        status = with_recent(status, live.status, seen, at)
        status, told = explained(status, [signal for found in signals.values() for signal in found])
        try:
            await write_status(self._shared, live, status)
        except KubeError:
            count_mended(self._shared, account, report)
            raise
        await tell(self._shared, account, report, status)
        await tell_approval(self._shared.events, account, status, account.status.approval)
        await self._attribute(account, seen, status, told)
        if is_rerouting(report):
            return Outcome(self._shared.settings.settle)
        return retry() if passed.waits or retry_of(report) is Retry.SOON else after(account.spec.interval)

    async def _attribute(
        self, account: Account, report: AccountReport, status: QualysZeroTouchAccountStatus, told: list[str]
    ) -> None:
        """Tell the authors that became known of earlier drifts, and have those looked for that did not."""
        counts = self._shared.stats.detection.attributions
        counts["event"] += len(told) + sum(d.author is not None for s in report.scopes for d in s.drifts)
        await tell_authors(self._shared, account, told)
        wanted = account.spec.detection is not None and account.spec.detection.attribution
        if wanted and any(scope.drifts for scope in report.scopes) and unexplained(status, now()):
            self._shared.signals.search(account.key)

    async def _scopes_pass(self, account: Account, signals: Signalled) -> Passed:
        shared = self._shared
        given = account.input(shared.settings.owner_id, *self._tokens(account), frozenset())
        given = replace(given, judge=judge(account.spec, account.status, now()))
        report = await shared.loop.run_in_executor(
            shared.threads, lambda: shared.reconciler.reconcile_scopes(given, list(signals), shared.stop, shared.fence)
        )
        return enforced(report, account, account)

    async def _pass(self, account: Account) -> Passed:
        shared = self._shared
        due = due_surveys(account.spec, account.status, account.meta.requested_at, now())
        given = account.input(shared.settings.owner_id, *self._tokens(account), due)
        given = replace(given, judge=judge(account.spec, account.status, now()))
        if account.spec.mode is Mode.OBSERVE:
            return await observe(shared, account, given, self._run)
        return enforced(*await self._run(account, given), account)

    async def _run(self, account: Account, given: AccountInput) -> tuple[AccountReport, Account]:
        """The report, and the object as it is after the regions were remembered."""
        shared, live = self._shared, account

        def entering(scopes: Sequence[str]) -> None:
            """Called in the pass's thread before its first write: where we have been must outlive a crash."""
            nonlocal live
            if not set(scopes) <= set(given.previous):
                write = self._remember(account, scopes)
                live = asyncio.run_coroutine_threadsafe(write, shared.loop).result(_REMEMBER_TIMEOUT)

        report = await shared.loop.run_in_executor(
            shared.threads, lambda: shared.reconciler.reconcile(given, shared.stop, shared.fence, entering)
        )
        return report, live

    def _tokens(self, account: Account) -> tuple[str | None, str | None]:
        """The account's token, and the one on trial in one of its regions."""
        trial = account.spec.token_trial
        fingerprints = (account.spec.token_fingerprint, trial.fingerprint if trial else None)
        held = [self._shared.tokens.held(account.parent_key, fingerprint) for fingerprint in fingerprints]
        first, second = (token.reveal() if token else None for token in held)
        return first, second

    async def _remember(self, account: Account, scopes: Sequence[str]) -> Account:
        regions = pending_scopes(account.status, scopes, now())
        said = conditions(
            "working",
            Reason.PROGRESSING,
            f"at work on {len(regions)} regions",
            account.status.conditions,
            account.meta.generation,
            now(),
        )
        said += others(account.status.conditions)
        status = account.status.model_copy(update={"regions": regions, "conditions": said})
        return await write_status(self._shared, account, status)

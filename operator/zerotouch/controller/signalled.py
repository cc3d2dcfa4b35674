"""What signals ask for: a pass over just the scopes that they name, and later tries to find the author of a drift."""

from datetime import timedelta
from typing import Final

import structlog

from zerotouch.api.types import parse_duration
from zerotouch.aws.calls import Interrupted
from zerotouch.aws.errors import AWSError
from zerotouch.controller.account import AccountHandler
from zerotouch.controller.account_events import tell_authors
from zerotouch.controller.account_writer import write_status
from zerotouch.controller.attribution import explained, unexplained
from zerotouch.controller.conditions import now
from zerotouch.controller.kube import KubeError
from zerotouch.controller.objects import Account, Key
from zerotouch.controller.outcome import DONE, Outcome
from zerotouch.controller.queue import Priority
from zerotouch.controller.shared import Shared
from zerotouch.controller.signals import Scopes, age
from zerotouch.plan.signal import Signal, Sort
from zerotouch.reconcile.reconciler import context_of
from zerotouch.reconcile.signals import Judgement, judge

_log = structlog.get_logger()
# A drift that is not mended yet is looked at again with the whole account.
_AGAIN_SECONDS: Final = 1.0
_BEFORE: Final = timedelta(minutes=5)


class SignalHandler:
    """Handles keys of account objects for which signals wait, or of which an author is sought. Raises KubeError."""

    def __init__(self, shared: Shared, accounts: AccountHandler) -> None:
        self._shared, self._accounts = shared, accounts

    async def handle(self, key: Key) -> Outcome:
        """Never asks for itself again: what is left to do is left to the account's own look."""
        try:
            await self._handle(key)
        except KubeError:
            self._shared.accounts.add(key, Priority.NORMAL, _AGAIN_SECONDS)
            raise
        return DONE

    async def search(self, key: Key) -> Outcome:
        """Ask CloudTrail's history for the authors of drifts. The account may be looked at meanwhile: this may take minutes."""
        account = await self._accounts.current(key)
        signals = None if account is None else await self._asked(account)
        if signals is not None:
            async with self._shared.lock(key):
                account = await self._accounts.current(key)
                if account is not None:
                    await self._explain(account, signals)
        return DONE

    async def _handle(self, key: Key) -> None:
        async with self._shared.lock(key):
            signals = self._shared.signals
            waiting, again = signals.take(key), signals.take_again(key)
            account = await self._accounts.current(key)
            if account is None or account.spec.detection is None:
                self._unjudged(key, len(waiting))
                return
            scopes = self._judged(account, waiting)
            if late := _late(scopes):
                signals.look_again(key, late)
            for scope, found in again.items():
                scopes.setdefault(scope, []).extend(found)
            if scopes:
                outcome = await self._accounts.look(account, scopes)
                if outcome.failed:
                    self._shared.accounts.add(key, Priority.NORMAL, _AGAIN_SECONDS)
                elif outcome.delay is not None:
                    self._shared.accounts.add(key, Priority.ROUTINE, outcome.delay)

    def _unjudged(self, key: Key, number: int) -> None:
        """Signals of an account that is not looked at on the spot; a leader that has just begun does not know it yet."""
        record = self._shared.index.account(key)
        early = record is not None and self._shared.expected.get(key) is None and not record.trigger.deleting
        if early:
            self._shared.signals.came_early(key)
        self._count(Judgement.OURS if early else Judgement.FOREIGN, number)

    def _judged(self, account: Account, waiting: list[Signal]) -> dict[str, list[Signal]]:
        """Scope → the signals that call for a look there."""
        context = context_of(account.input(self._shared.settings.owner_id, None))
        entered = [region.name for region in account.status.regions if region.total > 0]
        scopes: dict[str, list[Signal]] = {}
        for signal in waiting:
            answer, scope = judge(signal, context, entered, lambda s: self._shared.signals.written_at(account.key, s))
            self._count(answer)
            if answer is Judgement.OURS:
                self._shared.stats.detection.age_seconds.observe(age(signal))
                scopes.setdefault(scope, []).append(signal)
        return scopes

    def _count(self, answer: Judgement, number: int = 1) -> None:
        self._shared.stats.detection.events[answer.value] += number

    async def _asked(self, account: Account) -> list[Signal] | None:
        """What the history tells; None where there is nothing to ask, or it could not be asked."""
        shared = self._shared
        wanted = unexplained(account.status, now())
        if not wanted or account.spec.detection is None or not account.spec.detection.attribution:
            return None
        resources = {resource for resource, _ in wanted}
        since = min(found for _, found in wanted) - parse_duration(account.spec.interval) - _BEFORE
        given = account.input(shared.settings.owner_id, None)
        try:
            return await shared.loop.run_in_executor(
                shared.threads, lambda: shared.reconciler.look_up(given, resources, since, shared.stop)
            )
        except Interrupted:
            return None
        except AWSError as error:
            shared.stats.detection.attributions["error"] += 1
            _log.warning("cannot ask for the author of a drift", object=str(account.key), error=str(error))
            await shared.events.warning(account.key, account.meta.uid, "AttributionFailed", str(error))
            shared.signals.search_again(account.key)
            return None

    async def _explain(self, account: Account, signals: list[Signal]) -> None:
        """The history may be late, so that a later try may find what this one does not."""
        shared = self._shared
        status, told = explained(account.status, signals)
        shared.stats.detection.attributions["history"] += len(told)
        if told:
            await write_status(shared, account, status)
            await tell_authors(shared, account, told)
        if unexplained(status, now()) and not shared.signals.search_again(account.key):
            shared.stats.detection.attributions["unknown"] += 1


def _late(scopes: Scopes) -> Scopes:
    """What may show only later: SQS tells an attribute as it was for up to a minute (API reference, SetQueueAttributes)."""
    named = {scope: [s for s in found if any(n.sort is Sort.QUEUE for n in s.named)] for scope, found in scopes.items()}
    return {scope: found for scope, found in named.items() if found}

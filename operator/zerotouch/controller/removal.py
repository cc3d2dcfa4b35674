"""An account object that is being deleted: what becomes of AWS, and when the finalizer goes."""

import time
from typing import Final

import structlog

from zerotouch.api.conditions import Reason
from zerotouch.aws.errors import Retry
from zerotouch.controller.account_events import tell_losses
from zerotouch.controller.account_status import removal_status, retry_of
from zerotouch.controller.account_writer import say, write_status
from zerotouch.controller.conditions import now, transition
from zerotouch.controller.deletion import Decision, decide_deletion
from zerotouch.controller.objects import Account, Parent
from zerotouch.controller.outcome import DONE, Outcome, after, retry
from zerotouch.controller.queue import Priority
from zerotouch.controller.shared import Shared
from zerotouch.plan.render import show_resource, some
from zerotouch.reconcile.report import AccountReport

_log = structlog.get_logger()
_WAIT_SECONDS: Final = 5.0
_MOST_NAMED: Final = 20


class RemovalHandler:
    """Handles account objects that are being deleted. Raises KubeError."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    async def handle(self, account: Account) -> Outcome:
        """Decide, do it, and drop the finalizer when nothing is left to do."""
        if not account.meta.protected:
            return DONE
        parent = await self._parent(account)
        decision = decide_deletion(account.spec, parent)
        if decision is Decision.RECREATE:
            decision = decide_deletion(account.spec, parent, await self._namespace_ends(account))
        _log.info("removing an account", object=str(account.key), decision=decision.value)
        if account.meta.abandoned or (parent is not None and parent.meta.abandoned):
            return await self._abandon(account, decision)
        match decision:
            case Decision.CLEAN:
                return await self._clean(account)
            case Decision.SUSPENDED:
                text = "suspended: cleaning AWS waits until spec.suspend is false"
                await say(self._shared, account, "suspended", Reason.SUSPENDED, text)
                return DONE
            case Decision.WAIT:
                self._shared.parents.add(account.parent_key, Priority.URGENT)
                return Outcome(_WAIT_SECONDS)
        await self._leave(account, decision)
        return DONE

    async def _parent(self, account: Account) -> Parent | None:
        body = await self._shared.kube.find(account.parent_key.path)
        return None if body is None else Parent.of(body)

    async def _namespace_ends(self, account: Account) -> bool:
        body = await self._shared.kube.find(f"/api/v1/namespaces/{account.key.namespace}")
        return body is None or "deletionTimestamp" in body["metadata"]

    async def _leave(self, account: Account, decision: Decision) -> None:
        """AWS stays as it is."""
        key, uid, events = account.key, account.meta.uid, self._shared.events
        where = f"account {account.spec.account_id}"
        if decision is Decision.RECREATE:
            text = f"deleted although {account.spec.parent.name} declares {where}: it is made again, AWS is untouched"
            await events.warning(key, uid, "Recreated", text)
        elif decision is Decision.ORPHANED:
            text = f"{account.spec.parent.name} is gone without a decision about {where}: its AWS resources are left"
            await events.warning(key, uid, Reason.RETAINED, text)
        else:
            text = f"deletionPolicy Retain: the AWS resources of {where} are left, working"
            await events.normal(key, uid, Reason.RETAINED, text)
        await self._release(account)

    async def _clean(self, account: Account) -> Outcome:
        report = await self._remove(account)
        if report.interrupted:
            return retry()
        await tell_losses(self._shared, account, report)
        if report.clean:
            text = f"everything of ours in account {account.spec.account_id} was deleted"
            await self._shared.events.normal(account.key, account.meta.uid, "CleanedUp", text)
            await self._release(account)
            return DONE
        status = removal_status(report, account.status, account.meta.generation, now())
        await write_status(self._shared, account, status)
        told = transition(account.status.conditions, status.conditions)
        if told is not None and told.reason == Reason.CLEANUP_BLOCKED:
            await self._shared.events.warning(account.key, account.meta.uid, told.reason, told.message)
        return retry() if retry_of(report) in {None, Retry.SOON} else after(account.spec.interval)

    async def _abandon(self, account: Account, decision: Decision) -> Outcome:
        """One last try where cleaning is due; then tell what is left, and let go."""
        report = await self._remove(account) if decision is Decision.CLEAN else None
        if report is not None and report.interrupted:
            return retry()
        left = [show_resource(resource) for resource in report.left] if report else _regions(account)
        what = some(left, _MOST_NAMED) or "nothing"
        text = f"given up on account {account.spec.account_id} by annotation; left in AWS: {what}"
        await self._shared.events.warning(account.key, account.meta.uid, Reason.ABANDONED, text)
        await self._release(account)
        return DONE

    async def _remove(self, account: Account) -> AccountReport:
        shared, started = self._shared, time.monotonic()
        given = account.input(shared.settings.owner_id, None)
        report = await shared.loop.run_in_executor(
            shared.threads, lambda: shared.reconciler.remove(given, shared.stop, shared.fence)
        )
        result = "interrupted" if report.interrupted else "removed" if report.clean else "not_ready"
        shared.stats.passed(account.spec.account_id, result, started)
        return report

    async def _release(self, account: Account) -> None:
        await self._shared.writer.release(account.key, account.meta)
        self._shared.stats.last_pass.pop(account.spec.account_id, None)


def _regions(account: Account) -> list[str]:
    return [f"whatever is in {region.name}" for region in account.status.regions]

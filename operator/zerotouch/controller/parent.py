"""One `QualysZeroTouch`: its token, its account objects, its status."""

import asyncio
from collections.abc import Awaitable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from zerotouch.api.account import ParentRef, QualysZeroTouchAccountSpec, Removal
from zerotouch.api.conditions import Condition, Reason
from zerotouch.api.meta import (
    ACCOUNT_KIND,
    ACCOUNT_LABEL,
    ACCOUNT_PLURAL,
    API_VERSION,
    FINALIZER,
    PARENT_LABEL,
    SLOT_LABEL,
)
from zerotouch.api.types import parse_duration
from zerotouch.api.zerotouch import AccountEntry, QualysZeroTouchStatus
from zerotouch.controller.approval import tell_approval
from zerotouch.controller.conditions import Verdict, conditions, now, transition
from zerotouch.controller.detecting import detecting
from zerotouch.controller.index import AccountRecord
from zerotouch.controller.kube import KubeError
from zerotouch.controller.objects import Account, InvalidObject, Key, Parent, account_key, collection, dump, spec_hash
from zerotouch.controller.outcome import DONE, Outcome, after, retry
from zerotouch.controller.parent_approval import hand_over, plan_of, with_approval
from zerotouch.controller.parent_status import ParentProblem, parent_status
from zerotouch.controller.queue import Priority
from zerotouch.controller.rollout import Assignment, Wanted, assign_tokens, carried_by_all, refused_by
from zerotouch.controller.shared import Shared
from zerotouch.controller.token_secret import owner_reference
from zerotouch.controller.token_status import TokenView, token_view
from zerotouch.controller.tokens import TokenResult, Told
from zerotouch.desired.account import account_name, resolve_account, slot_of
from zerotouch.qualys.platforms import GatewayNotAllowed, resolve_gateway

_log = structlog.get_logger()
_WRITES_AT_ONCE: Final = 8
_INDEX_LAG_SECONDS: Final = 2.0
_TRIAL_LAG_SECONDS: Final = 1.0
_DELETION_SECONDS: Final = 10.0


class ParentHandler:
    """Handles keys of `QualysZeroTouch` objects. Raises KubeError."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    async def handle(self, key: Key) -> Outcome:
        """Resolve the token, make the account objects what the spec asks for, tell how they fare."""
        body = await self._shared.kube.find(key.path)
        if body is None:
            self._forget(key)
            return DONE
        try:
            parent = Parent.of(body)
        except InvalidObject as error:
            await self._shared.events.warning(key, body["metadata"]["uid"], Reason.INVALID_SPEC, str(error))
            return DONE
        if parent.meta.deleting:
            return await self._delete(parent)
        if parent.spec.suspend:
            return await self._suspend(parent)
        if not parent.meta.protected:
            parent = Parent.of(await self._shared.writer.protect(key, parent.meta))
        return await self._reconcile(parent)

    def _forget(self, key: Key) -> None:
        """It is gone: nobody speaks for its account objects any more."""
        self._shared.index.remove(key)
        self._shared.tokens.forget(key)
        for record in self._shared.index.children(key):
            self._shared.expected.pop(record.key, None)
            self._shared.accounts.ensure(record.key)

    async def _reconcile(self, parent: Parent) -> Outcome:
        qualys = parent.spec.qualys
        result, wait = TokenResult(), None
        try:
            gateway = resolve_gateway(qualys.platform, qualys.gateway_url, self._shared.settings.allowed_gateways)
        except GatewayNotAllowed as error:
            problem: ParentProblem | None = ParentProblem(Reason.GATEWAY_NOT_ALLOWED, str(error))
            result = TokenResult(problem=problem)
        else:
            result = await self._shared.tokens.resolve(parent, gateway, self._told(parent))
            problem = result.problem
            wait = await self._children(parent, gateway, result)
        await self._remove_undeclared(parent)
        await self._tell(parent, problem, result)
        if problem is None or problem.person:
            return _sooner(after(parent.spec.interval), wait)
        return retry(problem.wait)

    async def _children(self, parent: Parent, gateway: str, result: TokenResult) -> timedelta | None:
        """Create and change account objects, and have those looked at that need it.

        Answers how long a token is still on trial.
        """
        shared, writes = self._shared, []
        asked = parent.meta.requested_at != parent.status.last_handled_reconcile_at
        assignment = self._assign(parent, result)
        for key, spec in self._wanted(parent, gateway, assignment).items():
            record, digest = shared.index.account(key), spec_hash(spec)
            first = shared.expected.get(key) is None
            shared.expected[key] = digest
            if record is None:
                writes.append(self._create(parent, key, spec))
            elif record.trigger.deleting:
                shared.accounts.ensure(key)
            elif record.hash != digest or record.removing:
                writes.append(self._change(key, spec))
            elif first or asked:
                self._enqueue(record, parent, asked)
        await _at_once(writes)
        if assignment.look is not None:
            shared.accounts.add(assignment.look, Priority.URGENT)
        return assignment.wait

    async def _remove_undeclared(self, parent: Parent) -> None:
        declared = _entries(parent)
        undeclared = [r for r in self._shared.index.children(parent.key) if r.key not in declared]
        for record in undeclared:
            self._shared.expected.pop(record.key, None)
        await _at_once([self._remove(record, parent) for record in undeclared])

    def _assign(self, parent: Parent, result: TokenResult) -> Assignment:
        records = self._records(parent)
        trial = timedelta(0) if result.observing else parse_duration(parent.spec.qualys.token.trial)
        refused = frozenset(carrier.token for _, carrier in refused_by(records.values()))
        wanted = Wanted(result.target, result.fallback, refused, trial)
        return assign_tokens(_entries(parent), records, wanted, datetime.now(UTC))

    def _wanted(self, parent: Parent, gateway: str, assignment: Assignment) -> dict[Key, QualysZeroTouchAccountSpec]:
        ref = ParentRef(name=parent.key.name, uid=parent.meta.uid)
        bus = self._shared.settings.events_bus_arn
        wanted: dict[Key, QualysZeroTouchAccountSpec] = {}
        for key, entry in _entries(parent).items():
            assigned = assignment.tokens[key]
            spec = resolve_account(ref, parent.spec, entry, gateway, assigned.token, bus)
            wanted[key] = spec.model_copy(update={"token_trial": assigned.trial})
        return wanted

    def _records(self, parent: Parent) -> dict[Key, AccountRecord]:
        children = self._shared.index.children(parent.key)
        return {record.key: record for record in children if not record.trigger.deleting}

    def _told(self, parent: Parent) -> Told:
        entries, records = _entries(parent), self._records(parent)
        refused = frozenset(carrier.token for _, carrier in refused_by(records.values()))
        approved = any(record.to_be_applied for record in records.values())
        return Told(lambda fingerprint: carried_by_all(entries, records, fingerprint), refused, approved)

    def _enqueue(self, record: AccountRecord, parent: Parent, asked: bool) -> None:
        """After a start, what is not right goes first and the rest is spread over the interval."""
        if asked:
            self._shared.accounts.add(record.key, Priority.URGENT)
        elif record.ready and not self._shared.signals.take_early(record.key):
            delay = after(parent.spec.interval).delay or 0.0
            self._shared.accounts.add(record.key, Priority.ROUTINE, delay * spread(record.key))
        else:
            self._shared.accounts.add(record.key)

    async def _create(self, parent: Parent, key: Key, spec: QualysZeroTouchAccountSpec) -> None:
        body = _account_object(parent, key, spec)
        try:
            await self._shared.kube.create(collection(ACCOUNT_PLURAL, key.namespace), body)
        except KubeError as error:
            if not error.conflict:
                raise
            # The index lags behind: it exists.
            self._shared.parents.add(parent.key, delay=_INDEX_LAG_SECONDS)

    async def _change(self, key: Key, spec: QualysZeroTouchAccountSpec) -> None:
        body = await self._shared.kube.find(key.path)
        if body is not None:
            await self._shared.writer.spec(Account.of(body), dump(spec))

    async def _remove(self, record: AccountRecord, parent: Parent) -> None:
        """The tombstone first: it alone lets AWS be cleaned."""
        if record.trigger.deleting and record.removing:
            enqueue = self._shared.accounts.add if parent.meta.abandoned else self._shared.accounts.ensure
            enqueue(record.key)
            return
        body = await self._shared.kube.find(record.key.path)
        if body is None:
            return
        account = Account.of(body)
        if account.spec.removal is None:
            tombstone = Removal(policy=parent.spec.deletion_policy, parent_uid=parent.meta.uid, requested_at=now())
            await self._shared.writer.spec(account, dump(account.spec.model_copy(update={"removal": tombstone})))
        if not account.meta.deleting:
            await self._shared.kube.delete(record.key.path, account.meta.uid)

    async def _suspend(self, parent: Parent) -> Outcome:
        """Account objects learn of it; nothing else is touched."""
        children = self._shared.index.children(parent.key)
        for record in children:
            if record.suspended:
                self._shared.expected[record.key] = record.hash
            else:
                self._shared.expected.pop(record.key, None)
        await _at_once([self._suspend_account(r.key) for r in children if not r.suspended])
        text = "suspended: nothing is looked at or changed until spec.suspend is false"
        await self._say(parent, "suspended", Reason.SUSPENDED, text)
        return DONE

    async def _suspend_account(self, key: Key) -> None:
        body = await self._shared.kube.find(key.path)
        if body is not None:
            account = Account.of(body)
            suspended = account.spec.model_copy(update={"suspend": True})
            self._shared.expected[key] = spec_hash(suspended)
            await self._shared.writer.spec(account, dump(suspended))
            self._shared.accounts.add(key)

    async def _delete(self, parent: Parent) -> Outcome:
        if not parent.meta.protected:
            return DONE
        children = self._shared.index.children(parent.key)
        if parent.spec.suspend:
            for record in children:
                self._shared.accounts.ensure(record.key)
            text = "suspended: the deletion waits until spec.suspend is false"
            await self._say(parent, "suspended", Reason.SUSPENDED, text)
            return DONE
        await _at_once([self._remove(record, parent) for record in children])
        # The index lags behind: what it does not hold is looked for.
        left = len(children) or await self._live_children(parent)
        if not left:
            await self._shared.writer.release(parent.key, parent.meta)
            self._forget(parent.key)
            return DONE
        await self._say(parent, *_deleting(children, left, parent))
        return Outcome(_DELETION_SECONDS)

    async def _live_children(self, parent: Parent) -> int:
        path, selector = collection(ACCOUNT_PLURAL, parent.key.namespace), f"{PARENT_LABEL}={parent.key.name}"
        return len([body async for body in self._shared.kube.list(path, metadata_only=True, selector=selector)])

    async def _tell(self, parent: Parent, problem: ParentProblem | None, result: TokenResult) -> None:
        token, previous = self._token_view(parent, result), parent.status
        records = list(self._records(parent).values())
        parent, approval = await hand_over(self._shared, parent, records)
        status = parent_status(
            len(parent.spec.accounts),
            self._shared.index.children(parent.key),
            problem,
            token.status,
            [*token.conditions, *self._detecting(parent)],
            parent.status,
            parent.meta.generation,
            parent.meta.requested_at,
            now(),
        )
        status = with_approval(status, previous, plan_of(parent, records)[0], approval, parent.spec.mode, now())
        await self._write(parent, status)
        await tell_approval(self._shared.events, parent, status, previous.approval)
        await self._tell_token(parent, status)

    def _detecting(self, parent: Parent) -> list[Condition]:
        shared = self._shared
        return detecting(
            parent.spec.detection,
            shared.settings.events_bus_arn,
            shared.detection_problem,
            shared.detection_known,
            parent.status.conditions,
            parent.meta.generation,
            now(),
        )

    def _token_view(self, parent: Parent, result: TokenResult) -> TokenView:
        records = list(self._records(parent).values())
        trial = parse_duration(parent.spec.qualys.token.trial)
        return token_view(result, records, trial, parent.status, parent.meta.generation, now())

    async def _tell_token(self, parent: Parent, status: QualysZeroTouchStatus) -> None:
        before, after, events = parent.status.token, status.token, self._shared.events
        if before is None or after is None:
            return
        if after.next is not None and after.next != before.next:
            text = f"token {after.next} is being rolled out, in growing waves; {after.fingerprint} serves until then"
            await events.normal(parent.key, parent.meta.uid, "TokenRotationStarted", text)
        if after.fingerprint != before.fingerprint:
            how = "took" if parent.spec.qualys.auth.credentials_secret_ref else "takes, in growing waves,"
            text = f"token {after.fingerprint} {how} the place of {before.fingerprint}"
            await events.normal(parent.key, parent.meta.uid, "TokenRotated", text)

    async def _warn_of_token(self, parent: Parent, status: QualysZeroTouchStatus) -> None:
        # A token that cannot be had is the reason why the object is not Ready: that is told once.
        ready = [c.reason for c in status.conditions if c.type == "Ready" and c.status == "False"]
        for kind in ("TokenCurrent", "TokenRolledOut"):
            told = transition(parent.status.conditions, status.conditions, kind)
            if told is not None and told.status == "False" and told.reason not in {Reason.PROGRESSING, *ready}:
                await self._shared.events.warning(parent.key, parent.meta.uid, told.reason, told.message)

    async def _say(self, parent: Parent, verdict: Verdict, reason: Reason, message: str) -> None:
        said = conditions(verdict, reason, message, parent.status.conditions, parent.meta.generation, now())
        update = {"conditions": said, "observed_generation": parent.meta.generation}
        await self._write(parent, parent.status.model_copy(update=update))

    async def _write(self, parent: Parent, status: QualysZeroTouchStatus) -> None:
        await self._shared.writer.status(parent, status)
        await self._warn_of_token(parent, status)
        ready = transition(parent.status.conditions, status.conditions)
        if ready is None or ready.reason == Reason.PROGRESSING:
            return
        quiet = ready.status == "True" or ready.reason in {Reason.DELETING, Reason.SUSPENDED}
        write = self._shared.events.normal if quiet else self._shared.events.warning
        await write(parent.key, parent.meta.uid, ready.reason, ready.message)


def _entries(parent: Parent) -> dict[Key, AccountEntry]:
    """Account object → the entry that declares it."""
    key, entries = parent.key, parent.spec.accounts
    return {account_key(key.namespace, account_name(key.name, entry.id)): entry for entry in entries}


def _sooner(outcome: Outcome, wait: timedelta | None) -> Outcome:
    if wait is None or outcome.delay is None:
        return outcome
    return Outcome(min(outcome.delay, wait.total_seconds() + _TRIAL_LAG_SECONDS))


def spread(key: Key) -> float:
    """A number in [0, 1) that is always the same for the same object."""
    return int(slot_of(key.name)) / 64


def _account_object(parent: Parent, key: Key, spec: QualysZeroTouchAccountSpec) -> dict[str, Any]:
    """No label is copied from the parent: a GitOps tool would take the object for its own."""
    return {
        "apiVersion": API_VERSION,
        "kind": ACCOUNT_KIND,
        "metadata": {
            "name": key.name,
            "namespace": key.namespace,
            "labels": {
                PARENT_LABEL: parent.key.name,
                ACCOUNT_LABEL: spec.account_id,
                SLOT_LABEL: slot_of(spec.account_id),
                "app.kubernetes.io/managed-by": "zerotouch",
            },
            "finalizers": [FINALIZER],
            "ownerReferences": [owner_reference(parent)],
        },
        "spec": dump(spec),
    }


def _deleting(children: Iterable[AccountRecord], left: int, parent: Parent) -> tuple[Verdict, Reason, str]:
    blocked = [c for c in children if c.view.reason == Reason.CLEANUP_BLOCKED]
    text = f"deletionPolicy {parent.spec.deletion_policy.value}: {left} accounts left"
    if not blocked:
        return "working", Reason.DELETING, text
    first = blocked[0]
    return "stalled", Reason.CLEANUP_BLOCKED, f"{text}; {first.key.name}: {first.view.message}"


async def _at_once(writes: Iterable[Awaitable[None]]) -> None:
    """A few at a time. Raises the first KubeError when all have ended."""
    gate = asyncio.Semaphore(_WRITES_AT_ONCE)

    async def one(write: Awaitable[None]) -> None:
        async with gate:
            await write

    results = await asyncio.gather(*(one(write) for write in writes), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result

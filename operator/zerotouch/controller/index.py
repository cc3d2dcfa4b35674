"""What the watch has seen, in slim records: a thousand bodies would not fit into memory."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zerotouch.api.account import QualysZeroTouchAccountStatus
from zerotouch.api.conditions import Reason
from zerotouch.api.meta import ACCOUNT_PLURAL, ZEROTOUCH_PLURAL
from zerotouch.api.types import parse_duration
from zerotouch.controller.conditions import condition
from zerotouch.controller.objects import Account, InvalidObject, Key, Meta, Parent, key_of, spec_hash


@dataclass(frozen=True, slots=True)
class Trigger:
    """The part of an object whose change calls for a pass."""

    uid: str
    generation: int
    deleting: bool
    protected: bool
    requested_at: str | None
    abandoned: bool
    rotate_token: str | None = None

    @classmethod
    def of(cls, meta: Meta) -> "Trigger":
        return cls(
            meta.uid,
            meta.generation,
            meta.deleting,
            meta.protected,
            meta.requested_at,
            meta.abandoned,
            meta.rotate_token,
        )


@dataclass(frozen=True, slots=True)
class View:
    """An account's status as parents and metrics need it.

    `states`: region state → number of regions. `drift`: (region, kind) → number of fields.
    `problems`: reason → number of regions.
    """

    observed_generation: int | None = None
    ready: bool = False
    reason: str = Reason.PENDING
    message: str = ""
    drifted: int = 0
    states: tuple[tuple[str, int], ...] = ()
    drift: tuple[tuple[str, str, int], ...] = ()
    problems: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, status: QualysZeroTouchAccountStatus) -> "View":
        ready = condition(status.conditions, "Ready")
        if ready is None:
            return cls()
        drift = Counter((d.region, d.kind) for d in status.details)
        return cls(
            observed_generation=status.observed_generation,
            ready=ready.status == "True",
            reason=ready.reason,
            message="" if ready.status == "True" else ready.message[:512],
            drifted=status.drifted or 0,
            states=tuple(sorted(Counter(r.state.value for r in status.regions).items())),
            drift=tuple((region, kind, n) for (region, kind), n in sorted(drift.items())),
            problems=tuple(sorted(Counter(r.reason for r in status.regions if r.reason).items())),
        )


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """One account object. `interval`: seconds between two passes."""

    key: Key
    trigger: Trigger
    account_id: str
    parent: Key
    hash: str
    token_fingerprint: str | None
    removing: bool
    suspended: bool
    interval: float
    view: View

    @property
    def ready(self) -> bool:
        """Right, as far as the present spec goes."""
        current = self.view.observed_generation == self.trigger.generation
        return self.view.ready and current and not self.trigger.deleting


@dataclass(frozen=True, slots=True)
class ParentRecord:
    """One object that people wrote."""

    key: Key
    trigger: Trigger
    ready: bool
    token_expires_at: datetime | None


Record = AccountRecord | ParentRecord


def record_of(plural: str, body: Mapping[str, Any]) -> Record | Key:
    """The record of an object; only its key where the models refuse it."""
    try:
        return _parent_record(body) if plural == ZEROTOUCH_PLURAL else _account_record(body)
    except InvalidObject:
        return key_of(plural, body)


def _parent_record(body: Mapping[str, Any]) -> ParentRecord:
    parent = Parent.of(body)
    ready = condition(parent.status.conditions, "Ready")
    return ParentRecord(
        parent.key,
        Trigger.of(parent.meta),
        ready is not None and ready.status == "True",
        parent.status.token.expires_at if parent.status.token else None,
    )


def _account_record(body: Mapping[str, Any]) -> AccountRecord:
    account = Account.of(body)
    return AccountRecord(
        account.key,
        Trigger.of(account.meta),
        account.spec.account_id,
        account.parent_key,
        spec_hash(account.spec),
        account.spec.token_fingerprint,
        account.spec.removal is not None,
        account.spec.suspend,
        parse_duration(account.spec.interval).total_seconds(),
        View.of(account.status),
    )


class Index:
    """Records by key. For one event loop."""

    def __init__(self) -> None:
        self._parents: dict[Key, ParentRecord] = {}
        self._accounts: dict[Key, AccountRecord] = {}
        self._children: dict[Key, set[Key]] = {}
        self.complete = False

    def put(self, record: Record) -> Record | None:
        """Answers what was known before."""
        if isinstance(record, ParentRecord):
            before: Record | None = self._parents.get(record.key)
            self._parents[record.key] = record
            return before
        before = self.remove(record.key)
        self._accounts[record.key] = record
        self._children.setdefault(record.parent, set()).add(record.key)
        return before

    def remove(self, key: Key) -> Record | None:
        """Answers what was known."""
        if key.plural != ACCOUNT_PLURAL:
            return self._parents.pop(key, None)
        record = self._accounts.pop(key, None)
        if record is not None:
            children = self._children[record.parent]
            children.discard(key)
            if not children:
                del self._children[record.parent]
        return record

    def parent(self, key: Key) -> ParentRecord | None:
        return self._parents.get(key)

    def account(self, key: Key) -> AccountRecord | None:
        return self._accounts.get(key)

    def children(self, parent: Key) -> list[AccountRecord]:
        """The account objects that name this parent, by name."""
        return [self._accounts[key] for key in sorted(self._children.get(parent, ()))]

    def all_ready(self, parent: Key) -> bool:
        """Whether every account object of this parent is right and not on its way out."""
        return all(self._accounts[key].ready for key in self._children.get(parent, ()))

    def parents(self) -> Iterator[ParentRecord]:
        yield from list(self._parents.values())

    def accounts(self) -> Iterator[AccountRecord]:
        yield from list(self._accounts.values())

    def keys(self, plural: str) -> set[Key]:
        return set(self._parents if plural == ZEROTOUCH_PLURAL else self._accounts)

"""What the watch has seen, in slim records: a thousand bodies would not fit into memory."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from zerotouch.api.account import QualysZeroTouchAccountStatus, RegionState, State
from zerotouch.api.approval import Approval
from zerotouch.api.conditions import Reason
from zerotouch.api.delivery import RegionDelivery
from zerotouch.api.meta import ACCOUNT_PLURAL, ZEROTOUCH_PLURAL
from zerotouch.api.token import TokenTrial
from zerotouch.api.types import parse_duration
from zerotouch.controller.conditions import condition
from zerotouch.controller.coverage_view import CoverageView
from zerotouch.controller.delivery_view import DeliveryView
from zerotouch.controller.drift_view import MOST_DRIFT, MOST_FIGHTS, FieldCount, field_counts
from zerotouch.controller.exclusive import present
from zerotouch.controller.objects import Account, InvalidObject, Key, Meta, Parent, key_of, spec_hash
from zerotouch.controller.rollup import Told, told_of
from zerotouch.plan.approval import Answer, decide_approval
from zerotouch.plan.healing import is_refused
from zerotouch.plan.version import modified_at


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
    approve: str | None = None

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
            meta.approve,
        )


class Carrier(NamedTuple):
    """A region whose connection carries a token. `written_at`: when it was last written, as far as known.

    `succeeded_at`, `failed_at`: the last deliveries that the evidence tells of. `surveyed_at`: when it was last looked for.
    """

    region: str
    token: str
    ready: bool
    refuses: bool
    written_at: datetime | None = None
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    surveyed_at: datetime | None = None

    @property
    def failing(self) -> bool:
        """Whether a delivery failed with the token that it carries, and none succeeded since."""
        if self.failed_at is None or self.written_at is None or self.failed_at <= self.written_at:
            return False
        return self.succeeded_at is None or self.succeeded_at < self.failed_at


@dataclass(frozen=True, slots=True)
class View:
    """An account's status as parents and metrics need it.

    `states`: region state → number of regions. `drift` and, of that, `fights`: number of fields by region and kind.
    `problems`: reason → number of regions. `carriers`: the regions that hold a connection of ours. `told`: conditions
    that the parent has too. `delivered_twice`, `rivalled`: number of regions.
    """

    observed_generation: int | None = None
    ready: bool = False
    reason: str = Reason.PENDING
    message: str = ""
    drifted: int = 0
    states: tuple[tuple[str, int], ...] = ()
    drift: tuple[FieldCount, ...] = ()
    problems: tuple[tuple[str, int], ...] = ()
    carriers: tuple[Carrier, ...] = ()
    told: tuple[Told, ...] = ()
    coverage: CoverageView | None = None
    fights: tuple[FieldCount, ...] = ()
    drifted_since: datetime | None = None
    delivery: DeliveryView | None = None
    plan: str | None = None
    approval: Approval | None = None
    delivered_twice: int = 0
    rivalled: int = 0

    @classmethod
    def of(cls, status: QualysZeroTouchAccountStatus) -> "View":
        ready = condition(status.conditions, "Ready")
        if ready is None:
            return cls()
        return cls(
            observed_generation=status.observed_generation,
            ready=ready.status == "True",
            reason=ready.reason,
            message="" if ready.status == "True" else ready.message[:512],
            drifted=status.drifted or 0,
            states=tuple(sorted(Counter(r.state.value for r in status.regions).items())),
            drift=field_counts(((r.name, r.drifted_fields) for r in status.regions), MOST_DRIFT),
            problems=tuple(sorted(Counter(r.reason for r in status.regions if r.reason).items())),
            carriers=_carriers(status),
            told=told_of(status.conditions),
            coverage=CoverageView.of(status.coverage) if status.coverage else None,
            fights=field_counts(((r.name, r.fought_fields) for r in status.regions), MOST_FIGHTS),
            drifted_since=status.drifted_since,
            delivery=DeliveryView.of(status.delivery) if status.delivery else None,
            plan=status.plan,
            approval=status.approval,
            delivered_twice=sum(bool(r.delivered_twice_by) for r in present(status.regions)),
            rivalled=sum(bool(r.rival_associations) for r in present(status.regions)),
        )


def _carriers(status: QualysZeroTouchAccountStatus) -> tuple[Carrier, ...]:
    evidence = {region.name: region for region in status.delivery.regions} if status.delivery else {}
    at = status.delivery.surveyed_at if status.delivery else None
    carrying = (r for r in status.regions if r.token and r.state is not State.REMOVING)
    return tuple(_carrier(region, evidence.get(region.name), at) for region in carrying)


def _carrier(region: RegionState, evidence: RegionDelivery | None, surveyed_at: datetime | None) -> Carrier:
    return Carrier(
        region=sys.intern(region.name),
        token=sys.intern(region.token or ""),
        ready=region.state is State.READY,
        refuses=is_refused(region.healing),
        written_at=modified_at(region.connection_version),
        succeeded_at=evidence.last_success_at if evidence else None,
        failed_at=evidence.last_failure_at if evidence else None,
        surveyed_at=surveyed_at,
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
    trial: TokenTrial | None = None
    told_by_events: bool = False

    @property
    def ready(self) -> bool:
        """Right, as far as the present spec goes."""
        return self.view.ready and self.looked_at and not self.trigger.deleting

    @property
    def to_be_applied(self) -> bool:
        """Whether a person approved the plan, and it was not applied yet."""
        asked = decide_approval(self.trigger.approve, self.view.plan, self.view.approval)
        return asked is Answer.APPLY and not self.trigger.deleting

    @property
    def looked_at(self) -> bool:
        """Whether a pass has ended since its spec was last changed."""
        return self.view.observed_generation == self.trigger.generation


@dataclass(frozen=True, slots=True)
class ParentRecord:
    """One object that people wrote."""

    key: Key
    trigger: Trigger
    ready: bool
    token_expires_at: datetime | None
    token_behind: int = 0
    rollout_stuck: bool = False


Record = AccountRecord | ParentRecord


def record_of(plural: str, body: Mapping[str, Any]) -> Record | Key:
    """The record of an object; only its key where the models refuse it."""
    try:
        return _parent_record(body) if plural == ZEROTOUCH_PLURAL else _account_record(body)
    except InvalidObject:
        return key_of(plural, body)


def _parent_record(body: Mapping[str, Any]) -> ParentRecord:
    parent = Parent.of(body)
    ready, token = condition(parent.status.conditions, "Ready"), parent.status.token
    rolled_out = condition(parent.status.conditions, "TokenRolledOut")
    return ParentRecord(
        parent.key,
        Trigger.of(parent.meta),
        ready is not None and ready.status == "True",
        token.expires_at if token else None,
        (token.behind if token else None) or 0,
        rolled_out is not None and rolled_out.reason == Reason.TOKEN_ROLLOUT_STUCK,
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
        account.spec.token_trial,
        told_by_events=account.spec.detection is not None and account.spec.detection.bus_arn is not None,
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

"""What a pass over one scope is to do, and what it has found and done so far."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

from zerotouch.api.drift import Left
from zerotouch.api.spec import Mode
from zerotouch.aws.errors import AWSError
from zerotouch.desired.context import Context
from zerotouch.desired.routing import Routing
from zerotouch.plan.change import Action, Change, Conflict, Difference, ResourceID
from zerotouch.plan.declared import declared_before
from zerotouch.plan.ownership import Ownership
from zerotouch.plan.policy import Judge
from zerotouch.reconcile.authorization import Remembered
from zerotouch.reconcile.report import Drift, Problem
from zerotouch.resources.base import Fields, Kind, Observed
from zerotouch.resources.beside import Beside

_HASH_DIGITS: Final = 16


@dataclass(frozen=True)
class Task:
    """`before`: of the last report. `judge`: says what is mended and what only told. `dry_run`: nothing is written."""

    kinds: Sequence[Kind]
    context: Context
    before: Remembered
    judge: Judge
    dry_run: bool

    @cached_property
    def wanted(self) -> dict[str, Fields | None]:
        """Kind → how it should look; what AWS chooses is unknown in it."""
        bare = self.context.with_refs({})
        return {kind.name: kind.desired(bare) for kind in self.kinds}

    @cached_property
    def hash(self) -> str:
        """Stands for all that is wanted in this scope; ARNs that AWS chooses do not count."""
        text = json.dumps(self.wanted, sort_keys=True, default=repr)
        return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]

    @property
    def was_right(self) -> bool:
        """Whether the last pass left everything as it is wanted."""
        return self.before.hash == self.hash

    @property
    def observing(self) -> bool:
        """Whether differences are shown only."""
        return self.context.spec.mode is Mode.OBSERVE

    def asks_for(self, kind: Kind) -> bool:
        """Whether there is to be one."""
        return self.wanted[kind.name] is not None

    def is_drift(self, resource: ResourceID, difference: Difference) -> bool:
        """Whether it was declared so already when the resource was last made right.

        Where that is not known it was, if the whole scope is declared as before.
        """
        known = self.before.field_hashes.get(resource.kind)
        if self.was_right or known is None:
            return self.was_right
        return declared_before(known, self.wanted[resource.kind], difference)

    def routed(self, routing: Routing) -> "Task":
        """The same with events taking this way."""
        return replace(self, context=replace(self.context, given_routing=routing))


@dataclass(frozen=True)
class Seen:
    """What one look at a kind gave: a resource, nothing, or an error. `at`: when, in UTC."""

    observed: Observed | None = None
    error: AWSError | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Findings:
    """`settling`, `lacking`, `left_missing`, `failed`, `held_up`: names of kinds; the dictionaries are by such names.

    `failed`: a write was begun and came to nothing. `held_up`: a change waits for something else.
    """

    seen: dict[str, Seen] = field(default_factory=dict)
    beside: Beside | None = None
    errors: dict[str, AWSError] = field(default_factory=dict)
    settling: list[str] = field(default_factory=list)
    lacking: set[str] = field(default_factory=set)
    left_missing: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    held_up: set[str] = field(default_factory=set)
    held_back: dict[str, Problem] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    planned: list[Change] = field(default_factory=list)
    drifts: list[Drift] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)

    def observed(self, kind: Kind) -> Observed | None:
        """What was there at the last look."""
        return self.seen[kind.name].observed

    def present(self) -> dict[str, Observed]:
        """All that was there, by kind's name."""
        return {name: seen.observed for name, seen in self.seen.items() if seen.observed is not None}

    def refs(self, *ownerships: Ownership) -> dict[str, str]:
        """What others refer to it by, of all that is owned so."""
        return {name: o.ref for name, o in self.present().items() if o.ownership in ownerships}

    @property
    def in_conflict(self) -> set[str]:
        """Kinds whose name is taken."""
        return {conflict.resource.kind for conflict in self.conflicts}

    def leave(self, change: Change, left: Iterable[tuple[Difference, Left]]) -> None:
        """Tell these differences of the change, and why they are not mended."""
        at = self.seen[change.resource.kind].at
        for difference, why in left:
            self.drifts.append(Drift(change.resource, difference, False, at, left=why))
            if change.action is Action.CREATE:
                self.left_missing.add(change.resource.kind)

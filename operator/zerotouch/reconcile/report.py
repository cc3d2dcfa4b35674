"""What one pass over an account found and did; the controller turns it into status, events and metrics."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from zerotouch.api.account import State
from zerotouch.api.conditions import Reason
from zerotouch.api.drift import Left
from zerotouch.api.token import Healing
from zerotouch.aws.errors import Retry
from zerotouch.plan.author import Author, DetectedBy
from zerotouch.plan.change import Change, Conflict, Difference, ResourceID
from zerotouch.resources.base import Observed


@dataclass(frozen=True)
class Problem:
    """Why something is not right. `retry` says how soon another pass may help."""

    reason: Reason
    message: str
    retry: Retry


@dataclass(frozen=True)
class Drift:
    """A field that differs from the declared state although it had been made right before.

    Times are UTC. `found_at`: when this pass read it. `mended_at`: when it was read again and right. `occurred_at`: when it was
    changed in AWS, where an event or CloudTrail told that. `written`: whether it was written to. `left`: why it was not to be.
    """

    resource: ResourceID
    difference: Difference
    mended: bool
    found_at: datetime | None = None
    mended_at: datetime | None = None
    detected_by: DetectedBy = DetectedBy.POLL
    occurred_at: datetime | None = None
    author: Author | None = None
    written: bool = False
    left: Left | None = None


@dataclass(frozen=True)
class Surveyed:
    """One survey of one region: what it found, which only that survey's own reader understands, or why it failed."""

    found: Any = None
    problem: Problem | None = None


@dataclass(frozen=True)
class ScopeReport:
    """One region, or `global` for the account-wide resources.

    `hash` stands for the desired state that is in place, None while it is not; `field_hashes`: kind → those of its fields as it
    was last made right.
    `version` is that of the connection as we left it, None where that is not known; `token` the fingerprint of the token
    that it carries, `healing` what is to be remembered of its de-authorization.
    `gone` is true when a region that is no longer declared was observed to hold nothing of ours.
    `losses`: what went with a resource that was deleted, for people.
    `foreign_destinations`: those of others that use our connection. `delivered_twice_by`: rules of others that tell of the same
    events. `rivals`: inventory associations of others. The last two are None where that could not be looked at.
    `changes` were made; `planned` would be, were the pass allowed to write.
    `seen`: kind → what the pass left there, where it could be looked at. `surveys`: those that were due, by name.
    """

    name: str
    state: State
    ready: int = 0
    total: int = 0
    hash: str | None = None
    problem: Problem | None = None
    changes: tuple[Change, ...] = ()
    planned: tuple[Change, ...] = ()
    drifts: tuple[Drift, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    foreign_destinations: tuple[str, ...] = ()
    delivered_twice_by: tuple[str, ...] | None = None
    rivals: tuple[str, ...] | None = None
    gone: bool = False
    losses: tuple[str, ...] = ()
    version: str | None = None
    seen: Mapping[str, Observed] = field(default_factory=dict, repr=False)
    surveys: Mapping[str, Surveyed] = field(default_factory=dict)
    token: str | None = None
    healing: Healing | None = None
    field_hashes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AccountReport:
    """The whole pass. `problem` is set where the account could not be entered at all (`scopes` is empty then).

    `left` names what may still exist in AWS after a removal.
    """

    account_id: str
    scopes: tuple[ScopeReport, ...] = ()
    problem: Problem | None = None
    interrupted: bool = False
    left: tuple[ResourceID, ...] = field(default=())

    @property
    def ready(self) -> bool:
        return (
            self.problem is None and not self.interrupted and all(s.state is State.READY or s.gone for s in self.scopes)
        )

    def surveyed(self, survey: str) -> dict[str, Surveyed]:
        """Region → what that survey gave there; empty where it was not due, or the account could not be entered."""
        return {scope.name: scope.surveys[survey] for scope in self.scopes if survey in scope.surveys}

    @property
    def clean(self) -> bool:
        """Whether a removal left nothing of ours."""
        return self.problem is None and not self.interrupted and all(s.gone for s in self.scopes)

"""What a kind needs to know to say how its resource should look. Plain data, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from zerotouch.api.account import QualysZeroTouchAccountSpec
from zerotouch.api.meta import OWNER_TAG
from zerotouch.desired.routing import Route, Routing, declared_routing
from zerotouch.desired.values import GLOBAL, UNKNOWN

ROLE_PATH: Final = "/zerotouch/"


@dataclass(frozen=True)
class Context:
    """One target, or the account-wide scope.

    `scope` is a region or `global`; `regions` are all regions set up in the account.
    `refs` holds the ARN of each kind that exists already in this scope.
    `given_routing` stands in for the declared one while events are led from one route to another.
    """

    spec: QualysZeroTouchAccountSpec
    owner: str
    partition: str
    scope: str
    regions: tuple[str, ...]
    refs: Mapping[str, Any] = field(default_factory=dict)
    given_routing: Routing | None = None

    @property
    def account_id(self) -> str:
        return self.spec.account_id

    @property
    def prefix(self) -> str:
        return self.spec.name_prefix

    @property
    def is_global(self) -> bool:
        return self.scope == GLOBAL

    @property
    def tags(self) -> dict[str, str]:
        """The tags of every resource that can have tags, the ownership mark among them."""
        return {**self.spec.tags, OWNER_TAG: self.owner}

    @property
    def routing(self) -> Routing:
        """Which way the events of the account take."""
        return self.given_routing or declared_routing(self.regions, self.spec.delivery.main)

    @property
    def route(self) -> Route:
        """Which way the events of this region take."""
        return self.routing.routes[self.scope]

    def ref(self, kind: str) -> Any:
        """ARN of a resource in the same scope, UNKNOWN until it exists."""
        return self.refs.get(kind, UNKNOWN)

    def with_refs(self, refs: Mapping[str, Any]) -> "Context":
        return replace(self, refs=dict(refs))

    def at(self, scope: str) -> "Context":
        """The same account in a region."""
        return replace(self, scope=scope)

    def events_arn(self, region: str, resource: str) -> str:
        """ARN of an EventBridge resource in this account."""
        return f"arn:{self.partition}:events:{region}:{self.account_id}:{resource}"

    def iam_arn(self, sort: str, name: str, path: str = ROLE_PATH) -> str:
        """ARN of a role or policy in this account."""
        return f"arn:{self.partition}:iam::{self.account_id}:{sort}{path}{name}"

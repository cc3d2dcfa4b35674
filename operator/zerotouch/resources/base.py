"""What a kind is: everything about one sort of AWS resource behind one interface."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from zerotouch.aws.calls import RegionAPI
from zerotouch.desired.context import Context
from zerotouch.plan.change import Difference, lies_below
from zerotouch.plan.ownership import Ownership
from zerotouch.plan.routing import Fact

Fields = Mapping[str, Any]
Differences = tuple[Difference, ...]


@dataclass(frozen=True)
class Authorization:
    """What a resource that holds the token shows of it: `token` is the fingerprint of the one that it carries.

    `lost` means that it is de-authorized: `by_person`, or by the service itself because the endpoint refused.
    """

    token: str | None
    modified_at: datetime
    lost: bool = False
    by_person: bool = False


@dataclass(frozen=True)
class Observed:
    """What AWS holds.

    `fields` has the shape of the kind's desired fields. `ref` is the ARN that other kinds refer to.
    `handle` is the kind's own: ids and versions that its writes need.
    `owner` tells whose a foreign resource is, where that is known. `settling` means that AWS is still at work on it.
    `rivals`: resources of others that get in the way of this one. `version` tells writes to what AWS does not show.
    `authorization` is that of a resource which holds the token.
    `loses` says what would be gone with it.
    `facts`: what it means for the way that events take, where it is ours.
    """

    fields: Fields
    ref: str
    ownership: Ownership
    owner: str | None = None
    handle: Any = None
    settling: bool = False
    rivals: tuple[str, ...] = ()
    version: str | None = None
    authorization: Authorization | None = None
    loses: str | None = None
    facts: frozenset[Fact] = frozenset()


class Kind(Protocol):
    """One AWS resource kind. `desired` is pure and total; the rest may raise AWSError or Interrupted."""

    name: str
    account_wide: bool
    needs: tuple[str, ...]

    def resource_name(self, context: Context) -> str:
        """The name in AWS."""

    def desired(self, context: Context) -> Fields | None:
        """How it should look; None where the spec does not ask for it."""

    def observe(self, api: RegionAPI, context: Context) -> Observed | None:
        """What is there under our name, with the least reads; None where nothing is."""

    def create(self, api: RegionAPI, context: Context, token: str | None) -> None:
        """Make it. What exists already by that name is no error here: it is observed again."""

    def update(
        self, api: RegionAPI, context: Context, observed: Observed, differences: Differences, token: str | None
    ) -> None:
        """Mend the differences, and nothing else."""

    def delete(self, api: RegionAPI, context: Context, observed: Observed) -> None:
        """Remove it. That it is gone already is no error."""


class OptionalKind:
    """Base of a kind that is not even looked for while the spec does not ask for it, once that was made right."""


def keeping(kind: Kind, wanted: Fields) -> Kind:
    """The kind as one that wants this, so that a write which replaces everything leaves what is only told as it is."""
    other = copy.copy(kind)
    other.desired = lambda _: wanted  # type: ignore[method-assign, assignment]
    return other


class RoutingKind:
    """Base of a kind on which the way depends that events take: it tells facts of it."""


def touches(differences: Iterable[Difference], *prefixes: str) -> bool:
    """Whether a difference lies at or below one of the paths."""
    return any(lies_below(d.path, p) for d in differences for p in prefixes)


def to_tags(pairs: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """AWS's list of Key/Value → dict; tags of AWS itself (`aws:`) are not ours to compare."""
    return {p["Key"]: p["Value"] for p in pairs if not p["Key"].startswith("aws:")}


def from_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """dict → AWS's list of Key/Value."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def tag_changes(wanted: Mapping[str, str], found: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """(tags to set, keys to remove)."""
    return (
        {k: v for k, v in wanted.items() if found.get(k) != v},
        sorted(found.keys() - wanted.keys()),
    )

"""The vocabulary of a plan: differences, changes, conflicts. Plain data, no I/O."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from zerotouch.api.drift import DifferenceKind


class Action(StrEnum):
    """What a change does."""

    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"
    DELETE = "delete"


EXISTS: Final = "exists"
"""The path of a difference that is about the whole resource."""


@dataclass(frozen=True)
class Difference:
    """One field: `wanted` and `found` are JSON values, None where absent, UNKNOWN where AWS decides.

    `path` is dotted; `[2]` is an element of a list, `[]` stands for those of its elements that differ.
    """

    path: str
    wanted: Any
    found: Any

    @property
    def top(self) -> str:
        """The field of the desired form that it is about or lies in."""
        return self.path.partition(".")[0].partition("[")[0]

    @property
    def kind(self) -> DifferenceKind:
        if self.wanted is None or (self.path == EXISTS and self.wanted is False):
            return DifferenceKind.EXTRA
        if self.found is None or (self.path == EXISTS and self.found is False):
            return DifferenceKind.MISSING
        return DifferenceKind.CHANGED


def lies_below(path: str, prefix: str) -> bool:
    """Whether a path is the prefix, or lies below it."""
    return path == prefix or path.startswith((f"{prefix}.", f"{prefix}["))


@dataclass(frozen=True)
class ResourceID:
    """Where a resource lives: `region` is an AWS region, or `global` for IAM."""

    kind: str
    region: str
    name: str


@dataclass(frozen=True)
class Change:
    """One step of a plan. `content`: all fields of what is to be made, or is there and is to be deleted."""

    resource: ResourceID
    action: Action
    differences: tuple[Difference, ...] = ()
    content: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Conflict:
    """The name that we need is taken by something that is not ours."""

    resource: ResourceID
    message: str

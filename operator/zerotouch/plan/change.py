"""The vocabulary of a plan: differences, changes, conflicts. Plain data, no I/O."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    """What a change does."""

    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"
    DELETE = "delete"


@dataclass(frozen=True)
class Difference:
    """One field: `path` is dotted, `wanted` and `found` are JSON values, None where absent, UNKNOWN where AWS decides."""

    path: str
    wanted: Any
    found: Any


@dataclass(frozen=True)
class ResourceID:
    """Where a resource lives: `region` is an AWS region, or `global` for IAM."""

    kind: str
    region: str
    name: str


@dataclass(frozen=True)
class Change:
    """One step of a plan."""

    resource: ResourceID
    action: Action
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class Conflict:
    """The name that we need is taken by something that is not ours."""

    resource: ResourceID
    message: str

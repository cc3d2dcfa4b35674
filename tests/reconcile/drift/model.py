"""What a kind's file says, and what it must cover."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from sandbox.aws.admin import Admin
from zerotouch.api.account import QualysZeroTouchAccountSpec
from zerotouch.desired.context import Context
from zerotouch.desired.values import GLOBAL
from zerotouch.resources.base import Kind

ACCOUNT: Final = "100000000000"
PREFIX: Final = "qualys-zerotouch"
OWNER: Final = "default/security/production"
CONNECTOR: Final = {"role": {"name": "qualys-connector", "trustedAccountID": "123456789012", "externalID": "canary-e"}}
BUS: Final = "arn:aws:events:us-east-1:999999999999:event-bus/zerotouch"
HOME: Final = "us-east-1"
# In the API's words; every kind must exist under it, or say what it takes besides.
SPEC: Final[dict[str, Any]] = {
    "regions": {"names": [HOME]},
    "connector": CONNECTOR,
    "detection": {"busARN": BUS},
    "tags": {"team": "secops"},
}
AWAY: Final = "eu-west-1"
MAIN_REGION: Final[dict[str, Any]] = {
    "regions": {"names": [HOME, AWAY]},
    "delivery": {"topology": "MainRegion", "mainRegion": HOME},
}


class Place(Protocol):
    """The account in which something is broken. `owner`: whose mark our resources there bear."""

    @property
    def id(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def admin(self) -> Admin: ...
    def client(self, service: str, region: str = HOME) -> Any: ...


Do = Callable[[Any], Any]
"""Changes something in AWS; gets a `Place`. Can be done again, in any account where the kind is right."""


class Then(StrEnum):
    """What the operator does about it."""

    MENDED = "mended"
    CONFLICT = "told as a Conflict, left alone"


@dataclass(frozen=True)
class Break:
    """`field`: its path, as it is told. `undo` is needed where the operator leaves it alone."""

    field: str
    how: str
    do: Do
    then: Then = Then.MENDED
    undo: Do | None = None


@dataclass(frozen=True)
class KindDrift:
    """Everything that can differ about a kind.

    `sent`: member of a request that creates it → the desired field that compares it (several: with commas), or in
    parentheses why none does. `unbroken`: field → why the emulator cannot break it. `spec`: what it takes besides SPEC, and
    `region`: where, for the kind to exist in this `form`.
    """

    kind: Kind
    breaks: tuple[Break, ...]
    sent: Mapping[str, str]
    unbroken: Mapping[str, str] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)
    region: str = HOME
    form: str = ""

    @property
    def name(self) -> str:
        return f"{self.kind.name} ({self.form})" if self.form else self.kind.name


class Recorder:
    """Stands for AWS while a kind creates itself; remembers the members of the requests."""

    name = "us-east-1"

    def __init__(self) -> None:
        self.members: set[str] = set()

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        self.members |= {f"{operation}.{member}" for member in params}
        return {}

    def sibling(self, region: str) -> "Recorder":
        return self

    def find(self, service: str, operation: str, missing: tuple[str, ...], **params: Any) -> dict[str, Any] | None:
        return None

    def pages(self, service: str, operation: str, key: str, **params: Any) -> Iterator[Any]:
        return iter(())


def spec(**changes: Any) -> QualysZeroTouchAccountSpec:
    """The declaration that tests of drift share."""
    bare = {
        "accountID": ACCOUNT,
        "parent": {"name": "production", "uid": "u-1"},
        "access": {"roleARN": f"arn:aws:iam::{ACCOUNT}:role/zerotouch", "stsRegion": "us-east-1"},
        "gatewayURL": "https://gateway.example",
        "tokenFingerprint": "0123456789ab",
        "inventory": {},
        "delivery": {},
        "deletionPolicy": "Delete",
        "interval": "5m",
        "namePrefix": PREFIX,
    }
    return QualysZeroTouchAccountSpec.model_validate({**bare, **SPEC, **changes})


def context(kind: Kind, region: str = HOME, **changes: Any) -> Context:
    declared = spec(**changes)
    return Context(declared, OWNER, "aws", GLOBAL if kind.account_wide else region, tuple(declared.regions.names))


def leaves(drift: KindDrift) -> list[str]:
    """Paths of everything that the kind wants."""
    wanted = drift.kind.desired(context(drift.kind, drift.region, **drift.spec))
    assert wanted is not None, f"{drift.name} is not asked for by the tests' spec"
    return list(_leaves(wanted, ""))


def leaves_of(tree: Mapping[str, Any]) -> list[str]:
    """Paths of everything in it."""
    return list(_leaves(tree, ""))


def sent(drift: KindDrift) -> set[str]:
    """`operation.Member` of every request that creates the kind."""
    boundary = {"permissionsBoundaryARN": f"arn:aws:iam::{ACCOUNT}:policy/boundary"}
    access = spec().access.model_dump(by_alias=True, exclude_none=True) | boundary
    recorder = Recorder()
    there = context(drift.kind, drift.region, **drift.spec, access=access)
    drift.kind.create(recorder, there, "token")  # type: ignore[arg-type]
    return recorder.members


def documents(
    field: str, document: Mapping[str, Any], put: Callable[[Any, dict[str, Any]], Any], other: Mapping[str, Any]
) -> Iterator[Break]:
    """A break for each leaf of a policy document; `other`: last part of a leaf's path → another value for it."""
    for path in _leaves(document, ""):
        value = other[path.rpartition(".")[2]]
        yield Break(f"{field}.{path}", f"set to {value}", lambda a, p=path, v=value: put(a, _with(document, p, v)))
    more = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    if "Principal" in document["Statement"][0]:
        more = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    wider = {**document, "Statement": [*document["Statement"], more]}
    yield Break(f"{field}.Statement", "a statement added", lambda a: put(a, wider))


def _leaves(node: Any, path: str) -> Iterator[str]:
    if isinstance(node, Mapping) and node:
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list) and node and all(isinstance(element, Mapping) for element in node):
        for number, element in enumerate(node):
            yield from _leaves(element, f"{path}[{number}]")
    else:
        yield path


def _with(document: Any, path: str, value: Any) -> dict[str, Any]:
    """A copy in which the leaf has the value."""
    if not isinstance(document, Mapping):
        raise TypeError(path)
    for key, inner in document.items():
        if path == key:
            return {**document, key: value}
        if path.startswith(f"{key}."):
            return {**document, key: _with(inner, path[len(key) + 1 :], value)}
        if path.startswith(f"{key}["):
            number, _, rest = path[len(key) + 1 :].partition("].")
            elements = list(inner)
            elements[int(number)] = _with(elements[int(number)], rest, value)
            return {**document, key: elements}
    raise KeyError(path)

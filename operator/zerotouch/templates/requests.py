"""The requests by which the kinds would create their resources, with placeholders for what only the deployment knows.

Templates are made from these, so that a template holds exactly what the operator would make, and no value twice.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from zerotouch.aws.calls import RegionAPI
from zerotouch.desired.context import Context
from zerotouch.resources.base import Kind
from zerotouch.templates.parameters import TOKEN, reference


class TemplateError(Exception):
    """Something that a template cannot say: the message names what has no counterpart, or what to change in the spec."""


@dataclass(frozen=True)
class Request:
    """One AWS call of a kind, as boto3 takes it."""

    kind: str
    operation: str
    params: dict[str, Any]


class _Recorder(RegionAPI):
    """Stands where the API of a region stands; nothing exists there yet, and every write succeeds."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.made: list[tuple[str, dict[str, Any]]] = []

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        self.made.append((operation, params))
        return {}


def requests(kinds: Iterable[Kind], context: Context) -> Iterator[Request]:
    """In the order of creation; kinds that the spec does not ask for make none."""
    wanted: Sequence[Kind] = [kind for kind in kinds if kind.desired(context) is not None]
    there = context.with_refs({kind.name: reference(kind.name) for kind in wanted})
    for kind in wanted:
        recorder = _Recorder(context.scope)
        kind.create(recorder, there, TOKEN)
        for operation, params in recorder.made:
            yield Request(kind.name, operation, params)

"""Inputs checked against botocore's own service models: patterns, lengths and enumerations, which boto3 does not check.

Only for the JSON services; what the models leave open, AWS may refuse all the same.
"""

import functools
import json
import re
from collections.abc import Iterator
from typing import Any, Final

import botocore.session
from botocore.model import ListShape, MapShape, Shape, StructureShape

_SERVICES: Final = frozenset({"events", "ssm"})


def problem(service: str, operation: str, body: bytes) -> str | None:
    """What AWS would say of the first constraint that is broken, None where all hold."""
    if service not in _SERVICES:
        return None
    model = _model(service)
    if operation not in model.operation_names:
        return None
    shape = model.operation_model(operation).input_shape
    if shape is None:
        return None
    return next(_broken(shape, json.loads(body or b"{}"), ""), None)


@functools.cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def _broken(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for name in shape.required_members:
            if name not in value:
                yield f"Value null at '{path}{_lower(name)}' failed to satisfy constraint: Member must not be null"
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from _broken(member, value[name], f"{path}{_lower(name)}.")
    elif isinstance(shape, ListShape) and isinstance(value, list):
        yield from _bounds(shape, len(value), path, "length")
        for number, item in enumerate(value, start=1):
            yield from _broken(shape.member, item, f"{path}{number}.member.")
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        for key, item in value.items():
            yield from _broken(shape.key, key, path)
            yield from _broken(shape.value, item, f"{path}{key}.")
    elif isinstance(value, str):
        yield from _text(shape, value, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _bounds(shape, value, path, "value")


def _text(shape: Shape, value: str, path: str) -> Iterator[str]:
    yield from _bounds(shape, len(value), path, "length")
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield _refused(path, f"Member must satisfy enum value set: {allowed}")
    pattern = shape.metadata.get("pattern")
    # Java's possessive quantifiers and classes that Python does not know are left out.
    if pattern and "\\p{" not in pattern and not re.fullmatch(pattern, value, re.DOTALL):
        yield _refused(path, f"Member must satisfy regular expression pattern: {pattern}")


def _bounds(shape: Shape, value: float, path: str, what: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield _refused(path, f"Member must have {what} greater than or equal to {low}")
    if high is not None and value > high:
        yield _refused(path, f"Member must have {what} less than or equal to {high}")


def _refused(path: str, constraint: str) -> str:
    return f"1 validation error detected: Value at '{path.rstrip('.')}' failed to satisfy constraint: {constraint}"


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]

"""What the API server says of an object, without one: the same schema, the same words.

Source of order and messages: Kubernetes' apiextensions-apiserver (strict decoding, null pruning, defaulting, structural
schema, list types, CEL) and kube-openapi's validation errors. Rules of transition (`oldSelf`) need an old object and are skipped.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from zerotouch.api.cel import broken_rules

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_MESSAGE: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_META: Final = frozenset(
    {
        "annotations", "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers",
        "generateName", "generation", "labels", "managedFields", "name", "namespace", "ownerReferences",
        "resourceVersion", "selfLink", "uid",
    }
)  # fmt: skip
_TYPES: Final[dict[str, Callable[[Any], bool]]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "boolean": lambda v: isinstance(v, bool),
    "integer": lambda v: not isinstance(v, bool) and (isinstance(v, int) or (isinstance(v, float) and v.is_integer())),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong. `blocking`: rules were not looked at because of it."""

    path: str
    message: str
    blocking: bool = False

    def __str__(self) -> str:
        return f"{self.path or '<nil>'}: {self.message}"


def unknown_fields(schema: Mapping[str, Any], body: Mapping[str, Any]) -> list[str]:
    """Paths of fields that no schema knows, as strict decoding names them."""
    found = [f"metadata.{key}" for key in _mapping(body.get("metadata")) if key not in _META]
    return found + list(_unknown(schema, body, ""))


def faults(schema: Mapping[str, Any], body: Mapping[str, Any]) -> list[Fault]:
    """Why the API server would refuse the object; it is complete where this is empty."""
    content = with_defaults(schema, body)
    found = [*_meta_faults(_mapping(content.get("metadata"))), *_schema_faults(schema, content, "")]
    if not any(fault.blocking for fault in found):
        found += [Fault(path, message) for path, message in broken_rules(schema, content)]
    return sorted(found, key=lambda fault: fault.path)


def with_defaults(schema: Mapping[str, Any], value: Any) -> Any:
    """The value without nulls that the schema does not allow, and with its defaults."""
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        out = {
            key: with_defaults(known.get(key) or others or {}, item) for key, item in value.items() if item is not None
        }
        for key, child in known.items():
            if key not in out and "default" in child:
                out[key] = child["default"]
        return out
    if isinstance(value, list):
        return [with_defaults(schema.get("items", {}), item) for item in value]
    return value


def _unknown(schema: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(schema.get("items", {}), item, f"{path}[{index}]")
    elif isinstance(value, dict) and "properties" in schema:
        for key, item in value.items():
            inner = _join(path, key)
            if key not in schema["properties"]:
                yield inner
            else:
                yield from _unknown(schema["properties"][key], item, inner)


def _meta_faults(metadata: Mapping[str, Any]) -> Iterator[Fault]:
    name = metadata.get("name")
    if not name and not metadata.get("generateName"):
        yield Fault("metadata.name", "Required value: name or generateName is required", blocking=True)
    elif name and not (isinstance(name, str) and _NAME.fullmatch(name)):
        yield Fault("metadata.name", f"Invalid value: {_shown(name)}: {_NAME_MESSAGE}")
    for field in ("labels", "annotations"):
        for key, value in _mapping(metadata.get(field)).items():
            if not isinstance(value, str):
                text = f"Invalid value: {_shown(value)}: must be of type string: write it in quotes"
                yield Fault(f"metadata.{field}.{key}", text, blocking=True)


def _schema_faults(schema: Mapping[str, Any], value: Any, path: str) -> Iterator[Fault]:
    wanted = schema.get("type")
    if wanted and not _TYPES[wanted](value):
        found = _type_name(value)
        text = f'Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"'
        yield Fault(path, text, blocking=True)
        return
    if "enum" in schema and value not in schema["enum"]:
        supported = ", ".join(_shown(option) for option in schema["enum"])
        yield Fault(path, f"Unsupported value: {_shown(value)}: supported values: {supported}", blocking=True)
    if wanted in _CHECKS:
        yield from _CHECKS[wanted](schema, value, path)


def _string_faults(schema: Mapping[str, Any], value: str, path: str) -> Iterator[Fault]:
    """The first of them only, as the API server does."""
    invalid = f"Invalid value: {_shown(value)}: {path} in body should"
    if len(value) > schema.get("maxLength", len(value)):
        yield Fault(path, f"Too long: may not be more than {schema['maxLength']} bytes", blocking=True)
    elif len(value) < schema.get("minLength", 0):
        yield Fault(path, f"{invalid} be at least {schema['minLength']} chars long")
    elif "pattern" in schema and not _go_pattern(schema["pattern"]).search(value):
        yield Fault(path, f"{invalid} match '{schema['pattern']}'")


def _number_faults(schema: Mapping[str, Any], value: float, path: str) -> Iterator[Fault]:
    invalid = f"Invalid value: {_shown(value)}: {path} in body should be"
    if value > schema.get("maximum", value):
        yield Fault(path, f"{invalid} less than or equal to {schema['maximum']}")
    if value < schema.get("minimum", value):
        yield Fault(path, f"{invalid} greater than or equal to {schema['minimum']}")


def _array_faults(schema: Mapping[str, Any], value: list[Any], path: str) -> Iterator[Fault]:
    if len(value) > schema.get("maxItems", len(value)):
        most = schema["maxItems"]
        yield Fault(path, f"Too many: {len(value)}: must have at most {most} items", blocking=True)
    if len(value) < schema.get("minItems", 0):
        yield Fault(
            path, f"Invalid value: {len(value)}: {path} in body should have at least {schema['minItems']} items"
        )
    for index, item in enumerate(value):
        yield from _schema_faults(schema.get("items", {}), item, f"{path}[{index}]")
    yield from _duplicates(schema, value, path)


def _duplicates(schema: Mapping[str, Any], value: list[Any], path: str) -> Iterator[Fault]:
    keys, seen = schema.get("x-kubernetes-list-map-keys"), set()
    if schema.get("x-kubernetes-list-type") not in {"set", "map"}:
        return
    for index, item in enumerate(value):
        shown = {key: _mapping(item).get(key) for key in keys} if keys else item
        text = _shown(shown)
        if text in seen:
            yield Fault(f"{path}[{index}]", f"Duplicate value: {text}")
        seen.add(text)


def _object_faults(schema: Mapping[str, Any], value: dict[str, Any], path: str) -> Iterator[Fault]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    if len(value) > schema.get("maxProperties", len(value)):
        most = schema["maxProperties"]
        yield Fault(path, f"Too many: {len(value)}: must have at most {most} items", blocking=True)
    for key in schema.get("required", ()):
        if key not in value:
            yield Fault(_join(path, key), "Required value", blocking=True)
    for key, item in value.items():
        child = known.get(key) or others
        if child:
            yield from _schema_faults(child, item, _join(path, key))


_CHECKS: Final[dict[str, Callable[[Mapping[str, Any], Any, str], Iterator[Fault]]]] = {
    "string": _string_faults,
    "integer": _number_faults,
    "array": _array_faults,
    "object": _object_faults,
}


def _go_pattern(pattern: str) -> re.Pattern[str]:
    """As Go reads it: classes of ASCII only, and `$` is the end of the text, not of its last line."""
    return re.compile(re.sub(r"\$$", r"\\Z", pattern), re.ASCII)


def _type_name(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, float):
        return "number"
    return next((name for name in ("boolean", "integer", "string", "array") if _TYPES[name](value)), "object")


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}

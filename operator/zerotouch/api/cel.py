"""The CEL rules of a schema, run by a CEL library on an object that the schema itself admits."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import cel

_OLD: Final = "oldSelf"


def broken_rules(schema: Mapping[str, Any], value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(path, message) of each rule that does not hold, in the words of the API server."""
    for rule in schema.get("x-kubernetes-validations", ()):
        if _OLD in rule["rule"]:
            continue
        message = rule["message"]
        try:
            holds = _program(rule["rule"]).execute({"self": value})
        except (RuntimeError, TypeError, ValueError) as error:
            yield path, f'Invalid value: "{schema["type"]}": {_why(error)} evaluating rule: {message}'
            continue
        if not holds:
            shown = f"{json.dumps(value, ensure_ascii=False)}: " if not isinstance(value, dict | list) else ""
            yield path + rule.get("fieldPath", ""), f"Invalid value: {shown}{message}"
    yield from _below(schema, value, path)


def _below(schema: Mapping[str, Any], value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties") or {}
        for key, item in value.items():
            yield from broken_rules(known.get(key) or others, item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from broken_rules(schema.get("items", {}), item, f"{path}[{index}]")


def _why(error: Exception) -> str:
    if "'duration'" in str(error):
        return "type conversion error from 'string' to 'google.protobuf.Duration'"
    return "error"


@cache
def _program(rule: str) -> Any:
    return cel.compile(rule)

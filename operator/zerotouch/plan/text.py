"""A plan for people: what is created, changed and removed, field by field, in the way of Terraform."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from zerotouch.desired.values import UNKNOWN
from zerotouch.plan.change import Action, Change, Difference
from zerotouch.plan.mask import mask
from zerotouch.plan.render import show

SIGNS: Final = {Action.CREATE: "+", Action.UPDATE: "~", Action.ADOPT: ">", Action.DELETE: "-"}
_DONE: Final = {
    Action.CREATE: "created",
    Action.UPDATE: "changed",
    Action.ADOPT: "took over",
    Action.DELETE: "removed",
}
_WIDTH: Final = 100
_FIELD: Final = "    "


def change_lines(change: Change) -> Iterator[str]:
    """`+ Rule qualys-zerotouch`, and a line or more for each field."""
    yield f"{SIGNS[change.action]} {change.resource.kind} {change.resource.name}"
    if change.action is Action.CREATE:
        for key, value in _content(change).items():
            if value not in (None, {}, []):
                yield from _lines(f"{_FIELD}+ {key} = ", value)
    elif change.action is not Action.DELETE:
        for difference in change.differences:
            yield from _difference_lines(mask(difference))


def done_line(change: Change, where: str) -> str:
    """`created Rule qualys-zerotouch in 111111111111/us-east-1`."""
    resource = change.resource
    return f"{_DONE[change.action]} {resource.kind} {resource.name} in {where}/{resource.region}"


def counts(changes: Iterable[Change]) -> dict[Action, int]:
    """How many of each action, all of them named."""
    found = [change.action for change in changes]
    return {action: found.count(action) for action in Action}


def change_data(change: Change) -> dict[str, Any]:
    """As plain values for JSON and YAML."""
    data: dict[str, Any] = {
        "action": change.action.value,
        "region": change.resource.region,
        "kind": change.resource.kind,
        "name": change.resource.name,
    }
    if change.action is Action.CREATE:
        data["fields"] = {key: _plain(value) for key, value in _content(change).items()}
    elif change.action is not Action.DELETE:
        told = [mask(difference) for difference in change.differences]
        data["fields"] = {d.path: {"from": _plain(d.found), "to": _plain(d.wanted)} for d in told}
    return data


def _content(change: Change) -> Mapping[str, Any]:
    """All fields of what is to be made."""
    fields: Mapping[str, Any] = change.content or {}
    return {key: mask(Difference(key, value, None)).wanted for key, value in fields.items()}


def _difference_lines(difference: Difference) -> Iterator[str]:
    path, found, wanted = difference.path, difference.found, difference.wanted
    line = f"{_FIELD}~ {path} = {_short(found)} -> {_short(wanted)}"
    if len(line) <= _WIDTH:
        yield line
        return
    yield f"{_FIELD}~ {path}:"
    yield from _lines(f"{_FIELD}  - ", found)
    yield from _lines(f"{_FIELD}  + ", wanted)


def _lines(start: str, value: Any) -> Iterator[str]:
    """The value behind the start of its line; what does not fit is broken up, level by level."""
    if len(start + _short(value)) <= _WIDTH or not isinstance(value, dict | list) or not value:
        yield start + _short(value)
        return
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    signed = start.lstrip()[:1] in {"+", "-"}
    indent = " " * (len(start) - len(start.lstrip()) + (2 if signed else 0))
    yield start + opening
    for key, item in value.items() if isinstance(value, dict) else ((None, item) for item in value):
        yield from _lines(f"{indent}  {'' if key is None else key + ': '}", item)
    yield indent + closing


def _short(value: Any) -> str:
    return (
        show(value, limit=2000) if value is None or value is UNKNOWN else json.dumps(_plain(value), ensure_ascii=False)
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return repr(value) if value is UNKNOWN else value

"""Terraform's language (HCL), written in the style of `terraform fmt`."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_IDENTIFIER: Final = re.compile(r"[A-Za-z_]\w*")
_INDENT: Final = "  "


@dataclass(frozen=True)
class Expression:
    """Text that stands as it is, such as `var.regions`."""

    text: str


@dataclass(frozen=True)
class Call:
    """A function of one argument."""

    function: str
    argument: Any


@dataclass(frozen=True)
class Block:
    """`KIND "LABEL" { … }`: attributes as (name, value), and blocks."""

    kind: str
    labels: Sequence[str]
    body: Sequence["tuple[str, Any] | Block"]


def document(blocks: Iterable[Block]) -> str:
    """A file."""
    return "\n".join("\n".join(_block(block, "")) + "\n" for block in blocks)


def _block(block: Block, indent: str) -> Iterator[str]:
    labels = "".join(f" {json.dumps(label)}" for label in block.labels)
    if not block.body:
        yield f"{indent}{block.kind}{labels} {{}}"
        return
    yield f"{indent}{block.kind}{labels} {{"
    yield from _body(block.body, indent + _INDENT)
    yield f"{indent}}}"


def _body(items: Sequence["tuple[str, Any] | Block"], indent: str) -> Iterator[str]:
    """Equals signs of one-line attributes that follow each other stand in one column."""
    pending: list[tuple[str, str]] = []
    for number, item in enumerate(items):
        if isinstance(item, Block):
            yield from _aligned(pending, indent)
            pending = []
            if number:
                yield ""
            yield from _block(item, indent)
            continue
        name, value = item[0], _value(item[1], indent)
        if "\n" in value:
            yield from _aligned(pending, indent)
            pending = []
            yield f"{indent}{name} = {value}"
        else:
            pending.append((name, value))
    yield from _aligned(pending, indent)


def _aligned(pairs: Sequence[tuple[str, str]], indent: str) -> Iterator[str]:
    width = max((len(name) for name, _ in pairs), default=0)
    yield from (f"{indent}{name:{width}} = {value}" for name, value in pairs)


def _value(value: Any, indent: str) -> str:
    inner = indent + _INDENT
    match value:
        case Expression():
            return value.text
        case Call():
            return f"{value.function}({_value(value.argument, indent)})"
        case Mapping():
            body = _body([(_key(str(k)), v) for k, v in value.items()], inner)
            return "\n".join(["{", *body, f"{indent}}}"]) if value else "{}"
        case list() if all(isinstance(i, str | Expression) for i in value):
            return f"[{', '.join(_value(i, inner) for i in value)}]"
        case list():
            return "\n".join(["[", *(f"{inner}{_value(i, inner)}," for i in value), f"{indent}]"])
    return json.dumps(value, ensure_ascii=False)


def _key(key: str) -> str:
    return key if _IDENTIFIER.fullmatch(key) else json.dumps(key)

"""What a difference must not show: external ids, and what others send with requests, which may be credentials."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from zerotouch.plan.change import Difference

# Condition keys do not depend on case (IAM JSON policy reference, "Condition"). The others are parts of an EventBridge target.
_HIDDEN: Final = ("sts:externalid", "headerparameters", "querystringparameters")
_MASKED: Final = "(masked)"
_OTHER: Final = "(masked, another one)"


def mask(difference: Difference) -> Difference:
    """Fit to be shown: that a hidden value is another one than wanted can still be told."""
    path = f"{difference.path.lower()}."
    at_one = any(f".{hidden}{end}" in path for hidden in _HIDDEN for end in (".", "["))
    known = frozenset(_hidden(difference.wanted, at_one))
    return Difference(
        difference.path, _masked(difference.wanted, at_one, known), _masked(difference.found, at_one, known)
    )


def _hidden(node: Any, inside: bool) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _hidden(value, inside or _is_hidden(key))
    elif isinstance(node, list | tuple):
        for element in node:
            yield from _hidden(element, inside)
    elif inside:
        yield str(node)


def _masked(node: Any, inside: bool, known: frozenset[str]) -> Any:
    if isinstance(node, Mapping):
        return {key: _masked(value, inside or _is_hidden(key), known) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_masked(element, inside, known) for element in node]
    if inside and node is not None:
        return _MASKED if str(node) in known else _OTHER
    return node


def _is_hidden(key: Any) -> bool:
    return str(key).lower() in _HIDDEN

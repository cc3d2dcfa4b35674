"""One way to show values and differences: in status, events, logs and on the terminal."""

import json
from collections.abc import Sequence
from typing import Any, Final

from zerotouch.api.drift import DifferenceKind
from zerotouch.desired.values import UNKNOWN
from zerotouch.plan.change import EXISTS, Action, Change, Difference, ResourceID
from zerotouch.plan.mask import mask

_LIMIT: Final = 512
_ABSENT: Final = "(absent)"


def show(value: Any, limit: int = _LIMIT) -> str:
    """A value as compact JSON, cut at `limit` characters."""
    if value is None:
        return _ABSENT
    if value is UNKNOWN:
        return repr(value)
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=repr)
    return cut(text, limit)


def cut(text: str, limit: int) -> str:
    """A text of at most `limit` characters; an ellipsis tells that there was more."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def some(texts: Sequence[str], most: int, separator: str = "; ", conjunction: str = " and") -> str:
    """The first few, and how many more there are."""
    more = f"{conjunction} {len(texts) - most} more" if len(texts) > most else ""
    return separator.join(texts[:most]) + more


def count(number: int, noun: str) -> str:
    """`1 field`, `2 fields`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def show_resource(resource: ResourceID) -> str:
    """`Rule qualys-zerotouch in us-east-1`."""
    return f"{resource.kind} {resource.name} in {resource.region}"


def show_difference(difference: Difference) -> str:
    """`state: wanted ENABLED, found DISABLED`; of whole resources `missing` or `not wanted`."""
    if difference.path == EXISTS:
        return "missing" if difference.kind is DifferenceKind.MISSING else "not wanted"
    wanted, found = show_values(difference, 160)
    return f"{difference.path}: wanted {wanted}, found {found}"


def show_values(difference: Difference, limit: int = _LIMIT) -> tuple[str, str]:
    """(wanted, found), without what must not be shown."""
    masked = mask(difference)
    return show(masked.wanted, limit), show(masked.found, limit)


def show_change(change: Change) -> str:
    """`update Rule qualys-zerotouch in us-east-1 (state: …)`; of what is made or deleted no fields are told."""
    what = f"{change.action} {show_resource(change.resource)}"
    told = () if change.action in {Action.CREATE, Action.DELETE} else change.differences
    fields = "; ".join(show_difference(d) for d in told)
    return f"{what} ({fields})" if fields else what

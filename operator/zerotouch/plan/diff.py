"""The generic difference of two JSON-like trees."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

from zerotouch.desired.values import UNKNOWN
from zerotouch.plan.change import Difference

ABSENT: Final = None
_Elements = list[tuple[int, Any]]


def diff(wanted: Any, found: Any, path: str = "") -> tuple[Difference, ...]:
    """Field by field, in the order of the paths.

    Mappings are compared key by key, lists of mappings element by element, whichever place they have; of a list of plain
    values only those that one side lacks are told. A key that is absent equals one whose value is None.
    Callers turn sets into sorted lists and JSON text into trees first.
    """
    return tuple(_walk(wanted, found, path))


def _walk(wanted: Any, found: Any, path: str) -> Iterator[Difference]:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key in sorted(wanted.keys() | found.keys()):
            yield from _walk(
                wanted.get(key, ABSENT),
                found.get(key, ABSENT),
                f"{path}.{key}" if path else str(key),
            )
    elif wanted is UNKNOWN:
        yield Difference(path, wanted, found)
    elif not _equal(wanted, found):
        if _is_list(wanted) and _is_list(found):
            yield from _elements(wanted, found, path)
        else:
            yield Difference(path, wanted, found)


def _elements(wanted: Sequence[Any], found: Sequence[Any], path: str) -> Iterator[Difference]:
    lacking, more = _unmatched(wanted, found)
    if not lacking and not more:
        # Only their order differs.
        yield Difference(path, wanted, found)
    elif all(isinstance(element, Mapping) for _, element in [*lacking, *more]):
        for one, other in zip_longest(lacking, more):
            place = min(index for index, _ in filter(None, (one, other)))
            yield from _walk(one[1] if one else ABSENT, other[1] if other else ABSENT, f"{path}[{place}]")
    elif len(lacking) == len(wanted) or len(more) == len(found):
        yield Difference(path, wanted, found)
    else:
        yield Difference(f"{path}[]", [e for _, e in lacking] or ABSENT, [e for _, e in more] or ABSENT)


def _unmatched(wanted: Sequence[Any], found: Sequence[Any]) -> tuple[_Elements, _Elements]:
    """The elements, with their places, that have no equal on the other side."""
    more, lacking = list(enumerate(found)), []
    for index, element in enumerate(wanted):
        match = next((m for m in more if _equal(element, m[1])), None)
        if match is None:
            lacking.append((index, element))
        else:
            more.remove(match)
    return lacking, more


def _equal(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return not diff(wanted, found)
    if _is_list(wanted) and _is_list(found):
        return len(wanted) == len(found) and all(_equal(w, f) for w, f in zip(wanted, found, strict=True))
    # bool is an int in Python; in JSON true is not 1.
    return bool(type(wanted) is type(found) and wanted == found)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)

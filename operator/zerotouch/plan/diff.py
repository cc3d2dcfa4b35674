"""The generic difference of two JSON-like trees."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from zerotouch.desired.values import UNKNOWN
from zerotouch.plan.change import Difference

ABSENT: Final = None


def diff(wanted: Any, found: Any, path: str = "") -> tuple[Difference, ...]:
    """Field by field, in the order of the paths.

    Mappings are compared key by key, everything else as a whole; a key that is absent equals one whose value is None.
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
    elif wanted is UNKNOWN or not _equal(wanted, found):
        yield Difference(path, wanted, found)


def _equal(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return not diff(wanted, found)
    if isinstance(wanted, list | tuple) and isinstance(found, list | tuple):
        return len(wanted) == len(found) and all(_equal(w, f) for w, f in zip(wanted, found, strict=True))
    # bool is an int in Python; in JSON true is not 1.
    return bool(type(wanted) is type(found) and wanted == found)

"""An account's drift as metrics need it: bounded, and right in sum. Pure."""

import sys
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

MOST_DRIFT: Final = 18
"""A kind in each of 17 regions, and one more."""
MOST_FIGHTS: Final = 3
OTHER: Final = "other"


class FieldCount(NamedTuple):
    """Number of fields of one kind in one region; `other` of both stands for all that had no room."""

    region: str
    kind: str
    fields: int


def field_counts(regions: Iterable[tuple[str, Mapping[str, int]]], most: int) -> tuple[FieldCount, ...]:
    """At most so many. `regions`: name, and kind → number.

    The first in the order given have a row of their own: the largest would change places with each pass, and alerts with them.
    """
    rows = [
        FieldCount(sys.intern(region), sys.intern(kind), number)
        for region, kinds in regions
        for kind, number in sorted(kinds.items())
    ]
    if len(rows) <= most:
        return tuple(rows)
    rest = sum(row.fields for row in rows[most - 1 :])
    return (*rows[: most - 1], FieldCount(OTHER, OTHER, rest))

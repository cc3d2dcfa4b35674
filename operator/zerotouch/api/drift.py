"""Words about differences that statuses use."""

from enum import StrEnum


class DifferenceKind(StrEnum):
    """What sort of difference a field shows."""

    MISSING = "Missing"
    EXTRA = "Extra"
    CHANGED = "Changed"

"""Merge patches, RFC 7386: what to send so that an object becomes another."""

from collections.abc import Mapping
from typing import Any


def merge_patch(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The smallest merge patch from one to the other, with explicit nulls; empty where they are the same."""
    patch: dict[str, Any] = {key: None for key in current if key not in wanted}
    for key, value in wanted.items():
        present = current.get(key)
        if isinstance(value, Mapping) and isinstance(present, Mapping):
            if inner := merge_patch(present, value):
                patch[key] = inner
        elif key not in current or value != present:
            patch[key] = value
    return patch

"""Event patterns as trees that can be compared."""

import json
from collections.abc import Mapping
from typing import Any


def as_pattern(pattern: Any) -> Any:
    """An event pattern, as text or tree, with its lists in one order: they are sets of alternatives.

    Source: EventBridge user guide, "Event patterns". What is no JSON is answered as it is.
    """
    if isinstance(pattern, str):
        try:
            pattern = json.loads(pattern)
        except ValueError:
            return pattern
    return _ordered(pattern)


def _ordered(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _ordered(value) for key, value in node.items()}
    if isinstance(node, list):
        return sorted((_ordered(element) for element in node), key=lambda e: json.dumps(e, sort_keys=True))
    return node

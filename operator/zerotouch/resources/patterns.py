"""Event patterns as trees that can be compared."""

import json
from collections.abc import Mapping
from typing import Any, Final

STATE_CHANGE: Final = "EC2 Instance State-change Notification"


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


def lets_starts_through(pattern: Any) -> bool:
    """Whether it may match starts of EC2 instances; what is no list of plain values is taken to match.

    A rule without a pattern runs by a schedule.
    """
    tree = as_pattern(pattern)
    if not isinstance(tree, Mapping) or not tree:
        return False
    detail = tree.get("detail")
    state = detail.get("state") if isinstance(detail, Mapping) else None
    wanted = (("aws.ec2", tree.get("source")), (STATE_CHANGE, tree.get("detail-type")), ("running", state))
    return all(_may_match(value, alternatives) for value, alternatives in wanted)


def _may_match(value: str, alternatives: Any) -> bool:
    if not isinstance(alternatives, list):
        return True
    return value in alternatives or any(isinstance(a, Mapping) for a in alternatives)

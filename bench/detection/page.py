"""`python -m bench.detection.page < RESULT`: puts what `python -m bench.detection` printed into docs/drift-detection.md."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

_PAGE: Final = Path(__file__).parents[2] / "docs/drift-detection.md"
_BEGIN: Final = "<!-- written by `python -m bench.detection.page`: begin -->\n"
_END: Final = "<!-- end -->\n"
_QUEUE: Final = "DeadLetterQueue"
_NONE: Final[dict[str, float]] = {"n": 0}

Summary = Mapping[str, float]


def fill(page: str, result: Mapping[str, Any]) -> str:
    """The page with these figures."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{''.join(_rows(result['event'], result['poll_30s']))}{_END}{after}"


def _rows(event: Mapping[str, Any], poll: Mapping[str, Any]) -> Iterator[str]:
    yield "| | by event | p50 | p95 | longest | no event can tell | by poll | p50 | p95 | longest |\n"
    yield "|---|---|---|---|---|---|---|---|---|---|\n"
    only = {kind: n for kind, n in event.get("by_poll_only", {}).items() if kind != "why"}
    yield _row("**all of these kinds**", event["total"], sum(only.values()), poll["total"])
    for kind, found in poll["kinds"].items():
        yield _row(kind, event["kinds"].get(kind, _NONE), only.get(kind, 0), found)
    yield _row(f"{_QUEUE}, read back at once", event["queue"].get(_QUEUE, _NONE), 0, poll["queue"].get(_QUEUE, _NONE))
    yield _row(f"{_QUEUE}, read back after 60 s", event["queue_late"].get(_QUEUE, _NONE), 0, _NONE)
    yield f"\nAge of the events when they were received: {event['age_mean']} s on average.\n"


def _row(name: str, event: Summary, only: int, poll: Summary) -> str:
    return f"| {name} | {_cells(event)} | {only or '-'} | {_cells(poll)} |\n"


def _cells(found: Summary) -> str:
    if not found["n"]:
        return "- | - | - | -"
    return f"{found['n']} | {found['p50']} s | {found['p95']} s | {found['max']} s"


def main() -> None:
    """Refuses figures of a run in which something was not mended."""
    result = json.load(sys.stdin)
    if result["lost"]:
        sys.exit(f"neither told nor found: {result['lost']}")
    _PAGE.write_text(fill(_PAGE.read_text(), result))


if __name__ == "__main__":
    main()

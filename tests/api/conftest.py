from pathlib import Path

import pytest

from sandbox.state import Sandbox

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def crds(control_plane: Sandbox) -> Sandbox:
    """The control plane with the shipped CRDs."""
    control_plane.kubectl("apply", "-k", str(ROOT / "deploy" / "crds"))
    control_plane.kubectl("wait", "--for=condition=Established", "crd", "-l", "app.kubernetes.io/part-of=zerotouch")
    return control_plane

"""Sandboxes that tests share. Each is started once a session, on free ports, in a directory of its own."""

from collections.abc import Iterator

import pytest

from sandbox.state import Sandbox


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A real API server with etcd and the controller manager, and nothing else."""
    with Sandbox(tmp_path_factory.mktemp("control-plane"), print).up(["controlplane"]) as sandbox:
        yield sandbox

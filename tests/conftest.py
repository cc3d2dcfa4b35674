"""Sandboxes that tests share. Each is started once a session, on free ports, in a directory of its own."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import settings

from sandbox.aws.admin import Admin
from sandbox.gateway.admin import GatewayAdmin
from sandbox.state import Sandbox

# How long an example takes says more of the machine's other work than of the code.
settings.register_profile("default", deadline=None)
settings.load_profile("default")


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A real API server with etcd and the controller manager, and nothing else."""
    with Sandbox(tmp_path_factory.mktemp("control-plane"), print).up(["controlplane"]) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The emulated AWS, with IAM enforced, and the Qualys gateway."""
    with Sandbox(tmp_path_factory.mktemp("cloud"), print).up(["aws", "gateway"]) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def admin(cloud: Sandbox) -> Admin:
    """The administrator of the emulated AWS."""
    return Admin(cloud.aws_endpoint)


@pytest.fixture(scope="session")
def gateway(cloud: Sandbox) -> GatewayAdmin:
    """The administrator of the Qualys gateway."""
    return GatewayAdmin(cloud.gateway_url)


_accounts = itertools.count(100_000_000_001)


def new_account_id() -> str:
    """An account that no other test uses."""
    return str(next(_accounts))


@pytest.fixture
def account_id() -> str:
    """An account that no other test uses."""
    return new_account_id()

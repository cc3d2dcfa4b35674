"""A whole sandbox with the operator as it ships, and a namespace of its own for each test."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.aws.admin import Admin
from sandbox.deployment import Deployment, Replica
from sandbox.gateway.admin import GatewayAdmin
from sandbox.state import Sandbox
from tests.e2e.tenant import Tenant
from tests.e2e.user import User


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Control plane, AWS and gateway, with what ships in `deploy/` installed."""
    with Sandbox(tmp_path_factory.mktemp("world"), print).up() as sandbox:
        deployment = Deployment(sandbox)
        deployment.install_crds()
        deployment.install()
        yield sandbox


@pytest.fixture(scope="session")
def aws(world: Sandbox) -> Admin:
    return Admin(world.aws_endpoint)


@pytest.fixture(scope="session")
def qualys(world: Sandbox) -> GatewayAdmin:
    return GatewayAdmin(world.gateway_url)


class Operators:
    """The one replica that runs; started again where a test has ended it."""

    def __init__(self, world: Sandbox) -> None:
        self._deployment = Deployment(world)
        self._current: Replica | None = None

    def running(self) -> Replica:
        if self._current is None or not self._current.process.alive():
            self._current = self._deployment.start()
        return self._current

    def end(self) -> None:
        """As a rollout or a node's end does."""
        if self._current is not None:
            self._current.process.stop()

    def log(self) -> str:
        return self._current.log() if self._current else ""


@pytest.fixture(scope="session")
def operators(world: Sandbox) -> Iterator[Operators]:
    operators = Operators(world)
    yield operators
    assert "Traceback" not in operators.log()


@pytest.fixture
def operator(operators: Operators) -> Replica:
    """The operator, running."""
    return operators.running()


_numbers = itertools.count(1)


@pytest.fixture
def tenant(world: Sandbox, aws: Admin, qualys: GatewayAdmin) -> Iterator[Tenant]:
    """A namespace with the tenant's RoleBinding, and accounts that no other test uses."""
    tenant = Tenant(world, aws, qualys, next(_numbers))
    yield tenant
    tenant.end()


@pytest.fixture
def user(tenant: Tenant, tmp_path: Path) -> User:
    """A person with a file and the command."""
    return User(tenant, tmp_path)

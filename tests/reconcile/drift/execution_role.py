"""Kind `ExecutionRole`."""

from tests.reconcile.drift.roles import service_role
from zerotouch.resources.execution_role import ExecutionRole

DRIFT = service_role(ExecutionRole(), {})

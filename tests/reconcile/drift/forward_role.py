"""Kind `ForwardRole`."""

from tests.reconcile.drift.model import MAIN_REGION
from tests.reconcile.drift.roles import service_role
from zerotouch.resources.forward_role import ForwardRole

DRIFT = service_role(ForwardRole(), MAIN_REGION)

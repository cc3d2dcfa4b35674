"""Kind `ConnectorRole`."""

from tests.reconcile.drift.model import CONNECTOR, KindDrift
from tests.reconcile.drift.roles import SENT, role_breaks
from zerotouch.resources.connector_role import ConnectorRole, trust

_ROLE = CONNECTOR["role"]

DRIFT = KindDrift(
    ConnectorRole(),
    tuple(role_breaks(_ROLE["name"], trust("aws", _ROLE["trustedAccountID"], _ROLE["externalID"]))),
    sent=SENT,
)

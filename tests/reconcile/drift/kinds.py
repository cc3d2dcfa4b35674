"""All kinds, in the registry's order; a new kind adds its file here."""

from typing import Final

from tests.reconcile.drift import (
    api_destination,
    association,
    connection,
    connector_policy,
    connector_role,
    dead_letter_queue,
    detection_role,
    detection_rule,
    execution_role,
    forward_role,
    rule,
)
from tests.reconcile.drift.model import KindDrift

KINDS: Final[tuple[KindDrift, ...]] = (
    execution_role.DRIFT,
    forward_role.DRIFT,
    connector_role.DRIFT,
    connector_policy.DRIFT,
    detection_role.DRIFT,
    detection_rule.IAM_DRIFT,
    association.DRIFT,
    connection.DRIFT,
    api_destination.DRIFT,
    dead_letter_queue.DRIFT,
    rule.DRIFT,
    rule.FORWARDING,
    detection_rule.DRIFT,
)

"""The one place that lists the kinds, in the order of creation; deletion goes the other way round."""

from typing import Final

from zerotouch.resources.api_destination import APIDestination
from zerotouch.resources.association import InventoryAssociation
from zerotouch.resources.base import Kind
from zerotouch.resources.connection import Connection
from zerotouch.resources.connector_policy import ConnectorPolicy
from zerotouch.resources.connector_role import ConnectorRole
from zerotouch.resources.dead_letter_queue import DeadLetterQueue
from zerotouch.resources.detection_role import DetectionRole
from zerotouch.resources.detection_rule import DetectionRule, IAMDetectionRule
from zerotouch.resources.execution_role import ExecutionRole
from zerotouch.resources.forward_role import ForwardRole
from zerotouch.resources.rule import Rule

ACCOUNT_KINDS: Final[tuple[Kind, ...]] = (
    ExecutionRole(),
    ForwardRole(),
    ConnectorRole(),
    ConnectorPolicy(),
    DetectionRole(),
    IAMDetectionRule(),
)
REGION_KINDS: Final[tuple[Kind, ...]] = (
    InventoryAssociation(),
    Connection(),
    APIDestination(),
    DeadLetterQueue(),
    Rule(),
    DetectionRule(),
)

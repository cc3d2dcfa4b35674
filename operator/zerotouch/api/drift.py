"""What is done about differences, and the words that statuses use for them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from zerotouch.api.types import Model


class DifferenceKind(StrEnum):
    """What sort of difference a field shows."""

    MISSING = "Missing"
    EXTRA = "Extra"
    CHANGED = "Changed"


class Left(StrEnum):
    """Why a difference was left as it was found."""

    OBSERVED = "Observed"
    REPORTED = "Reported"
    FIGHTING = "Fighting"


class ResourceKind(StrEnum):
    """The kinds of AWS resources that a rule can name; those of `resources/registry.py`."""

    EXECUTION_ROLE = "ExecutionRole"
    FORWARD_ROLE = "ForwardRole"
    CONNECTOR_ROLE = "ConnectorRole"
    CONNECTOR_POLICY = "ConnectorPolicy"
    DETECTION_ROLE = "DetectionRole"
    IAM_DETECTION_RULE = "IAMDetectionRule"
    INVENTORY_ASSOCIATION = "InventoryAssociation"
    DEAD_LETTER_QUEUE = "DeadLetterQueue"
    CONNECTION = "Connection"
    API_DESTINATION = "APIDestination"
    RULE = "Rule"
    DETECTION_RULE = "DetectionRule"


class DriftAction(StrEnum):
    """What is done about a drift."""

    MEND = "Mend"
    REPORT = "Report"


class DriftRule(Model):
    """One rule: which drifts, and what is done about them."""

    kind: ResourceKind | None = Field(default=None, description="Kind of the resource; every kind where not given.")
    field: Annotated[str, Field(pattern=r"^[^\[\]]+$", min_length=1, max_length=256)] | None = Field(
        default=None,
        description="Path of the field, or the beginning of one at a dot, as status.details shows it up to its first "
        "bracket, for example tags or targets.qualys.RetryPolicy; exists: that the resource is missing. Every field where "
        "not given.",
    )
    action: DriftAction = Field(description="Mend: put it right. Report: leave it and tell it.")


class DriftPolicy(Model):
    """What is done about what changed in AWS after it had been made right. What was never right is always made right."""

    default: DriftAction = Field(
        default=DriftAction.MEND, description="What is done where no rule matches: Mend or Report."
    )
    rules: Annotated[list[DriftRule], Field(max_length=32)] = Field(
        default_factory=list, description="At most 32 rules; the first that matches decides."
    )


class Repair(Model):
    """A field that was put right lately; what is changed again each time is left alone for a while."""

    region: Annotated[str, Field(max_length=32)] = Field(description="Region, or global for IAM; * for all.")
    kind: Annotated[str, Field(max_length=64)] = Field(description="Kind of the resource.")
    name: Annotated[str, Field(max_length=256)] = Field(description="Name of the resource; * for all of the kind.")
    field: Annotated[str, Field(max_length=256)] = Field(description="The field, up to the first dot of its path.")
    count: int = Field(ge=1, description="How often it was put right since then.")
    since: datetime = Field(description="When it was first put right.")
    last: datetime = Field(description="When it was last put right.")
    author: Annotated[str, Field(max_length=512)] | None = Field(
        default=None, description="Who last changed it, from where, by which call and when, as far as that is known."
    )

"""Conditions as kstatus reads them, and the one enumeration of reasons."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from zerotouch.api.approval import Approval, PlanHash
from zerotouch.api.types import Model


class Reason(StrEnum):
    """Every reason that a condition, an event or a metric label may carry."""

    SUCCEEDED = "Succeeded"
    PROGRESSING = "Progressing"
    PENDING = "Pending"
    DRIFTED = "Drifted"
    FIGHTING = "Fighting"
    PLAN_APPLIED = "PlanApplied"
    PLAN_CHANGED = "PlanChanged"
    SUSPENDED = "Suspended"
    DELETING = "Deleting"
    RETAINED = "Retained"
    ABANDONED = "Abandoned"
    CLEANUP_BLOCKED = "CleanupBlocked"
    DETECTION_UNAVAILABLE = "DetectionUnavailable"
    PARENT_NOT_FOUND = "ParentNotFound"
    ACCOUNTS_NOT_READY = "AccountsNotReady"
    INVALID_SPEC = "InvalidSpec"
    SECRET_NOT_FOUND = "SecretNotFound"
    TOKEN_EXPIRING = "TokenExpiring"
    TOKEN_INVALID = "TokenInvalid"
    TOKEN_REFUSED = "TokenRefused"
    TOKEN_ROLLOUT_STUCK = "TokenRolloutStuck"
    GATEWAY_NOT_ALLOWED = "GatewayNotAllowed"
    GATEWAY_UNAUTHORIZED = "GatewayUnauthorized"
    GATEWAY_RATE_LIMITED = "GatewayRateLimited"
    GATEWAY_UNAVAILABLE = "GatewayUnavailable"
    GATEWAY_ANSWER_INVALID = "GatewayAnswerInvalid"
    GATEWAY_TLS_FAILED = "GatewayTLSFailed"
    ASSUME_ROLE_DENIED = "AssumeRoleDenied"
    ACCESS_DENIED = "AccessDenied"
    DENIED_BY_SCP = "DeniedBySCP"
    ACCOUNT_SUSPENDED = "AccountSuspended"
    STS_REGION_NOT_ENABLED = "STSRegionNotEnabled"
    BASE_CREDENTIALS_MISSING = "BaseCredentialsMissing"
    REGION_NOT_ENABLED = "RegionNotEnabled"
    REGION_UNSUPPORTED = "RegionUnsupported"
    CONFLICT = "Conflict"
    FOREIGN_API_DESTINATION = "ForeignAPIDestination"
    DELIVERED_TWICE = "DeliveredTwice"
    SECOND_INVENTORY_ASSOCIATION = "SecondInventoryAssociation"
    DELIVERY_FAILING = "DeliveryFailing"
    CONNECTION_DEAUTHORIZED = "ConnectionDeauthorized"
    RULE_DISABLED = "RuleDisabled"
    DEAD_LETTERS = "DeadLetters"
    DELIVERY_UNPROVEN = "DeliveryUnproven"
    NO_EVENTS = "NoEvents"
    INSTANCES_NOT_COVERED = "InstancesNotCovered"
    TRUNCATED = "Truncated"
    QUOTA_EXCEEDED = "QuotaExceeded"
    THROTTLED = "Throttled"
    MAIN_REGION_UNAVAILABLE = "MainRegionUnavailable"
    REROUTING = "Rerouting"
    NOT_YET_CONSISTENT = "NotYetConsistent"
    AWS_UNAVAILABLE = "AWSUnavailable"
    AWS_ERROR = "AWSError"
    INTERNAL_ERROR = "InternalError"


class Condition(Model):
    """A condition of `status.conditions`, in the shape of `metav1.Condition`."""

    type: Annotated[str, Field(max_length=64)] = Field(description="What the condition is about, for example Ready.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether the condition holds.")
    reason: Annotated[str, Field(max_length=64)] = Field(description="Why, as one CamelCase word.")
    message: Annotated[str, Field(max_length=4096)] = Field(description="Why, and what to do, for people.")
    last_transition_time: datetime = Field(description="When the status last changed.")
    observed_generation: int | None = Field(
        default=None,
        ge=0,
        description="The generation of the spec that this condition speaks of.",
    )


class ObjectStatus(Model):
    """What the statuses of both kinds have in common."""

    observed_generation: int | None = Field(
        default=None,
        ge=0,
        description="Generation of the spec that the status speaks of.",
    )
    conditions: Annotated[list[Condition], Field(max_length=16)] = Field(
        default_factory=list,
        description="Ready, Reconciling and Stalled, as kstatus reads them; of an account also Secure, which is False "
        "while somebody else uses our connection, Drifted, which is True while fields differ from what is declared, "
        "Delivering, which tells whether events reach Qualys, Covered, which tells whether the running instances report "
        "inventory, and Exclusive, which is False while somebody else delivers the same events or collects inventory beside "
        "us; of a parent also these three, TokenCurrent, which is False ahead of the expiry of a token that a person has "
        "to replace and while Qualys refuses it, and TokenRolledOut, which is False while regions still carry another token.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["type"],
        },
    )
    drifted: int | None = Field(
        default=None,
        ge=0,
        description="Fields that differ from the declared state now.",
    )
    drifted_since: datetime | None = Field(
        default=None, description="Since when the oldest of them is known; not given where nothing differs."
    )
    plan: PlanHash | None = Field(
        default=None,
        description="In mode Observe: hash of everything that mode Enforce would change now; of a parent that of its accounts' "
        "plans. The annotation zerotouch.dev/approve with this value has it applied, once.",
    )
    approval: Approval | None = Field(
        default=None, description="The answer to the annotation zerotouch.dev/approve, while that is there."
    )
    last_handled_reconcile_at: Annotated[str, Field(max_length=256)] | None = Field(
        default=None,
        description="The last value of the annotation zerotouch.dev/requestedAt that was answered.",
    )

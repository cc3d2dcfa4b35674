"""`QualysZeroTouchAccount`, one per AWS account, written only by the operator."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from zerotouch.api.adoption import AdoptionPolicy, adoption_field
from zerotouch.api.conditions import ObjectStatus
from zerotouch.api.coverage import Coverage, CoverageStatus
from zerotouch.api.delivery import DeliveryStatus
from zerotouch.api.detection import AccountDetection, RecentDrift
from zerotouch.api.drift import DifferenceKind, DriftPolicy, Left, Repair
from zerotouch.api.spec import (
    Connector,
    DeletionPolicy,
    Delivery,
    Inventory,
    Mode,
    NamePrefix,
    Regions,
    Tags,
)
from zerotouch.api.token import Fingerprint, Healing, TokenTrial
from zerotouch.api.types import (
    IMMUTABLE,
    AccountID,
    Duration,
    ExternalID,
    Model,
    ObjectName,
    PolicyARN,
    RegionName,
    RoleARN,
    rules,
)


class ParentRef(Model):
    """The QualysZeroTouch that declares the account."""

    name: ObjectName = Field(description="Name of the QualysZeroTouch, in the same namespace.")
    uid: Annotated[str, Field(max_length=64)] = Field(description="Its uid.")


class AccountAccess(Model):
    """How the operator gets into the account."""

    role_arn: RoleARN = Field(description="The role to assume.")
    external_id: ExternalID | None = Field(default=None, description="ExternalId sent when assuming the role.")
    sts_region: RegionName = Field(description="Region whose STS is asked.")
    permissions_boundary_arn: PolicyARN | None = Field(
        default=None,
        description="Permissions boundary of the roles that the operator creates.",
    )


class Removal(Model):
    """The decision to remove the account, written before the object is deleted."""

    policy: DeletionPolicy = Field(description="Delete: clean AWS. Retain: leave AWS as it is.")
    parent_uid: Annotated[str, Field(max_length=64)] = Field(description="uid of the parent that decided.")
    requested_at: datetime = Field(description="When it was decided.")


class QualysZeroTouchAccountSpec(Model):
    """The parent's spec resolved for one account; enough to clean up without the parent."""

    account_id: AccountID = Field(
        description="The AWS account id.",
        json_schema_extra=rules((IMMUTABLE, "accountID cannot be changed", None)),
    )
    name: Annotated[str, Field(max_length=64)] | None = Field(default=None, description="A name for people.")
    parent: ParentRef = Field(description="The QualysZeroTouch that declares the account.")
    access: AccountAccess = Field(description="How the operator gets into the account.")
    gateway_url: Annotated[str, Field(max_length=253)] = Field(description="The Qualys API gateway.")
    token_fingerprint: Fingerprint | None = Field(
        default=None,
        description="Keyed hash of the subscription token, 12 hex digits; never the token.",
    )
    token_trial: TokenTrial | None = Field(
        default=None, description="A region that carries a new token first; the others carry tokenFingerprint."
    )
    regions: Regions = Field(description="The regions to set up.")
    inventory: Inventory = Field(description="How SSM collects inventory.")
    delivery: Delivery = Field(description="How EventBridge hands events to Qualys.")
    connector: Connector | None = Field(default=None, description="The permissions of the Qualys connector.")
    coverage: Coverage = Field(
        default=Coverage(), description="How it is found out whether instances report inventory."
    )
    mode: Mode = Field(default=Mode.ENFORCE, description="Whether AWS is changed, or only looked at.")
    adoption_policy: AdoptionPolicy = adoption_field()
    drift_policy: DriftPolicy = Field(
        default=DriftPolicy(),
        description="Which drifts are mended, and which are only told, in mode Enforce.",
    )
    deletion_policy: DeletionPolicy = Field(description="What becomes of AWS resources no longer declared.")
    suspend: bool = Field(default=False, description="true: touch nothing.")
    interval: Duration = Field(description="Time between two looks at the account.")
    tags: Tags = Field(
        default_factory=dict,
        description="Tags for every AWS resource that can have tags.",
    )
    name_prefix: NamePrefix = Field(description="Beginning of the name of every AWS resource.")
    detection: AccountDetection | None = Field(
        default=None, description="How changes that others make are found, beside the look at every interval."
    )
    removal: Removal | None = Field(default=None, description="Set once the account is to be removed.")


class State(StrEnum):
    """State of one region, or of the account-wide resources."""

    PENDING = "Pending"
    READY = "Ready"
    NOT_READY = "NotReady"
    REMOVING = "Removing"


KindCounts = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[int, Field(ge=1)]],
    Field(max_length=32),
]
"""Kind of resource → number of fields."""

FieldHashes = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=256)]],
    Field(max_length=32),
]
"""Kind of resource → hashes of its fields, one behind the other."""


class RegionState(Model):
    """One region; the account-wide resources (IAM) stand under the name `global`."""

    name: Annotated[str, Field(max_length=32)] = Field(description="Region, or global for IAM.")
    state: State = Field(description="Whether everything in it is right.")
    reason: Annotated[str, Field(max_length=64)] | None = Field(default=None, description="Why it is not Ready.")
    message: Annotated[str, Field(max_length=1024)] | None = Field(
        default=None, description="What was found and what to do."
    )
    hash: Annotated[str, Field(max_length=16)] | None = Field(
        default=None,
        description="Hash of the desired state that was last made right; empty before the first time.",
    )
    field_hashes: FieldHashes = Field(
        default_factory=dict,
        description="Kind of resource, for example Rule, and short hashes of each of its fields as it was last made right: what "
        "is declared as then and differs is drift, also while something else is declared anew.",
    )
    connection_version: Annotated[str, Field(max_length=128)] | None = Field(
        default=None,
        description="UUID and last modification of the connection as the operator left it: its secret values cannot be read.",
    )
    token: Fingerprint | None = Field(
        default=None, description="Keyed hash of the token that the connection was last seen to carry."
    )
    healing: Healing | None = Field(
        default=None,
        description="Set while the connection was de-authorized lately: how often, and whether it still is.",
    )
    delivered_twice_by: Annotated[list[Annotated[str, Field(max_length=512)]], Field(max_length=5)] = Field(
        default_factory=list,
        description="Rules of others, up to 5, with their target, that tell Qualys of the same instance starts.",
    )
    rival_associations: Annotated[list[Annotated[str, Field(max_length=256)]], Field(max_length=5)] = Field(
        default_factory=list,
        description="Inventory associations of others, up to 5, for certain nodes: ours does not work on those.",
    )
    drifted_fields: KindCounts = Field(
        default_factory=dict,
        description="Kind of resource, for example Rule, and how many of its fields differ and are not mended.",
    )
    fought_fields: KindCounts = Field(
        default_factory=dict,
        description="Of those, the fields that are left alone because somebody else keeps changing them.",
    )
    since: datetime | None = Field(default=None, description="Since when it is in this state.")
    ready: int = Field(default=0, ge=0, description="Resources that are right.")
    total: int = Field(
        default=0, ge=0, description="Resources that are declared; 0 where the region was never entered."
    )


class DifferenceDetail(Model):
    """One field of one resource that is not as declared."""

    region: Annotated[str, Field(max_length=32)] = Field(description="Region, or global for IAM.")
    kind: Annotated[str, Field(max_length=64)] = Field(description="Kind of the resource, for example Rule.")
    name: Annotated[str, Field(max_length=256)] = Field(description="Name of the resource.")
    field: Annotated[str, Field(max_length=256)] = Field(
        description="Path of the field; exists where it is about the whole resource."
    )
    difference: DifferenceKind | None = Field(
        default=None,
        description="Missing: declared and not there. Extra: there and not declared. Changed: another value.",
    )
    wanted: Annotated[str, Field(max_length=512)] = Field(description="The declared value.")
    found: Annotated[str, Field(max_length=512)] = Field(description="The value in AWS.")
    since: datetime = Field(
        description="When it was first listed here; that is when it was found, unless there was no room for it then."
    )
    left: Left | None = Field(
        default=None,
        description="Why it is left so. Observed: mode Observe. Reported: driftPolicy. Fighting: it is changed again and again.",
    )
    author: Annotated[str, Field(max_length=512)] | None = Field(
        default=None, description="Who changed it, from where, by which call and when, where that is known."
    )


class QualysZeroTouchAccountStatus(ObjectStatus):
    """What was found and done in the account."""

    regions: Annotated[list[RegionState], Field(max_length=64)] = Field(
        default_factory=list,
        description="State of every region that holds, or may hold, resources of ours.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
    )
    ready_regions: Annotated[str, Field(max_length=16)] | None = Field(
        default=None, description="Ready regions of all, as ready/total."
    )
    details: Annotated[list[DifferenceDetail], Field(max_length=20)] = Field(
        default_factory=list,
        description="Up to 20 differences that are not mended yet.",
    )
    repairs: Annotated[list[Repair], Field(max_length=20)] = Field(
        default_factory=list,
        description="Up to 20 fields that were put right within the last hour, or are fought over. Of more than 20 those that "
        "are the same in many places are one.",
    )
    truncated: bool | None = Field(
        default=None,
        description="true where more differences exist than details shows; regions count them all.",
    )
    recent_drifts: Annotated[list[RecentDrift], Field(max_length=5)] = Field(
        default_factory=list,
        description="The last 5 resources that others had changed and that were mended, newest first.",
    )
    coverage: CoverageStatus | None = Field(default=None, description="Whether the running instances report inventory.")
    delivery: DeliveryStatus | None = Field(default=None, description="Whether deliveries to Qualys work.")

"""Parts of the spec that the object which people write and the account object share."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from zerotouch.api.types import AccountID, ExternalID, IAMName, Model, RegionName


class RegionSelection(StrEnum):
    """How the regions of an account are chosen."""

    LISTED = "Listed"
    ALL_ENABLED = "AllEnabled"


class DeletionPolicy(StrEnum):
    """What becomes of the AWS resources when they are no longer declared."""

    RETAIN = "Retain"
    DELETE = "Delete"


RegionNames = Annotated[list[RegionName], Field(max_length=40)]


class Regions(Model):
    """The regions to set up."""

    selection: RegionSelection = Field(
        default=RegionSelection.LISTED,
        description="Listed: those in names. AllEnabled: every region that is enabled in the account, also later ones.",
    )
    names: RegionNames = Field(
        default_factory=list,
        description="AWS region names, at most 40; only with selection Listed.",
    )
    exclude: RegionNames = Field(
        default_factory=list,
        description="Regions to leave out; only with selection AllEnabled.",
    )


TagKey = Annotated[str, Field(pattern=r"^[\w.:/=+@ -]+$", min_length=1, max_length=128)]
TagValue = Annotated[str, Field(pattern=r"^[\w.:/=+@ -]*$", max_length=256)]
Tags = Annotated[dict[TagKey, TagValue], Field(max_length=40)]


class TagTarget(Model):
    """Instances that carry one of these values under this tag key."""

    key: TagKey = Field(description="Key of the instance tag.")
    values: Annotated[list[TagValue], Field(min_length=1, max_length=5)] = Field(
        description="Values of the tag, at most 5; an instance needs one of them."
    )


class InventoryTargets(Model):
    """The instances whose inventory is collected. Exactly one field."""

    all_instances: bool | None = Field(default=None, description="true: every managed instance of the region.")
    tags: Annotated[list[TagTarget], Field(min_length=1, max_length=4)] | None = Field(
        default=None,
        description="Only instances that carry these tags, at most 4 keys.",
    )


class InventoryCollect(Model):
    """Which types the SSM agent collects; the defaults are those of the console's Setup Inventory."""

    applications: bool = Field(default=True, description="Installed applications.")
    aws_components: bool = Field(default=True, description="AWS components such as drivers and agents.")
    network_config: bool = Field(default=True, description="Network configuration.")
    windows_updates: bool = Field(default=True, description="Windows updates.")
    instance_detailed_information: bool = Field(default=True, description="Instance details such as CPU.")
    services: bool = Field(default=True, description="Windows services.")
    windows_roles: bool = Field(default=True, description="Windows roles.")
    custom_inventory: bool = Field(default=True, description="Custom inventory written on the instance.")


class Inventory(Model):
    """The SSM State Manager association that collects inventory."""

    schedule: Annotated[
        str,
        Field(
            pattern=r"^(rate\([1-9][0-9]* (minutes?|hours?|days?)\)|cron\([^()]+\))$",
            max_length=256,
        ),
    ] = Field(
        default="rate(30 minutes)",
        description="How often inventory is collected: rate(…) of at least 30 minutes, or cron(…). "
        "Source: AWS Systems Manager, State Manager schedules.",
    )
    targets: InventoryTargets | None = Field(
        default=None,
        description="The instances to collect from; every managed instance where not given.",
    )
    collect: InventoryCollect = Field(default=InventoryCollect(), description="Which inventory types are collected.")


class Retry(Model):
    """How long EventBridge tries to deliver an event."""

    maximum_event_age_seconds: int = Field(
        default=86400,
        ge=60,
        le=86400,
        description="Age in seconds after which an event is given up.",
    )
    maximum_retry_attempts: int = Field(default=185, ge=0, le=185, description="How often a delivery is retried.")


class Delivery(Model):
    """How EventBridge hands events to Qualys."""

    invocation_rate_limit_per_second: int = Field(
        default=300,
        ge=1,
        le=300,
        description="Most requests a second to the Qualys gateway, per region.",
    )
    retry: Retry = Field(default=Retry(), description="The target's retry policy.")


class ConnectorRole(Model):
    """A role, made and owned by the operator, that Qualys assumes."""

    name: IAMName = Field(description="Name of the role; it gets the path /zerotouch/.")
    trusted_account_id: AccountID = Field(
        description="The Qualys AWS account that may assume the role, as the Qualys console shows it; 12 digits."
    )
    external_id: ExternalID = Field(
        description="The external id that the Qualys connector sends, 2 to 1224 characters."
    )


class Connector(Model):
    """The six-action policy of API-based assessment, and the role that carries it. Exactly one field."""

    role: ConnectorRole | None = Field(default=None, description="Make this role and attach the policy to it.")
    existing_role_name: IAMName | None = Field(
        default=None,
        description="Attach the policy to this role, which exists already; only the attachment is ours.",
    )


NamePrefix = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$", min_length=3, max_length=32)]

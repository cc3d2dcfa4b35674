"""Parts of the spec that the object which people write and the account object share."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from zerotouch.api.delivery import DeadLetterQueuePolicy, Evidence
from zerotouch.api.partition import names_of_one_partition
from zerotouch.api.types import IMMUTABLE, SET, AccountID, ExternalID, IAMName, Model, RegionName, exactly_one, rules


class RegionSelection(StrEnum):
    """How the regions of an account are chosen."""

    LISTED = "Listed"
    ALL_ENABLED = "AllEnabled"


class Mode(StrEnum):
    """Whether AWS is changed."""

    ENFORCE = "Enforce"
    OBSERVE = "Observe"


class DeletionPolicy(StrEnum):
    """What becomes of the AWS resources when they are no longer declared."""

    RETAIN = "Retain"
    DELETE = "Delete"


RegionNames = Annotated[list[RegionName], Field(max_length=40, json_schema_extra=SET)]
_ALL = "(has(self.selection) && self.selection == 'AllEnabled')"


class Regions(Model):
    """The regions to set up."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                f"{_ALL} || (has(self.names) && size(self.names) > 0)",
                "selection Listed needs at least one region in names",
                ".names",
            ),
            (
                f"!{_ALL} || !has(self.names) || size(self.names) == 0",
                "selection AllEnabled takes no names: take them out, or use exclude",
                ".names",
            ),
            (
                f"{_ALL} || !has(self.exclude) || size(self.exclude) == 0",
                "exclude goes with selection AllEnabled only: leave the region out of names instead",
                ".exclude",
            ),
            names_of_one_partition(),
        )
    )

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
Tags = Annotated[
    dict[TagKey, TagValue],
    Field(
        max_length=40,
        json_schema_extra=rules(
            (
                "self.all(key, size(key) <= 128 && key.matches('^[a-zA-Z0-9_.:/=+@ -]+$'))",
                "a tag's key has 1 to 128 letters, digits, spaces or any of _.:/=+@-",
                None,
            ),
            (
                "self.all(key, !key.startsWith('aws:') && !key.startsWith('zerotouch.dev/'))",
                "a tag's key may not begin with aws: or zerotouch.dev/",
                None,
            ),
        ),
    ),
]


class TagTarget(Model):
    """Instances that carry one of these values under this tag key."""

    key: TagKey = Field(description="Key of the instance tag.")
    values: Annotated[list[TagValue], Field(min_length=1, max_length=5)] = Field(
        description="Values of the tag, at most 5; an instance needs one of them."
    )


class InventoryTargets(Model):
    """The instances whose inventory is collected. Exactly one field."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.allInstances) != has(self.tags)",
                "give exactly one of allInstances and tags",
                None,
            ),
            (
                "!has(self.allInstances) || self.allInstances",
                "allInstances is true or left out",
                ".allInstances",
            ),
        )
    )

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
            json_schema_extra=rules(
                (
                    "!self.matches('^rate[(]([1-9]|[12][0-9]) minutes?[)]$')",
                    "rate(…) is at least 30 minutes: that is the shortest that State Manager takes",
                    None,
                ),
            ),
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


class Topology(StrEnum):
    """Where the connection and the API destination stand."""

    PER_REGION = "PerRegion"
    MAIN_REGION = "MainRegion"


_MAIN = "(has(self.topology) && self.topology == 'MainRegion')"


class Delivery(Model):
    """How EventBridge hands events to Qualys."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                f"!{_MAIN} || has(self.mainRegion)",
                "topology MainRegion needs mainRegion: name the region that is to deliver the events of all",
                ".mainRegion",
            ),
            (
                f"{_MAIN} || !has(self.mainRegion)",
                "mainRegion goes with topology MainRegion only: take it out, or set the topology",
                ".mainRegion",
            ),
            (
                "!has(self.mainRegion) || !self.mainRegion.startsWith('cn-')",
                "EventBridge hands no events from region to region in China: use topology PerRegion",
                ".mainRegion",
            ),
        )
    )

    topology: Topology = Field(
        default=Topology.PER_REGION,
        description="PerRegion: every region has its own connection and API destination. MainRegion: only mainRegion has "
        "them, and the other regions hand their events to its default bus; not in China. May be changed at any time: "
        "events are led over region by region, and none is lost.",
    )
    main_region: RegionName | None = Field(
        default=None,
        description="The region that delivers the events of all, one of the regions set up in every account; needed with, "
        "and only with, topology MainRegion.",
    )
    invocation_rate_limit_per_second: int = Field(
        default=300,
        ge=1,
        le=300,
        description="Most requests a second to the Qualys gateway, per API destination: per region, or, with topology "
        "MainRegion, for all regions of an account together.",
    )
    retry: Retry = Field(default=Retry(), description="The target's retry policy.")
    dead_letter_queue: DeadLetterQueuePolicy = Field(
        default=DeadLetterQueuePolicy.MANAGED,
        description="Managed: an SQS queue of the operator's in each region keeps the events that EventBridge gave up, and "
        "why, for 14 days. None: they are lost without a trace; a queue made before is deleted, with what is in it.",
    )
    evidence: Evidence = Field(default=Evidence(), description="How it is found out whether deliveries work.")

    @property
    def main(self) -> str | None:
        """The main region; None where each region delivers for itself."""
        return self.main_region if self.topology is Topology.MAIN_REGION else None


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

    model_config = ConfigDict(json_schema_extra=exactly_one("role", "existingRoleName"))

    role: ConnectorRole | None = Field(default=None, description="Make this role and attach the policy to it.")
    existing_role_name: IAMName | None = Field(
        default=None,
        description="Attach the policy to this role, which exists already; only the attachment is ours.",
    )


NamePrefix = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z][A-Za-z0-9-]*$",
        min_length=3,
        max_length=32,
        json_schema_extra=rules(
            (IMMUTABLE, "namePrefix cannot be changed: make a new object, and remove this one afterwards", None)
        ),
    ),
]

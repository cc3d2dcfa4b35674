"""Whether the running instances report inventory, the prerequisite of a scan: how that is looked at, and what was found."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from zerotouch.api.types import Duration, Model, rules


class Gap(StrEnum):
    """Why an instance is not covered: the first stage of the funnel that it does not reach."""

    NOT_MANAGED = "NotManaged"
    AGENT_OFFLINE = "AgentOffline"
    NEVER_INVENTORIED = "NeverInventoried"
    INVENTORY_STALE = "InventoryStale"
    PLATFORM_NOT_ALLOWED = "PlatformNotAllowed"


_Pattern = Annotated[str, Field(pattern=r"^[^\[\]?]+$", min_length=1, max_length=128)]


class AllowedPlatform(Model):
    """A platform that Qualys can scan."""

    name: _Pattern = Field(
        description="PlatformName as SSM reports it, upper and lower case alike; * stands for any text, for example "
        "Microsoft Windows Server 2022*."
    )
    versions: Annotated[list[_Pattern], Field(max_length=20)] = Field(
        default_factory=list,
        description="PlatformVersions as SSM reports them, * for any text, for example 22.*; every version where none is given.",
    )


class Coverage(Model):
    """The funnel from running instances to fresh inventory. It only reads, and AWS does not charge for it."""

    enabled: bool = Field(default=True, description="false: do not look.")
    interval: Duration = Field(
        default="1h",
        description="Time between two looks, 5m to 24h; a look is part of the first pass after it.",
        json_schema_extra=rules(
            (
                "duration(self) >= duration('5m') && duration(self) <= duration('24h')",
                "interval must be from 5m to 24h, for example 1h",
                None,
            )
        ),
    )
    grace_period: Duration = Field(
        default="30m",
        description="Time after its launch within which an instance that does not report yet counts as starting, 0s to 24h.",
        json_schema_extra=rules(
            ("duration(self) <= duration('24h')", "gracePeriod must be at most 24h, for example 30m", None)
        ),
    )
    inventory_max_age: Duration | None = Field(
        default=None,
        description="Age from which inventory is stale, 30m to 720h, for AWS keeps inventory for 30 days. Where not given: "
        "twice the period of the inventory's schedule, and 1h.",
        json_schema_extra=rules(
            (
                "duration(self) >= duration('30m') && duration(self) <= duration('720h')",
                "inventoryMaxAge must be from 30m to 720h, for example 2h",
                None,
            )
        ),
    )
    platforms: Annotated[list[AllowedPlatform], Field(max_length=50)] = Field(
        default_factory=list,
        description="The platforms that count as covered, at most 50; every platform where none is given. Qualys publishes "
        "which it can scan: API-based Scan OS Compatibility.",
    )


class GapCount(Model):
    """How many instances are not covered for one reason."""

    reason: Gap = Field(description="Why they are not covered.")
    instances: int = Field(ge=1, description="How many.")


class RegionCoverage(Model):
    """One region in which instances run. Each stage holds the instances that reached it."""

    name: Annotated[str, Field(max_length=32)] = Field(description="Region.")
    running: int = Field(ge=0, description="Running instances that spec.inventory.targets means.")
    starting: int = Field(ge=0, description="Of these, launched so lately that they need not report yet.")
    online: int = Field(ge=0, description="Managed by SSM, the agent online.")
    inventoried: int = Field(ge=0, description="Online, and with fresh inventory.")
    covered: int = Field(ge=0, description="Inventoried, and of an allowed platform.")
    gaps: Annotated[list[GapCount], Field(max_length=8)] = Field(
        default_factory=list,
        description="Instances that are neither covered nor starting, by reason.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["reason"]},
    )
    truncated: bool | None = Field(
        default=None, description="true where more instances run than are looked at: 5,000 a region."
    )
    reason: Annotated[str, Field(max_length=64)] | None = Field(
        default=None, description="Why the last look failed; the numbers are then those of the look before."
    )
    message: Annotated[str, Field(max_length=512)] | None = Field(
        default=None, description="What went wrong with the last look, and what to do."
    )

    @property
    def uncovered(self) -> int:
        """Instances that are neither covered nor starting."""
        return sum(gap.instances for gap in self.gaps)


class UncoveredInstance(Model):
    """A running instance that Qualys cannot scan."""

    region: Annotated[str, Field(max_length=32)] = Field(description="Region.")
    id: Annotated[str, Field(max_length=32)] = Field(description="The instance's id.")
    reason: Gap = Field(description="Why it is not covered.")
    message: Annotated[str, Field(max_length=512)] = Field(description="What was found and what to do.")


class CoverageStatus(Model):
    """What the last look at the account's instances gave."""

    surveyed_at: datetime | None = Field(
        default=None,
        description="When all regions were last looked at; a look that a passing fault cut short is repeated with the next "
        "pass.",
    )
    settings_hash: Annotated[str, Field(max_length=16)] | None = Field(
        default=None,
        description="Hash of the settings that were looked with; after a change of them it is looked anew.",
    )
    covered_instances: Annotated[str, Field(max_length=16)] | None = Field(
        default=None, description="Covered instances of those running, as covered/running."
    )
    regions: Annotated[list[RegionCoverage], Field(max_length=64)] = Field(
        default_factory=list,
        description="The regions in which instances run, and those that could not be looked at.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    uncovered: Annotated[list[UncoveredInstance], Field(max_length=20)] = Field(
        default_factory=list, description="Up to 20 of the uncovered instances, of every region and reason some."
    )

"""Which running instances of a region report inventory, without which Qualys cannot scan them.

Inventory is told fresh by the CaptureTime of the smallest type that the association collects from every platform:
`AWS:InstanceInformation` comes from the agent itself, collected or not, and a whole page of `AWS:Application` is megabytes.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, TypeVar

from zerotouch.api.spec import Inventory
from zerotouch.api.types import parse_duration
from zerotouch.aws.calls import RegionAPI
from zerotouch.aws.policy import HOST_MANAGEMENT
from zerotouch.desired.context import Context
from zerotouch.desired.schedule import period
from zerotouch.plan.funnel import Agent, Funnel, Instance, Look, Rules, funnel
from zerotouch.resources.base import Observed

# Most instances of a region; they bound a survey to 6 + 101 + 101 + 1 calls.
MOST_INSTANCES: Final = 5000
_INSTANCES_A_PAGE: Final = 1000
_AGENTS_A_PAGE: Final = 50
_TYPES: Final = (
    ("instance_detailed_information", "AWS:InstanceDetailedInformation"),
    ("aws_components", "AWS:AWSComponent"),
    ("network_config", "AWS:Network"),
    ("applications", "AWS:Application"),
)
# Others than online ones are lost at an earlier stage; inventory of terminated ones stays for 30 days.
_ACTIVE: Final = [{"Key": "AWS:InstanceInformation.InstanceStatus", "Values": ["Active"], "Type": "Equal"}]
_T = TypeVar("_T")


@dataclass(frozen=True)
class CoverageSurvey:
    """Survey `coverage`. One call where no instance runs, four where a few do. `only`: one instance, and no other."""

    only: str | None = None
    name: ClassVar[str] = "coverage"

    def run(self, api: RegionAPI, context: Context, seen: Mapping[str, Observed], now: datetime) -> Funnel:
        instances, all_instances = _bounded(_instances(api, context.spec.inventory, self.only))
        if not instances:
            return Funnel()
        agents, all_agents = _bounded(_agents(api))
        known = dict(agents)
        online = any(agent.online for agent in known.values())
        captured, all_captured = _bounded(_captured(api, context.spec.inventory)) if online else ([], True)
        bare = all_agents and any(i.id not in known and not i.has_profile for i in instances)
        rules = Rules(
            grace=parse_duration(context.spec.coverage.grace_period),
            max_age=_max_age(context, seen),
            platforms=context.spec.coverage.platforms,
            host_management=_host_management(api) if bare else None,
        )
        return funnel(Look(instances, known, dict(captured), all_instances, all_agents, all_captured), rules, now)


def _bounded(found: Iterable[_T]) -> tuple[list[_T], bool]:
    """The first of them, and whether that is all."""
    first = list(itertools.islice(found, MOST_INSTANCES + 1))
    return first[:MOST_INSTANCES], len(first) <= MOST_INSTANCES


def _instances(api: RegionAPI, inventory: Inventory, only: str | None) -> Iterator[Instance]:
    """Those that are meant: an inventory association by tags leaves the others to somebody else."""
    tags = inventory.targets.tags if inventory.targets and inventory.targets.tags else ()
    filters = [{"Name": "instance-state-name", "Values": ["running"]}]
    filters += [{"Name": f"tag:{tag.key}", "Values": list(tag.values)} for tag in tags]
    filters += [{"Name": "instance-id", "Values": [only]}] if only else []
    pages = api.pages("ec2", "describe_instances", "Reservations", Filters=filters, MaxResults=_INSTANCES_A_PAGE)
    for reservation in pages:
        for found in reservation["Instances"]:
            yield Instance(found["InstanceId"], found["LaunchTime"], bool(found.get("IamInstanceProfile")))


def _agents(api: RegionAPI) -> Iterator[tuple[str, Agent]]:
    filters = [{"Key": "ResourceType", "Values": ["EC2Instance"]}]
    pages = api.pages(
        "ssm", "describe_instance_information", "InstanceInformationList", Filters=filters, MaxResults=_AGENTS_A_PAGE
    )
    for found in pages:
        online = found.get("PingStatus") == "Online"
        platform, version = found.get("PlatformName", ""), found.get("PlatformVersion", "")
        yield found["InstanceId"], Agent(online, found.get("LastPingDateTime"), platform, version)


def _captured(api: RegionAPI, inventory: Inventory) -> Iterator[tuple[str, datetime]]:
    collected = (name for field, name in _TYPES if getattr(inventory.collect, field))
    wanted = [{"TypeName": next(collected, _TYPES[-1][1])}]
    pages = api.pages(
        "ssm", "get_inventory", "Entities", Filters=_ACTIVE, ResultAttributes=wanted, MaxResults=_AGENTS_A_PAGE
    )
    for entity in pages:
        if at := _capture_time(entity.get("Data", {}).get(wanted[0]["TypeName"], {})):
            yield entity["Id"], at


def _capture_time(item: Mapping[str, Any]) -> datetime | None:
    try:
        at = datetime.fromisoformat(item.get("CaptureTime", ""))
    except ValueError:
        return None
    return at if at.tzinfo else None


def _max_age(context: Context, seen: Mapping[str, Observed]) -> timedelta:
    """As declared, else by the schedule that is in force: that of an association of somebody else, where it satisfies."""
    if declared := context.spec.coverage.inventory_max_age:
        return parse_duration(declared)
    association = seen.get("InventoryAssociation")
    schedule = association.fields.get("schedule") if association else None
    return 2 * period(schedule or context.spec.inventory.schedule) + timedelta(hours=1)


def _host_management(api: RegionAPI) -> bool | None:
    answer = api.find("ssm", "get_service_setting", ("ServiceSettingNotFound",), SettingId=HOST_MANAGEMENT)
    return None if answer is None else answer["ServiceSetting"].get("Status") != "Default"

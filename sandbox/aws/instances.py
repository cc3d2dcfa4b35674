"""SSM's view of instances: which are managed, whether their agent is online, and what it collected.

Every running instance counts as managed, online and freshly inventoried, as with Default Host Management and an inventory
association; `agents` says otherwise. Source: API reference, DescribeInstanceInformation, GetInventory, ListInventoryEntries.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region, json_response
from ministack.services import ec2

from sandbox.aws import associations
from sandbox.aws.caller import Response, error, response

_TYPE: Final = "AWS:InstanceInformation"
_INSTANCE: Final = re.compile(r"(i-([0-9a-f]{8}|[0-9a-f]{17}))|mi-[0-9a-f]{17}")


@dataclass(frozen=True)
class Agent:
    """`ping`: Online, ConnectionLost or Inactive, None where the instance is not managed. Ages are in seconds."""

    ping: str | None = "Online"
    ping_age: float = 10.0
    platform: str = "Linux"
    inventory_age: float | None = 60.0


# (account, region, instance) → agent, where it is not the default one.
agents: dict[tuple[str, str, str], Agent] = {}


def describe_instance_information(data: Mapping[str, Any]) -> Response:
    """Stopped instances are left out; an id that is none fails the whole call."""
    wanted = _wanted(data)
    for identity in wanted or ():
        if not _INSTANCE.fullmatch(identity):
            return error("InvalidInstanceId", f"The instance ID {identity} is not valid.")
    size = data.get("MaxResults", 10)
    if not 5 <= size <= 50:
        return error("ValidationException", f"Value '{size}' at 'maxResults' failed to satisfy constraint: 5 to 50")
    known = [_information(i, a) for i, a in _managed() if wanted is None or i in wanted]
    return _page("InstanceInformationList", known, data, size)


def get_inventory(data: Mapping[str, Any]) -> Response:
    """One entity per instance that ever reported; an old report stays for 30 days."""
    entities = [
        {"Id": identity, "Data": {_TYPE: _item(agent)}}
        for identity, agent in _managed()
        if agent.inventory_age is not None
    ]
    return _page("Entities", entities, data, data.get("MaxResults", 50))


def list_inventory_entries(data: Mapping[str, Any]) -> Response:
    """The entries of one instance."""
    agent = dict(_managed()).get(data["InstanceId"])
    if agent is None:
        return error("InvalidInstanceId", "The instance ID is not valid.")
    item = _item(agent) if agent.inventory_age is not None else {"Content": []}
    answer = {"InstanceId": data["InstanceId"], "TypeName": data["TypeName"], "Entries": item["Content"]}
    return response(json_response({**answer, **{k: item[k] for k in ("SchemaVersion", "CaptureTime") if k in item}}))


_OPERATIONS: Final = {
    "DescribeInstanceInformation": describe_instance_information,
    "GetInventory": get_inventory,
    "ListInventoryEntries": list_inventory_entries,
}


def install() -> None:
    associations.OPERATIONS.update(_OPERATIONS)


def _page(key: str, items: list[dict[str, Any]], data: Mapping[str, Any], size: int) -> Response:
    start = int(data.get("NextToken") or 0)
    more = {"NextToken": str(start + size)} if start + size < len(items) else {}
    return response(json_response({key: items[start : start + size], **more}))


def _managed() -> list[tuple[str, Agent]]:
    where = (get_account_id(), get_region())
    found = []
    for identity, instance in sorted(ec2._instances.items()):
        agent = agents.get((*where, identity), Agent())
        if agent.ping is not None and instance["State"]["Name"] == "running":
            found.append((identity, agent))
    return found


def _wanted(data: Mapping[str, Any]) -> set[str] | None:
    filters = {f["Key"]: set(f["Values"]) for f in data.get("Filters", ())}
    return filters.get("InstanceIds")


def _information(identity: str, agent: Agent) -> dict[str, Any]:
    return {
        "InstanceId": identity,
        "PingStatus": agent.ping,
        "LastPingDateTime": time.time() - agent.ping_age,
        "AgentVersion": "3.3.0.0",
        "PlatformType": agent.platform,
        "PlatformName": "Amazon Linux",
        "PlatformVersion": "2023",
        "ResourceType": "EC2Instance",
        "AssociationStatus": "Success",
    }


def _item(agent: Agent) -> dict[str, Any]:
    captured = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - (agent.inventory_age or 0)))
    content = [{"AgentType": "amazon-ssm-agent", "PlatformType": agent.platform, "InstanceStatus": "Active"}]
    return {"TypeName": _TYPE, "SchemaVersion": "1.0", "CaptureTime": captured, "Content": content}

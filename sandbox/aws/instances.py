"""SSM's view of instances: which are managed, whether their agent is online, and what it collected.

Every running instance counts as managed, online and freshly inventoried, as with an instance profile and an inventory
association; `agents` says otherwise. Source: API reference, DescribeInstanceInformation, GetInventory, ListInventoryEntries.
`AWS:InstanceInformation` comes from the agent itself, with each of its reports; all other types from an inventory association.
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
_COLLECTED: Final = frozenset(
    {"AWS:Application", "AWS:AWSComponent", "AWS:InstanceDetailedInformation", "AWS:Network", "AWS:Service"}
)
_STATUS: Final = f"{_TYPE}.InstanceStatus"
_FILTERS: Final = frozenset({"InstanceIds", "ResourceType", "PingStatus", "PlatformTypes"})
_INSTANCE: Final = re.compile(r"(i-([0-9a-f]{8}|[0-9a-f]{17}))|mi-[0-9a-f]{17}")


@dataclass(frozen=True)
class Agent:
    """`ping`: Online, ConnectionLost or Inactive, None where the instance is not managed. Ages are in seconds."""

    ping: str | None = "Online"
    ping_age: float = 10.0
    platform: str = "Linux"
    platform_name: str = "Amazon Linux"
    platform_version: str = "2023"
    inventory_age: float | None = 60.0


# (account, region, instance) → agent, where it is not the default one.
agents: dict[tuple[str, str, str], Agent] = {}


def describe_instance_information(data: Mapping[str, Any]) -> Response:
    """Stopped instances are left out; an id that is none fails the whole call."""
    filters = {f["Key"]: set(f["Values"]) for f in data.get("Filters", ())}
    if unknown := filters.keys() - _FILTERS:
        return error("InvalidFilterKey", f"filter keys not known here: {sorted(unknown)}")
    for identity in filters.get("InstanceIds", ()):
        if not _INSTANCE.fullmatch(identity):
            return error("InvalidInstanceId", f"The instance ID {identity} is not valid.")
    size = data.get("MaxResults", 10)
    if not 5 <= size <= 50:
        return error("ValidationException", f"Value '{size}' at 'maxResults' failed to satisfy constraint: 5 to 50")
    known = [_information(identity, agent) for identity, agent, state in _managed() if state == "running"]
    fields = {"InstanceIds": "InstanceId", "PlatformTypes": "PlatformType"}
    wanted = [i for i in known if all(i[fields.get(key, key)] in values for key, values in filters.items())]
    return _page("InstanceInformationList", wanted, data, size)


def get_inventory(data: Mapping[str, Any]) -> Response:
    """One entity per instance that was ever managed, also stopped and terminated ones, unless a filter leaves them out.

    Without ResultAttributes that is AWS:InstanceInformation; a type that was never collected is missing from Data.
    """
    types = [attribute["TypeName"] for attribute in data.get("ResultAttributes", ())] or [_TYPE]
    if not _COLLECTED.union({_TYPE}).issuperset(types):
        return error("InvalidTypeNameException", "The parameter type name is not valid.")
    entities = []
    for identity, agent, state in _managed():
        status = _status(agent, state)
        if all(_matches(f, status) for f in data.get("Filters", ())):
            items = {name: _item(name, agent, status) for name in types if _has(name, agent)}
            entities.append({"Id": identity, "Data": items})
    return _page("Entities", entities, data, data.get("MaxResults", 50))


def list_inventory_entries(data: Mapping[str, Any]) -> Response:
    """The entries of one instance."""
    name = data["TypeName"]
    found = next(((a, s) for i, a, s in _managed() if i == data["InstanceId"]), None)
    if found is None:
        return error("InvalidInstanceId", "The instance ID is not valid.")
    agent, state = found
    item = _item(name, agent, _status(agent, state)) if _has(name, agent) else {"Content": []}
    answer = {"InstanceId": data["InstanceId"], "TypeName": name, "Entries": item["Content"]}
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


def _managed() -> list[tuple[str, Agent, str]]:
    """Instance, agent, and EC2's state."""
    where = (get_account_id(), get_region())
    known = [(i, agents.get((*where, i), Agent()), data["State"]["Name"]) for i, data in sorted(ec2._instances.items())]
    return [(identity, agent, state) for identity, agent, state in known if agent.ping is not None]


def _status(agent: Agent, state: str) -> str:
    """InstanceStatus, as inventory shows it."""
    if state != "running":
        return "Terminated" if state in {"terminated", "shutting-down"} else "Stopped"
    return "Active" if agent.ping == "Online" else "ConnectionLost"


def _matches(wanted: Mapping[str, Any], status: str) -> bool:
    if wanted["Key"] != _STATUS:
        raise NotImplementedError(f"the sandbox knows no inventory filter {wanted['Key']}")
    return (status in wanted["Values"]) is (wanted.get("Type", "Equal") == "Equal")


def _has(name: str, agent: Agent) -> bool:
    return name == _TYPE or agent.inventory_age is not None


def _information(identity: str, agent: Agent) -> dict[str, Any]:
    return {
        "InstanceId": identity,
        "PingStatus": agent.ping,
        "LastPingDateTime": time.time() - agent.ping_age,
        "AgentVersion": "3.3.0.0",
        "PlatformType": agent.platform,
        "PlatformName": agent.platform_name,
        "PlatformVersion": agent.platform_version,
        "ResourceType": "EC2Instance",
        "AssociationStatus": "Success",
    }


def _item(name: str, agent: Agent, status: str) -> dict[str, Any]:
    age = agent.ping_age if name == _TYPE else agent.inventory_age or 0.0
    captured = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age))
    content = {"AgentType": "amazon-ssm-agent", "PlatformType": agent.platform, "InstanceStatus": status}
    rows = [content] if name == _TYPE else [{"Name": name.removeprefix("AWS:")}]
    return {"TypeName": name, "SchemaVersion": "1.0", "CaptureTime": captured, "Content": rows}

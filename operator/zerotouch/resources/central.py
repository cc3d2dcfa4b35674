"""The operator's own event bus with its rule and queue: how they should look, what is there, and the way from one to the other.

They stand in the operator's own account, all under the name of the bus. Sources: EventBridge user guide, "Permissions for event
buses" (a bus policy has at most 10 KB) and "Resource-based policies for SQS"; API reference, SetQueueAttributes.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from zerotouch.api.meta import OWNER_TAG
from zerotouch.aws.calls import RegionAPI
from zerotouch.desired.context import ROLE_PATH
from zerotouch.plan.change import Difference
from zerotouch.plan.ownership import by_tags
from zerotouch.resources.base import Fields, Observed, from_tags, tag_changes, to_tags, touches
from zerotouch.resources.roles import as_tree
from zerotouch.resources.rules import create_rule, delete_rule, observe_rule, update_rule, wanted_rule

MOST_POLICY: Final = 10_240
_MISSING: Final = ("ResourceNotFoundException",)
_NO_QUEUE: Final = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NonExistentQueue")
_SOURCES: Final = ("aws.events", "aws.iam", "aws.secretsmanager", "aws.sqs", "aws.ssm")
# An event that nobody read within the hour is told by the look at the interval.
_QUEUE: Final = {"MessageRetentionPeriod": "3600", "VisibilityTimeout": "30", "SqsManagedSseEnabled": "true"}


@dataclass(frozen=True)
class Central:
    """What is declared. `accounts`: whose events are admitted, unless `organization` is given."""

    bus_arn: str
    owner: str
    accounts: tuple[str, ...]
    organization: str | None = None

    @property
    def partition(self) -> str:
        return self.bus_arn.split(":")[1]

    @property
    def region(self) -> str:
        return self.bus_arn.split(":")[3]

    @property
    def account_id(self) -> str:
        return self.bus_arn.split(":")[4]

    @property
    def name(self) -> str:
        return self.bus_arn.partition("event-bus/")[2]

    @property
    def queue_arn(self) -> str:
        return f"arn:{self.partition}:sqs:{self.region}:{self.account_id}:{self.name}"

    @property
    def rule_arn(self) -> str:
        return f"arn:{self.partition}:events:{self.region}:{self.account_id}:rule/{self.name}/{self.name}"

    @property
    def tags(self) -> dict[str, str]:
        return {OWNER_TAG: self.owner}


@dataclass(frozen=True)
class CentralKind:
    """One resource of the plumbing; what `resources/base.py` calls a kind, of the operator's own account."""

    name: str
    desired: Callable[[Central], Fields]
    observe: Callable[[RegionAPI, Central], Observed | None]
    create: Callable[[RegionAPI, Central], None]
    update: Callable[[RegionAPI, Central, Observed, tuple[Difference, ...]], None]
    delete: Callable[[RegionAPI, Central, Observed], None]


def bus_policy(central: Central) -> dict[str, Any]:
    """Who may put events on the bus: the detection roles of the declared accounts, or of the organization's."""
    statement: dict[str, Any] = {
        "Sid": "zerotouch",
        "Effect": "Allow",
        "Principal": {"AWS": "*"} if central.organization else {"AWS": sorted(central.accounts)},
        "Action": "events:PutEvents",
        "Resource": central.bus_arn,
        "Condition": {
            "ArnLike": {"aws:PrincipalArn": f"arn:{central.partition}:iam::*:role{ROLE_PATH}*-detection"},
        },
    }
    if central.organization:
        statement["Condition"]["StringEquals"] = {"aws:PrincipalOrgID": central.organization}
    return {"Version": "2012-10-17", "Statement": [statement]}


def queue_policy(central: Central) -> dict[str, Any]:
    """Only the bus's rule may send."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "zerotouch",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": central.queue_arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": central.rule_arn}},
            }
        ],
    }


def fits(central: Central) -> bool:
    """Whether the bus's policy is as short as it must be."""
    return len(_text(bus_policy(central))) <= MOST_POLICY


def queue_url(api: RegionAPI, central: Central) -> str | None:
    """None where there is no queue."""
    answer = api.find("sqs", "get_queue_url", _NO_QUEUE, QueueName=central.name)
    return str(answer["QueueUrl"]) if answer else None


def _wanted_bus(central: Central) -> Fields:
    # Nobody may put events there yet: AWS takes no list without an account.
    admitted = bool(central.accounts or central.organization)
    return {"policy": _normal(bus_policy(central)) if admitted else None, "tags": central.tags}


def _observe_bus(api: RegionAPI, central: Central) -> Observed | None:
    answer = api.find("events", "describe_event_bus", _MISSING, Name=central.name)
    if answer is None:
        return None
    tags = to_tags(api.call("events", "list_tags_for_resource", ResourceARN=answer["Arn"]).get("Tags", []))
    policy = answer.get("Policy")
    return Observed(
        {"policy": _normal(policy) if policy else None, "tags": tags}, answer["Arn"], by_tags(tags, central.owner)
    )


def _create_bus(api: RegionAPI, central: Central) -> None:
    api.call("events", "create_event_bus", Name=central.name, Tags=from_tags(central.tags))
    if _wanted_bus(central)["policy"]:
        _put_policy(api, central)


def _update_bus(api: RegionAPI, central: Central, found: Observed, differences: tuple[Difference, ...]) -> None:
    if touches(differences, "policy") and _wanted_bus(central)["policy"]:
        _put_policy(api, central)
    elif touches(differences, "policy"):
        api.call("events", "remove_permission", EventBusName=central.name, RemoveAllPermissions=True)
    setting, removing = tag_changes(central.tags, found.fields["tags"])
    if setting:
        api.call("events", "tag_resource", ResourceARN=found.ref, Tags=from_tags(setting))
    if removing:
        api.call("events", "untag_resource", ResourceARN=found.ref, TagKeys=removing)


def _put_policy(api: RegionAPI, central: Central) -> None:
    api.call("events", "put_permission", EventBusName=central.name, Policy=_text(bus_policy(central)))


def _delete_bus(api: RegionAPI, central: Central, found: Observed) -> None:
    api.find("events", "delete_event_bus", _MISSING, Name=central.name)


def _wanted_rule(central: Central) -> Fields:
    target = {"Arn": central.queue_arn}
    pattern = {"source": list(_SOURCES)}
    return wanted_rule("Hands changes in accounts to zerotouch", pattern, central.tags, {"zerotouch": target})


def _wanted_queue(central: Central) -> Fields:
    return {"attributes": dict(_QUEUE), "policy": as_tree(queue_policy(central)), "tags": central.tags}


def _observe_queue(api: RegionAPI, central: Central) -> Observed | None:
    url = queue_url(api, central)
    if url is None:
        return None
    answer = api.find("sqs", "get_queue_attributes", _NO_QUEUE, QueueUrl=url, AttributeNames=["All"])
    if answer is None:
        return None
    attributes = answer.get("Attributes") or {}
    tags = api.call("sqs", "list_queue_tags", QueueUrl=url).get("Tags") or {}
    policy = attributes.get("Policy")
    return Observed(
        {
            "attributes": {name: attributes.get(name) for name in _QUEUE},
            "policy": as_tree(policy) if policy else None,
            "tags": {key: value for key, value in tags.items() if not key.startswith("aws:")},
        },
        central.queue_arn,
        by_tags(tags, central.owner),
        handle=url,
    )


def _create_queue(api: RegionAPI, central: Central) -> None:
    attributes = {**_QUEUE, "Policy": _text(queue_policy(central))}
    api.call("sqs", "create_queue", QueueName=central.name, Attributes=attributes, tags=central.tags)


def _update_queue(api: RegionAPI, central: Central, found: Observed, differences: tuple[Difference, ...]) -> None:
    if touches(differences, "attributes", "policy"):
        attributes = {**_QUEUE, "Policy": _text(queue_policy(central))}
        api.call("sqs", "set_queue_attributes", QueueUrl=found.handle, Attributes=attributes)
    setting, removing = tag_changes(central.tags, found.fields["tags"])
    if setting:
        api.call("sqs", "tag_queue", QueueUrl=found.handle, Tags=setting)
    if removing:
        api.call("sqs", "untag_queue", QueueUrl=found.handle, TagKeys=removing)


def _delete_queue(api: RegionAPI, central: Central, found: Observed) -> None:
    api.find("sqs", "delete_queue", _NO_QUEUE, QueueUrl=found.handle)


CENTRAL_KINDS: Final = (
    CentralKind("Queue", _wanted_queue, _observe_queue, _create_queue, _update_queue, _delete_queue),
    CentralKind("EventBus", _wanted_bus, _observe_bus, _create_bus, _update_bus, _delete_bus),
    CentralKind(
        "Rule",
        _wanted_rule,
        lambda api, c: observe_rule(api, c.name, c.owner, c.name),
        lambda api, c: create_rule(api, c.name, _wanted_rule(c), c.name),
        lambda api, c, found, differences: update_rule(api, c.name, _wanted_rule(c), found, differences, c.name),
        lambda api, c, found: delete_rule(api, c.name, found, c.name),
    ),
)


def _normal(policy: Any) -> Any:
    """One statement's single account comes back as text; `*` may come back bare (IAM JSON policy reference, "Principal")."""
    tree = as_tree(policy)
    for statement in tree.get("Statement", []) if isinstance(tree, Mapping) else []:
        principal = statement.get("Principal")
        if principal == "*":
            statement["Principal"] = {"AWS": ["*"]}
        elif isinstance(principal, dict) and isinstance(principal.get("AWS"), list):
            principal["AWS"] = sorted(_account(p) for p in principal["AWS"])
    return tree


def _account(principal: str) -> str:
    """`arn:aws:iam::111111111111:root` → `111111111111`, as AWS may store it."""
    parts = principal.split(":")
    return parts[4] if principal.endswith(":root") and len(parts) == 6 else principal


def _text(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"))

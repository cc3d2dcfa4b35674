"""Kinds `DetectionRule` and `IAMDetectionRule`."""

import json
from collections.abc import Iterator
from typing import Any

from tests.reconcile.drift.model import ACCOUNT, PREFIX, Break, KindDrift, Then, context, leaves_of
from zerotouch.api.meta import OWNER_TAG
from zerotouch.resources.detection_pattern import iam_pattern, region_pattern
from zerotouch.resources.detection_rule import DetectionRule, IAMDetectionRule
from zerotouch.resources.patterns import as_pattern

_QUEUE = "arn:aws:sqs:us-east-1:123456789012:spy"
_TARGET = "targets.zerotouch"


def _breaks(name: str, pattern: dict[str, Any]) -> Iterator[Break]:
    def put(account: Any, **changes: Any) -> None:
        events = account.client("events")
        found = events.describe_rule(Name=name)
        kept = {k: found[k] for k in ("Name", "EventPattern", "State", "Description") if found.get(k)}
        events.put_rule(**{**kept, **changes})

    def put_pattern(leaf: str) -> Any:
        return lambda a: put(a, EventPattern=json.dumps(_without(pattern, leaf)).replace(ACCOUNT, a.id))

    def target(**changes: Any) -> Any:
        def do(account: Any) -> None:
            events = account.client("events")
            (found,) = events.list_targets_by_rule(Rule=name)["Targets"]
            events.put_targets(Rule=name, Targets=[{**found, **changes}])

        return do

    def execution_role(account: Any) -> None:
        target(RoleArn=f"arn:aws:iam::{account.id}:role/zerotouch/{PREFIX}-events")(account)

    def tag(key: str, value: str) -> Any:
        def do(account: Any) -> None:
            events = account.client("events")
            arn = events.describe_rule(Name=name)["Arn"]
            events.tag_resource(ResourceARN=arn, Tags=[{"Key": key, "Value": value}])

        return do

    def delete(account: Any) -> None:
        events = account.client("events")
        events.remove_targets(Rule=name, Ids=["zerotouch"])
        events.delete_rule(Name=name)

    def spy(account: Any) -> None:
        account.client("events").put_targets(Rule=name, Targets=[{"Id": "spy", "Arn": _QUEUE}])

    def own_bus(account: Any) -> None:
        target(Arn=f"arn:aws:events:eu-west-1:{account.id}:event-bus/default")(account)

    yield Break("exists", "deleted", delete)
    yield Break("state", "disabled", lambda a: a.client("events").disable_rule(Name=name))
    yield Break("description", "changed", lambda a: put(a, Description="changed"))
    for leaf in leaves_of(pattern):
        yield Break(f"eventPattern.{leaf}", "another", put_pattern(leaf))
    yield Break("schedule", "added", lambda a: put(a, ScheduleExpression="rate(1 hour)"))
    yield Break("role", "added", lambda a: put(a, RoleArn=f"arn:aws:iam::{a.id}:role/zerotouch"))
    yield Break("tags.team", "changed", tag("team", "x"))
    yield Break("tags.more", "added", tag("more", "x"))
    yield Break(
        f"tags.{OWNER_TAG}",
        "another owner",
        tag(OWNER_TAG, "x/y/z"),
        Then.CONFLICT,
        lambda a: tag(OWNER_TAG, a.owner)(a),
    )
    yield Break(_TARGET, "removed", lambda a: a.client("events").remove_targets(Rule=name, Ids=["zerotouch"]))
    yield Break(f"{_TARGET}.Arn", "another bus", own_bus)
    yield Break(f"{_TARGET}.RoleArn", "another role", execution_role)
    yield Break("targets.spy", "a second target", spy)


def _without(pattern: dict[str, Any], leaf: str) -> dict[str, Any]:
    """The pattern with another value there; of the alternatives one is left out."""
    changed: dict[str, Any] = json.loads(json.dumps(pattern))
    node, path = changed, leaf.partition("[")[0].split(".")
    for key in path[:-1]:
        node = node[key]
    if path[-1] == "$or":
        # It needs two alternatives at least.
        index, others = int(leaf.partition("$or[")[2].partition("]")[0]), node["$or"]
        node["$or"] = [others[1 - index]] * 2 if len(others) == 2 else others[:index] + others[index + 1 :]
    else:
        node[path[-1]] = ["another"]
    return changed


_SENT = {
    "put_rule.Name": "(identity)",
    "put_rule.Description": "description",
    "put_rule.EventPattern": "eventPattern",
    "put_rule.State": "state",
    "put_rule.Tags": "tags",
    "put_targets.Rule": "(identity)",
    "put_targets.Targets": "targets",
}
DRIFT = KindDrift(
    DetectionRule(),
    tuple(_breaks(f"{PREFIX}-detection", as_pattern(region_pattern(context(DetectionRule()))))),
    sent=_SENT,
)
IAM_DRIFT = KindDrift(
    IAMDetectionRule(),
    tuple(_breaks(f"{PREFIX}-detection-iam", as_pattern(iam_pattern(context(IAMDetectionRule()))))),
    sent=_SENT,
)

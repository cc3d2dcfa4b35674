"""EventBridge rule on the default bus, with its target: a started EC2 instance → the API destination.

With topology MainRegion the target is the main region's default bus, and the main region's rule admits the regions that hand
their events there. It is one rule with one target in either case, so that one PutTargets leads the events another way.
The pattern is Qualys's, narrowed to the own account and regions, so that foreign or looped events never reach Qualys.
Source for the bus as a target: EventBridge user guide, "Sending and receiving events between Regions".
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from zerotouch.api.delivery import DeadLetterQueuePolicy
from zerotouch.api.meta import OWNER_TAG
from zerotouch.aws.calls import RegionAPI
from zerotouch.desired.context import Context
from zerotouch.plan.ownership import Ownership, by_tags
from zerotouch.plan.routing import Fact, Says
from zerotouch.resources.base import (
    Differences,
    Fields,
    Observed,
    RoutingKind,
    from_tags,
    tag_changes,
    to_tags,
    touches,
)
from zerotouch.resources.dead_letter_queue import queue_arn
from zerotouch.resources.entries import raise_for_failed_entries
from zerotouch.resources.execution_role import ExecutionRole
from zerotouch.resources.forward_role import ForwardRole
from zerotouch.resources.patterns import as_pattern

TARGET_ID: Final = "qualys"
DESCRIPTION: Final = "Tells Qualys of every EC2 instance that starts"
_MISSING: Final = ("ResourceNotFoundException",)


class Rule(RoutingKind):
    """Kind `Rule`."""

    name = "Rule"
    account_wide = False
    needs: tuple[str, ...] = ("APIDestination",)

    def resource_name(self, context: Context) -> str:
        return context.prefix

    def desired(self, context: Context) -> Fields | None:
        return {
            "state": "ENABLED",
            "description": DESCRIPTION,
            "eventPattern": as_pattern(event_pattern(context.account_id, context.route.admits)),
            "schedule": None,
            "role": None,
            "tags": context.tags,
            "targets": {TARGET_ID: _target(context)},
        }

    def observe(self, api: RegionAPI, context: Context) -> Observed | None:
        answer = api.find("events", "describe_rule", _MISSING, Name=context.prefix)
        if answer is None:
            return None
        tags = to_tags(api.call("events", "list_tags_for_resource", ResourceARN=answer["Arn"]).get("Tags", []))
        targets = list(api.pages("events", "list_targets_by_rule", "Targets", Rule=context.prefix))
        managed = answer.get("ManagedBy")
        fields = {
            "state": answer.get("State"),
            "description": answer.get("Description"),
            "eventPattern": as_pattern(answer.get("EventPattern")),
            "schedule": answer.get("ScheduleExpression"),
            "role": answer.get("RoleArn"),
            "tags": tags,
            "targets": {t["Id"]: {k: v for k, v in t.items() if k != "Id"} for t in targets},
        }
        return Observed(
            fields=fields,
            ref=answer["Arn"],
            ownership=Ownership.FOREIGN if managed else by_tags(tags, context.owner),
            owner=managed or tags.get(OWNER_TAG),
            facts=frozenset(_facts(fields, context)),
        )

    def create(self, api: RegionAPI, context: Context, token: str | None) -> None:
        self._put_rule(api, context, tags=True)
        self._put_target(api, context)

    def update(
        self, api: RegionAPI, context: Context, observed: Observed, differences: Differences, token: str | None
    ) -> None:
        wanted = self.desired(context) or {}
        if touches(differences, "state", "description", "eventPattern", "schedule", "role"):
            self._put_rule(api, context, tags=False)
        if touches(differences, "tags"):
            setting, removing = tag_changes(wanted["tags"], observed.fields["tags"])
            if setting:
                api.call(
                    "events",
                    "tag_resource",
                    ResourceARN=observed.ref,
                    Tags=from_tags(setting),
                )
            if removing:
                api.call(
                    "events",
                    "untag_resource",
                    ResourceARN=observed.ref,
                    TagKeys=removing,
                )
        if touches(differences, f"targets.{TARGET_ID}"):
            self._put_target(api, context)
        extra = sorted(observed.fields["targets"].keys() - wanted["targets"].keys())
        if extra:
            self._remove_targets(api, context, extra)

    def delete(self, api: RegionAPI, context: Context, observed: Observed) -> None:
        targets = sorted(observed.fields["targets"])
        if targets:
            self._remove_targets(api, context, targets)
        api.find("events", "delete_rule", _MISSING, Name=context.prefix)

    def _put_rule(self, api: RegionAPI, context: Context, *, tags: bool) -> None:
        wanted = self.desired(context) or {}
        api.call(
            "events",
            "put_rule",
            Name=context.prefix,
            Description=wanted["description"],
            EventPattern=json.dumps(wanted["eventPattern"], separators=(",", ":")),
            State=wanted["state"],
            **({"Tags": from_tags(wanted["tags"])} if tags else {}),
        )

    def _put_target(self, api: RegionAPI, context: Context) -> None:
        target = {
            "Id": TARGET_ID,
            **(self.desired(context) or {})["targets"][TARGET_ID],
        }
        answer = api.call("events", "put_targets", Rule=context.prefix, Targets=[target])
        raise_for_failed_entries(answer, api, "put_targets")

    @staticmethod
    def _remove_targets(api: RegionAPI, context: Context, ids: list[str]) -> None:
        answer = api.call("events", "remove_targets", Rule=context.prefix, Ids=ids)
        raise_for_failed_entries(answer, api, "remove_targets")


def dead_letters(context: Context) -> dict[str, Any]:
    """The target's part that names the queue. By its name, not by what exists: a rule without its queue is still a rule."""
    managed = context.spec.delivery.dead_letter_queue is DeadLetterQueuePolicy.MANAGED
    return {"DeadLetterConfig": {"Arn": queue_arn(context)}} if managed else {}


def event_pattern(account_id: str, regions: Iterable[str]) -> dict[str, Any]:
    """EC2 instances of this account and these regions that reach the state running."""
    return {
        "account": [account_id],
        "region": list(regions),
        "source": ["aws.ec2"],
        "detail-type": ["EC2 Instance State-change Notification"],
        "detail": {"state": ["running"]},
    }


def _target(context: Context) -> dict[str, Any]:
    """A bus in another region takes neither a retry policy nor an input, but a dead-letter queue (API reference, Target)."""
    to, retry = context.route.to, context.spec.delivery.retry
    if to != context.scope:
        return {
            "Arn": ForwardRole.resource(context, to),
            "RoleArn": context.iam_arn("role", ForwardRole.name_of(context)),
            **dead_letters(context),
        }
    return {
        "Arn": context.ref("APIDestination"),
        "RoleArn": context.iam_arn("role", ExecutionRole.name_of(context)),
        "RetryPolicy": {
            "MaximumEventAgeInSeconds": retry.maximum_event_age_seconds,
            "MaximumRetryAttempts": retry.maximum_retry_attempts,
        },
        **dead_letters(context),
    }


def _facts(fields: Fields, context: Context) -> Iterator[Fact]:
    region, pattern = context.scope, fields["eventPattern"]
    if fields["state"] == "ENABLED":
        yield Fact(Says.ENABLED, region)
    named = pattern.get("region") if isinstance(pattern, dict) else None
    if isinstance(named, list) and pattern == as_pattern(event_pattern(context.account_id, named)):
        yield from (Fact(Says.ADMITS, region, other) for other in named)
    arn = fields["targets"].get(TARGET_ID, {}).get("Arn")
    bus = re.fullmatch(re.escape(ForwardRole.resource(context, "REGION")).replace("REGION", "([a-z0-9-]+)"), str(arn))
    if arn is not None and arn == context.ref("APIDestination"):
        yield Fact(Says.HANDS_TO, region, region)
    elif bus and bus[1] != region:
        yield Fact(Says.HANDS_TO, region, bus[1])

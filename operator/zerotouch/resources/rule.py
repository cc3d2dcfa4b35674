"""EventBridge rule on the default bus, with its target: a started EC2 instance → the API destination.

The pattern is Qualys's, narrowed to the own account and region, so that foreign or looped events never reach Qualys.
"""

import json
from typing import Any, Final

from zerotouch.api.delivery import DeadLetterQueuePolicy
from zerotouch.api.meta import OWNER_TAG
from zerotouch.aws.calls import RegionAPI
from zerotouch.desired.context import Context
from zerotouch.plan.ownership import Ownership, by_tags
from zerotouch.resources.base import (
    Differences,
    Fields,
    Observed,
    from_tags,
    tag_changes,
    to_tags,
    touches,
)
from zerotouch.resources.dead_letter_queue import queue_arn
from zerotouch.resources.entries import raise_for_failed_entries
from zerotouch.resources.execution_role import ExecutionRole
from zerotouch.resources.patterns import as_pattern

TARGET_ID: Final = "qualys"
DESCRIPTION: Final = "Tells Qualys of every EC2 instance that starts"
_MISSING: Final = ("ResourceNotFoundException",)


class Rule:
    """Kind `Rule`."""

    name = "Rule"
    account_wide = False
    needs: tuple[str, ...] = ("APIDestination",)

    def resource_name(self, context: Context) -> str:
        return context.prefix

    def desired(self, context: Context) -> Fields | None:
        retry = context.spec.delivery.retry
        return {
            "state": "ENABLED",
            "description": DESCRIPTION,
            "eventPattern": as_pattern(event_pattern(context.account_id, context.scope)),
            "schedule": None,
            "role": None,
            "tags": context.tags,
            "targets": {
                TARGET_ID: {
                    "Arn": context.ref("APIDestination"),
                    "RoleArn": context.iam_arn("role", ExecutionRole.name_of(context)),
                    "RetryPolicy": {
                        "MaximumEventAgeInSeconds": retry.maximum_event_age_seconds,
                        "MaximumRetryAttempts": retry.maximum_retry_attempts,
                    },
                    **dead_letters(context),
                }
            },
        }

    def observe(self, api: RegionAPI, context: Context) -> Observed | None:
        answer = api.find("events", "describe_rule", _MISSING, Name=context.prefix)
        if answer is None:
            return None
        tags = to_tags(api.call("events", "list_tags_for_resource", ResourceARN=answer["Arn"]).get("Tags", []))
        targets = list(api.pages("events", "list_targets_by_rule", "Targets", Rule=context.prefix))
        managed = answer.get("ManagedBy")
        return Observed(
            fields={
                "state": answer.get("State"),
                "description": answer.get("Description"),
                "eventPattern": as_pattern(answer.get("EventPattern")),
                "schedule": answer.get("ScheduleExpression"),
                "role": answer.get("RoleArn"),
                "tags": tags,
                "targets": {t["Id"]: {k: v for k, v in t.items() if k != "Id"} for t in targets},
            },
            ref=answer["Arn"],
            ownership=Ownership.FOREIGN if managed else by_tags(tags, context.owner),
            owner=managed or tags.get(OWNER_TAG),
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


def event_pattern(account_id: str, region: str) -> dict[str, Any]:
    """EC2 instances of this account and region that reach the state running."""
    return {
        "account": [account_id],
        "region": [region],
        "source": ["aws.ec2"],
        "detail-type": ["EC2 Instance State-change Notification"],
        "detail": {"state": ["running"]},
    }

"""SQS queue in which EventBridge leaves the events that it could not deliver; one a region, for the rule there.

PutTargets does not open the queue for the rule, so that its policy is ours to write (EventBridge user guide, "Granting
permissions to the dead-letter queue"). What SQS answers of an attribute may be a minute old, of the retention a quarter of
an hour (API reference, SetQueueAttributes): within that time after a write of ours nothing is said of it.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from zerotouch.api.delivery import DeadLetterQueuePolicy
from zerotouch.api.meta import OWNER_TAG
from zerotouch.aws.calls import RegionAPI
from zerotouch.aws.errors import AWSError
from zerotouch.desired.context import Context
from zerotouch.plan.ownership import by_tags
from zerotouch.resources.base import Differences, Fields, Observed, tag_changes, touches
from zerotouch.resources.roles import as_tree

RETENTION_SECONDS: Final = 14 * 24 * 3600  # the longest there is
_MISSING: Final = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_EXISTS: Final = ("QueueAlreadyExists", "QueueNameExists")
_ATTRIBUTES: Final = {
    "retentionSeconds": "MessageRetentionPeriod",
    "managedEncryption": "SqsManagedSseEnabled",
    "kmsKey": "KmsMasterKeyId",
    "policy": "Policy",
    "redrive": "RedrivePolicy",
}
_READ: Final = sorted({*_ATTRIBUTES.values(), "ApproximateNumberOfMessages"})
_TOLD_AFTER: Final = {"retentionSeconds": 15 * 60.0}
_TOLD_AFTER_ELSE: Final = 60.0


@dataclass(frozen=True)
class Letters:
    """Where they lie, and about how many. The `handle` of what is observed."""

    queue_url: str
    waiting: int


@dataclass(frozen=True)
class _Known:
    """Of one queue, in this process: its URL never changes, and when we wrote to it (by the kind's clock)."""

    url: str
    written_at: float | None = None


class DeadLetterQueue:
    """Kind `DeadLetterQueue`. Thread-safe. `clock` is in seconds."""

    name = "DeadLetterQueue"
    account_wide = False
    needs: tuple[str, ...] = ()

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._known: dict[str, _Known] = {}

    def resource_name(self, context: Context) -> str:
        return queue_name(context)

    def desired(self, context: Context) -> Fields | None:
        if context.spec.delivery.dead_letter_queue is DeadLetterQueuePolicy.NONE:
            return None
        return {
            "retentionSeconds": RETENTION_SECONDS,
            "managedEncryption": True,
            "kmsKey": None,
            "policy": as_tree(_policy(context)),
            "redrive": None,
            "tags": context.tags,
        }

    def observe(self, api: RegionAPI, context: Context) -> Observed | None:
        arn = queue_arn(context)
        url = self._url(api, context)
        if url is None:
            return None
        answer = api.find("sqs", "get_queue_attributes", _MISSING, QueueUrl=url, AttributeNames=_READ)
        tags = answer and api.find("sqs", "list_queue_tags", _MISSING, QueueUrl=url)
        if answer is None or tags is None:
            return None
        attributes = answer.get("Attributes") or {}
        owned = tags.get("Tags") or {}
        found = {**_fields(attributes), "tags": {k: v for k, v in owned.items() if not k.startswith("aws:")}}
        waiting = int(attributes.get("ApproximateNumberOfMessages", 0))
        return Observed(
            fields=self._settled(arn, self.desired(context) or {}, found),
            ref=arn,
            ownership=by_tags(owned, context.owner),
            owner=owned.get(OWNER_TAG),
            handle=Letters(url, waiting),
            loses=f"{waiting} dead letters" if waiting else None,
        )

    def create(self, api: RegionAPI, context: Context, token: str | None) -> None:
        wanted = self.desired(context) or {}
        attributes = _attributes(wanted, {"retentionSeconds", "managedEncryption", "policy"})
        name = queue_name(context)
        try:
            answer = api.call("sqs", "create_queue", QueueName=name, Attributes=attributes, tags=wanted["tags"])
        except AWSError as error:
            if error.code not in _EXISTS:
                raise
        else:
            if url := answer.get("QueueUrl"):
                self._known[queue_arn(context)] = _Known(url, self.clock())

    def update(
        self, api: RegionAPI, context: Context, observed: Observed, differences: Differences, token: str | None
    ) -> None:
        wanted, url = self.desired(context) or {}, observed.handle.queue_url
        changed = {name for name in _ATTRIBUTES if touches(differences, name)}
        if changed:
            api.call("sqs", "set_queue_attributes", QueueUrl=url, Attributes=_attributes(wanted, changed))
            self._known[queue_arn(context)] = _Known(url, self.clock())
        setting, removing = tag_changes(wanted["tags"], observed.fields["tags"])
        if setting:
            api.call("sqs", "tag_queue", QueueUrl=url, Tags=setting)
        if removing:
            api.call("sqs", "untag_queue", QueueUrl=url, TagKeys=removing)

    def delete(self, api: RegionAPI, context: Context, observed: Observed) -> None:
        api.find("sqs", "delete_queue", _MISSING, QueueUrl=observed.handle.queue_url)

    def _url(self, api: RegionAPI, context: Context) -> str | None:
        known = self._known.get(queue_arn(context))
        if known is not None:
            return known.url
        answer = api.find("sqs", "get_queue_url", _MISSING, QueueName=queue_name(context))
        if answer is None:
            return None
        self._known[queue_arn(context)] = _Known(str(answer["QueueUrl"]))
        return str(answer["QueueUrl"])

    def _settled(self, arn: str, wanted: Fields, found: dict[str, Any]) -> dict[str, Any]:
        """As SQS says it, or will say it once what we wrote has reached all of it."""
        known = self._known.get(arn)
        if known is None or known.written_at is None:
            return found
        age = self.clock() - known.written_at
        fresh = {k for k in _ATTRIBUTES if k in wanted and age < _TOLD_AFTER.get(k, _TOLD_AFTER_ELSE)}
        return found | {k: wanted[k] for k in fresh}


def queue_name(context: Context) -> str:
    """The queue's name in AWS."""
    return f"{context.prefix}-dead-letters"


def queue_arn(context: Context) -> str:
    """ARN of the queue of this region."""
    return f"arn:{context.partition}:sqs:{context.scope}:{context.account_id}:{queue_name(context)}"


def _policy(context: Context) -> dict[str, Any]:
    """EventBridge may send, on behalf of the rule of this region and no other."""
    rule = f"arn:{context.partition}:events:{context.scope}:{context.account_id}:rule/{context.prefix}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "DeadLettersOfOurRule",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn(context),
                "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
            }
        ],
    }


def _fields(attributes: Mapping[str, str]) -> dict[str, Any]:
    return {
        "retentionSeconds": int(attributes.get("MessageRetentionPeriod", 0)),
        "managedEncryption": attributes.get("SqsManagedSseEnabled", "false").lower() == "true",
        "kmsKey": attributes.get("KmsMasterKeyId") or None,
        "policy": _tree(attributes.get("Policy")),
        "redrive": _tree(attributes.get("RedrivePolicy")),
    }


def _tree(document: str | None) -> Any:
    if not document:
        return None
    try:
        return as_tree(document)
    except ValueError:
        return document


def _attributes(wanted: Fields, names: set[str]) -> dict[str, str]:
    """As SQS takes them: all values are text, and an empty one removes."""
    return {_ATTRIBUTES[name]: _text(wanted[name]) for name in sorted(names)}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else json.dumps(value)

"""Kind `DeadLetterQueue`."""

import json
from typing import Any

from tests.reconcile.drift.model import PREFIX, Break, KindDrift, Then, context, documents
from zerotouch.api.meta import OWNER_TAG
from zerotouch.resources.dead_letter_queue import DeadLetterQueue

_KIND = DeadLetterQueue()
_NAME = f"{PREFIX}-dead-letters"
# Statements name the account: those of the tests' accounts are put in its place.
_POLICY = (_KIND.desired(context(_KIND)) or {})["policy"]


def _queue(account: Any) -> dict[str, str]:
    return {"QueueUrl": account.client("sqs").get_queue_url(QueueName=_NAME)["QueueUrl"]}


def _set(**attributes: str) -> Any:
    return lambda a: a.client("sqs").set_queue_attributes(**_queue(a), Attributes=attributes)


def _put_policy(account: Any, document: dict[str, Any]) -> None:
    text = json.dumps(document).replace(":100000000000:", f":{account.id}:")
    account.client("sqs").set_queue_attributes(**_queue(account), Attributes={"Policy": text})


def _tag(key: str, value: str) -> Any:
    return lambda a: a.client("sqs").tag_queue(**_queue(a), Tags={key: value})


def _mark(account: Any) -> None:
    _tag(OWNER_TAG, account.owner)(account)


def _move_letters(account: Any) -> None:
    account.client("sqs").create_queue(QueueName="spy")
    to = {"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:{account.id}:spy", "maxReceiveCount": 1}
    _set(RedrivePolicy=json.dumps(to))(account)


def _delete(account: Any) -> None:
    # AWS lets nobody use the name for a minute, which tests/reconcile/test_dead_letters.py shows.
    account.admin.set_queue_times(account.id, deleted=0)
    account.client("sqs").delete_queue(**_queue(account))


DRIFT = KindDrift(
    _KIND,
    (
        Break("exists", "deleted", _delete),
        Break("retentionSeconds", "a minute", _set(MessageRetentionPeriod="60")),
        Break("managedEncryption", "off", _set(SqsManagedSseEnabled="false")),
        Break("kmsKey", "a key", _set(KmsMasterKeyId="alias/aws/sqs")),
        Break("policy", "removed", _set(Policy="")),
        *documents(
            "policy",
            _POLICY,
            _put_policy,
            {
                "Version": "2008-10-17",
                "Sid": "Other",
                "Effect": "Deny",
                "Service": ["sns.amazonaws.com"],
                "Action": ["sqs:*"],
                "Resource": ["*"],
                "aws:SourceArn": ["arn:aws:events:us-east-1:123456789012:rule/other"],
            },
        ),
        Break("redrive", "letters led elsewhere", _move_letters),
        Break("tags.team", "changed", _tag("team", "x")),
        Break("tags.more", "added", _tag("more", "x")),
        Break(f"tags.{OWNER_TAG}", "another owner", _tag(OWNER_TAG, "x/y/z"), Then.CONFLICT, _mark),
    ),
    sent={
        "create_queue.QueueName": "(identity)",
        "create_queue.Attributes": "retentionSeconds,managedEncryption,policy",
        "create_queue.tags": "tags",
    },
)

"""SQS as its API reference shows it: names that were deleted, encryption, and attributes that are read back late.

Sources: API reference, CreateQueue and DeleteQueue (a name may be used again after 60 seconds), SetQueueAttributes (up to 60
seconds until a change is everywhere; one sort of encryption at a time); developer guide, "SSE-SQS" (on for new queues).
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region
from ministack.services import sqs

_VOLATILE: Final = "Approximate"


@dataclass
class Times:
    """In seconds. `deleted`: before a name may be used again. `late`: until a changed attribute is read back."""

    deleted: float = 60.0
    late: float = 0.0


times: dict[str, Times] = {}
# By the clock that is never set back: with no time to wait, a step back must not make a name wait either.
_deleted: dict[tuple[str, str, str], float] = {}
_before: dict[str, tuple[float, dict[str, str]]] = {}

_create = sqs._HANDLERS["CreateQueue"]
_delete = sqs._HANDLERS["DeleteQueue"]
_get = sqs._HANDLERS["GetQueueAttributes"]
_set = sqs._HANDLERS["SetQueueAttributes"]

Handler = Callable[[dict[str, Any], str], dict[str, Any]]


def create_queue(data: dict[str, Any], url: str) -> dict[str, Any]:
    place = (get_account_id(), get_region(), data.get("QueueName", ""))
    if time.monotonic() - _deleted.get(place, -math.inf) < _times().deleted:
        text = "You must wait 60 seconds after deleting a queue before you can create another with the same name."
        raise sqs._Err("QueueDeletedRecently", text)
    attributes = data.get("Attributes") or {}
    encryption = {} if attributes.get("KmsMasterKeyId") else {"SqsManagedSseEnabled": "true"}
    answer = _create({**data, "Attributes": {**encryption, **attributes}}, url)
    return dict(answer)


def delete_queue(data: dict[str, Any], url: str) -> dict[str, Any]:
    queue = sqs._get_q(data.get("QueueUrl", url))
    answer = _delete(data, url)
    _deleted[get_account_id(), get_region(), queue["name"]] = time.monotonic()
    return dict(answer)


def set_queue_attributes(data: dict[str, Any], url: str) -> dict[str, Any]:
    queue = sqs._get_q(data.get("QueueUrl", url))
    changes = dict(data.get("Attributes") or {})
    key = changes.get("KmsMasterKeyId", queue["attributes"].get("KmsMasterKeyId"))
    if key and changes.get("SqsManagedSseEnabled") == "true":
        raise sqs._Err("InvalidAttributeValue", "You can use one type of server-side encryption (SSE) at one time.")
    if changes.get("KmsMasterKeyId"):
        changes["SqsManagedSseEnabled"] = "false"
    before = dict(queue["attributes"])
    answer = _set({**data, "Attributes": changes}, url)
    _before[queue["url"]] = (time.monotonic(), before)
    if changes.get("KmsMasterKeyId") == "":
        queue["attributes"].pop("KmsMasterKeyId", None)
    return dict(answer)


def get_queue_attributes(data: dict[str, Any], url: str) -> dict[str, Any]:
    answer = dict(_get(data, url))
    queue = sqs._get_q(data.get("QueueUrl", url))
    at, before = _before.get(queue["url"], (-math.inf, {}))
    if time.monotonic() - at < _times().late:
        now = answer["Attributes"]
        stale = {k: v for k, v in before.items() if k in now or k in (data.get("AttributeNames") or [])}
        answer["Attributes"] = stale | {k: v for k, v in now.items() if k.startswith(_VOLATILE)}
    return answer


def install() -> None:
    sqs._HANDLERS.update(
        {
            "CreateQueue": create_queue,
            "DeleteQueue": delete_queue,
            "GetQueueAttributes": get_queue_attributes,
            "SetQueueAttributes": set_queue_attributes,
        }
    )


def _times() -> Times:
    return times.get(get_account_id(), Times())

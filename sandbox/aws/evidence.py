"""What deliveries leave behind: CloudWatch metrics by rule, and dead letters with the reason as attributes.

Sources: EventBridge user guide, "Monitoring Amazon EventBridge" (metrics, most of which exist only where they are not zero;
rules of the default bus have the dimension RuleName only) and "Using dead-letter queues" (attributes; the queue's policy must
let the rule in, and the queue must stand in the rule's account and Region).
"""

import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudwatch, sqs

_EVENTS: Final = "events.amazonaws.com"


def count(rule: Mapping[str, Any], *metrics: str) -> None:
    """One more of each, in the account and Region of the request."""
    bus = rule.get("EventBusName", "default")
    dimensions = {"RuleName": rule["Name"], **({} if bus == "default" else {"EventBusName": bus})}
    for metric in metrics:
        cloudwatch.record_metric("AWS/Events", metric, 1, "Count", dimensions)


def succeed(rule: Mapping[str, Any]) -> None:
    """The target took the event."""
    count(rule, "SuccessfulInvocationAttempts", "Invocations")


def give_up(
    rule: Mapping[str, Any],
    target: Mapping[str, Any],
    payload: str,
    code: str,
    message: str,
    retries: int = 0,
    exhausted: str | None = None,
) -> None:
    """The event is not tried any more. `exhausted`: which limit of the retry policy, None where it was not retried."""
    count(rule, "Invocations", "FailedInvocations")
    arn = (target.get("DeadLetterConfig") or {}).get("Arn")
    if not arn:
        return
    here = f":sqs:{get_region()}:{get_account_id()}:"
    queue = sqs._queue_by_arn(arn) if here in arn else None
    if queue is None or not sqs.queue_policy_allows(arn, _EVENTS, rule["Arn"], get_account_id()):
        count(rule, "InvocationsFailedToBeSentToDlq")
        return
    texts = {
        "RULE_ARN": rule["Arn"],
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": code,
        "ERROR_MESSAGE": message,
        "RETRY_ATTEMPTS": str(retries),
        **({"EXHAUSTED_RETRY_CONDITION": exhausted} if exhausted else {}),
    }
    _put(queue, payload, {name: {"DataType": "String", "StringValue": text} for name, text in texts.items()})
    count(rule, "InvocationsSentToDlq")


def _put(queue: dict[str, Any], body: str, attributes: dict[str, Any]) -> None:
    now = time.time()
    message = {
        "id": str(uuid.uuid4()),
        "body": body,
        "sent_at": now,
        "visible_at": now + sqs.queue_delay(queue),
        "message_attributes": attributes,
        "sys": {"SenderId": "AIDAEVENTS", "SentTimestamp": str(int(now * 1000))},
    }
    sqs._ensure_msg_fields(message)
    message["md5_body"] = sqs.hashlib.md5(body.encode()).hexdigest()
    queue["messages"].append(message)

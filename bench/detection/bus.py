"""What arrives on the operator's event bus, seen by a rule and a queue beside the operator's own."""

import json
from typing import Any, Final

from sandbox.aws.admin import BASE_ACCOUNT, Admin
from sandbox.deployment import BUS_ARN
from sandbox.processes import wait_until

_BUS: Final = BUS_ARN.rpartition("/")[2]
_NAME: Final = "bench"
_CALLS: Final = "AWS API Call via CloudTrail"
# The emulated trail puts an event there before the next call is served.
_ARRIVES_WITHIN: Final = 2.0


class Bus:
    """Needs the operator's bus to be there."""

    def __init__(self, admin: Admin) -> None:
        events, self._sqs = admin.client("events", BASE_ACCOUNT), admin.client("sqs", BASE_ACCOUNT)
        pattern = json.dumps({"detail-type": [{"prefix": ""}]})
        rule = events.put_rule(Name=_NAME, EventBusName=_BUS, EventPattern=pattern)["RuleArn"]
        self._url = self._sqs.create_queue(QueueName=_NAME)["QueueUrl"]
        arn = f"arn:aws:sqs:us-east-1:{BASE_ACCOUNT}:{_NAME}"
        send = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
        statement = {**send, "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": rule}}}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        events.put_targets(Rule=_NAME, EventBusName=_BUS, Targets=[{"Id": _NAME, "Arn": arn}])

    def empty(self) -> None:
        """Forget what has arrived."""
        while self._receive():
            pass

    def first(self, account: str) -> float | None:
        """When the first call of the account arrived since, in seconds of the epoch; None if none does."""
        arrived: list[float] = []

        def any_arrived() -> bool:
            arrived.extend(at for whose, at in self._receive() if whose == account)
            return bool(arrived)

        try:
            wait_until(any_arrived, _ARRIVES_WITHIN)
        except TimeoutError:
            return None
        self.empty()
        return min(arrived)

    def _receive(self) -> list[tuple[str, float]]:
        """Account and time of arrival of some calls; states of connections are left out."""
        found = self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["SentTimestamp"]
        )
        messages: list[dict[str, Any]] = found.get("Messages", [])
        for message in messages:
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        read = [(json.loads(m["Body"]), int(m["Attributes"]["SentTimestamp"]) / 1000) for m in messages]
        return [(body["account"], at) for body, at in read if body["detail-type"] == _CALLS]

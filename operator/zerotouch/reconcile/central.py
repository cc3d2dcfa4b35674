"""The operator's own event bus, rule and queue: made right, read, and removed again, under the operator's own identity."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog

from zerotouch.api.conditions import Reason
from zerotouch.aws.calls import Pass, RegionAPI
from zerotouch.aws.errors import AWSError, Call, Retry
from zerotouch.plan.change import Action, Change, Conflict, ResourceID
from zerotouch.plan.decide import decide
from zerotouch.plan.ownership import Ownership
from zerotouch.plan.render import show_change
from zerotouch.reconcile.report import Problem
from zerotouch.resources.base import Observed
from zerotouch.resources.central import CENTRAL_KINDS, MOST_POLICY, Central, CentralKind, fits, queue_url

_log = structlog.get_logger()
# Shorter than the client's read timeout.
WAIT_SECONDS: Final = 10
_MOST_MESSAGES: Final = 10


@dataclass(frozen=True)
class Message:
    """One of the queue. `sent_at`: Unix time at which it arrived there."""

    body: str
    receipt: str
    sent_at: float | None


class CentralEvents:
    """Blocks while AWS is called. `enter`: account and region → API of the operator's own identity."""

    def __init__(self, enter: Callable[[str, str, Pass], RegionAPI], bounds: Pass) -> None:
        self._enter, self._bounds = enter, bounds
        self._url: tuple[str, str] | None = None

    def reconcile(self, central: Central) -> Problem | None:
        """Make it right; answers what is not. Raises Interrupted only."""
        if not fits(central):
            return Problem(Reason.QUOTA_EXCEEDED, _too_many(central), Retry.PERSON)
        try:
            api = self._api(central)
            problems = [problem for kind in CENTRAL_KINDS if (problem := self._mend(kind, api, central))]
        except AWSError as error:
            return Problem(error.reason, str(error), error.retry)
        return problems[0] if problems else None

    def remove(self, central: Central) -> Problem | None:
        """Delete what is ours of it. Raises Interrupted only."""
        self._url = None
        try:
            api = self._api(central)
            for kind in reversed(CENTRAL_KINDS):
                found = kind.observe(api, central)
                if found is not None and found.ownership is Ownership.OURS:
                    _log.info("removing", account=central.account_id, kind=kind.name, name=central.name)
                    kind.delete(api, central, found)
        except AWSError as error:
            return Problem(error.reason, str(error), error.retry)
        return None

    def receive(self, central: Central) -> list[Message]:
        """Wait some seconds for messages. Raises AWSError or Interrupted."""
        api = self._api(central)
        try:
            answer = api.call(
                "sqs",
                "receive_message",
                QueueUrl=self._queue(api, central),
                MaxNumberOfMessages=_MOST_MESSAGES,
                WaitTimeSeconds=WAIT_SECONDS,
                MessageSystemAttributeNames=["SentTimestamp"],
            )
        except AWSError:
            self._url = None
            raise
        return [_message(entry) for entry in answer.get("Messages") or []]

    def delete(self, central: Central, messages: list[Message]) -> None:
        """They were handled, or are none of ours. Raises AWSError or Interrupted."""
        api = self._api(central)
        entries = [{"Id": str(number), "ReceiptHandle": m.receipt} for number, m in enumerate(messages)]
        api.call("sqs", "delete_message_batch", QueueUrl=self._queue(api, central), Entries=entries)

    def _api(self, central: Central) -> RegionAPI:
        return self._enter(central.account_id, central.region, self._bounds)

    def _queue(self, api: RegionAPI, central: Central) -> str:
        if self._url is None or self._url[0] != central.queue_arn:
            url = queue_url(api, central)
            if url is None:
                raise _no_queue(api, central)
            self._url = (central.queue_arn, url)
        return self._url[1]

    def _mend(self, kind: CentralKind, api: RegionAPI, central: Central) -> Problem | None:
        found = kind.observe(api, central)
        decision = _decide(kind, central, found)
        if isinstance(decision, Conflict):
            return Problem(Reason.CONFLICT, decision.message, Retry.PERSON)
        if decision is None:
            return None
        _log.info("applying", account=central.account_id, change=show_change(decision))
        if decision.action is Action.CREATE:
            self._url = None
            kind.create(api, central)
        elif found is not None:
            kind.update(api, central, found, decision.differences)
        return None


def _decide(kind: CentralKind, central: Central, found: Observed | None) -> Change | Conflict | None:
    return decide(
        ResourceID(kind.name, central.region, central.name),
        kind.desired(central),
        found.fields if found else None,
        found.ownership if found else None,
        found.owner if found else None,
    )


def _message(entry: dict[str, Any]) -> Message:
    sent = str((entry.get("Attributes") or {}).get("SentTimestamp") or "")
    return Message(
        str(entry.get("Body", "")), str(entry["ReceiptHandle"]), int(sent) / 1000 if sent.isdigit() else None
    )


def _too_many(central: Central) -> str:
    return (
        f"{len(central.accounts)} accounts by name make the event bus's policy longer than the {MOST_POLICY} characters that "
        "AWS takes: set ZEROTOUCH_EVENTS_ORGANIZATION_ID"
    )


def _no_queue(api: RegionAPI, central: Central) -> AWSError:
    call = Call(central.account_id, api.name, "sqs", "get_queue_url")
    return AWSError(call, Reason.AWS_ERROR, Retry.SOON, "QueueDoesNotExist", "the queue is not there")

"""What an event, or a record of CloudTrail, tells of a change. Pure and total: whatever comes in, nothing is raised.

Sources: EventBridge user guide, "AWS service event metadata", events detail reference; CloudTrail user guide, "CloudTrail record
contents". Nothing of the request but names of resources is kept.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from zerotouch.plan.author import Author

_CLOUDTRAIL: Final = "AWS API Call via CloudTrail"
_MOST_TEXT: Final = 256
_MOST_BYTES: Final = 262_144


class Sort(StrEnum):
    """Sorts of AWS resources, as the names of our kinds end."""

    CONNECTION = "Connection"
    DESTINATION = "Destination"
    RULE = "Rule"
    ASSOCIATION = "Association"
    ROLE = "Role"
    POLICY = "Policy"
    QUEUE = "Queue"


@dataclass(frozen=True)
class Named:
    """A resource that an event names; `name` is empty where it names an id only."""

    sort: Sort
    name: str


@dataclass(frozen=True)
class Signal:
    """`what`: the call or the state. `session`: ARN of the caller, None where the event has none."""

    account: str
    region: str
    what: str
    at: datetime
    named: frozenset[Named]
    session: str | None = None
    author: Author | None = None
    failed: bool = False


def parse_message(text: str) -> Signal | None:
    """An EventBridge event as a queue holds it; None where it is none that we could understand."""
    event = _load(text)
    account, region, detail = _text(event, "account"), _text(event, "region"), _mapping(event, "detail")
    if account is None or region is None:
        return None
    if _text(event, "detail-type") == _CLOUDTRAIL:
        return _of_call(account, region, detail)
    at, what = _time(_text(event, "time")), _text(event, "detail-type")
    if at is None or what is None:
        return None
    named = frozenset(
        Named(sort, name)
        for key, sort in (("ConnectionName", Sort.CONNECTION), ("ApiDestinationName", Sort.DESTINATION))
        if _text(event, "source") == "aws.events" and (name := _text(detail, key)) is not None
    )
    return Signal(account, region, what, at, named)


def parse_record(text: str) -> Signal | None:
    """A record of CloudTrail, as LookupEvents answers it."""
    record = _load(text)
    account, region = _text(record, "recipientAccountId"), _text(record, "awsRegion")
    return None if account is None or region is None else _of_call(account, region, record)


def _of_call(account: str, region: str, record: Mapping[str, Any]) -> Signal | None:
    source, what, at = _text(record, "eventSource"), _text(record, "eventName"), _time(_text(record, "eventTime"))
    if source is None or what is None or at is None:
        return None
    service, identity = source.partition(".")[0], _mapping(record, "userIdentity")
    session = _text(identity, "arn")
    principal = session or _text(identity, "invokedBy") or _text(identity, "principalId") or _text(identity, "type")
    author = Author(principal, f"{service}:{what}", at, _text(record, "sourceIPAddress")) if principal else None
    named = frozenset(_named(service, what, _mapping(record, "requestParameters")))
    return Signal(account, region, what, at, named, session, author, failed=bool(record.get("errorCode")))


def _named(service: str, what: str, parameters: Mapping[str, Any]) -> Iterator[Named]:
    match service:
        case "events":
            yield from _of_events(what, parameters)
        case "ssm":
            if "Association" in what or parameters.get("resourceType") == "Association":
                yield Named(Sort.ASSOCIATION, "")
        case "iam":
            for key, sort in (("roleName", Sort.ROLE), ("policyArn", Sort.POLICY), ("policyName", Sort.POLICY)):
                name = _text(parameters, key)
                # Inline policies have a name, too; they are the role's.
                if name is not None and not (key == "policyName" and "roleName" in parameters):
                    yield Named(sort, name.rpartition("/")[2])
        case "sqs":
            for key in ("queueUrl", "queueName"):
                if (name := _text(parameters, key)) is not None:
                    yield Named(Sort.QUEUE, name.rpartition("/")[2])
        case "secretsmanager":
            name = (_text(parameters, "secretId") or "").partition("events!connection/")[2].partition("/")[0]
            if name:
                yield Named(Sort.CONNECTION, name)
        case _:
            return


def _of_events(what: str, parameters: Mapping[str, Any]) -> Iterator[Named]:
    name = _text(parameters, "name")
    arn = _text(parameters, "resourceARN") or ""
    rule = _text(parameters, "rule") or arn.partition(":rule/")[2].rpartition("/")[2]
    if rule:
        yield Named(Sort.RULE, rule)
    if name is not None:
        if "Connection" in what:
            yield Named(Sort.CONNECTION, name)
        elif "ApiDestination" in what:
            yield Named(Sort.DESTINATION, name)
        elif "Rule" in what:
            yield Named(Sort.RULE, name)


def _load(text: str) -> Mapping[str, Any]:
    if len(text) > _MOST_BYTES:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _mapping(node: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = node.get(key)
    return value if isinstance(value, Mapping) else {}


def _text(node: Mapping[str, Any], key: str) -> str | None:
    """A text that is short and printable; nothing else could be shown."""
    value = node.get(key)
    if not isinstance(value, str) or not value or not value.isprintable():
        return None
    return value if len(value) <= _MOST_TEXT else None


def _time(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text or "")
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        # The first and the last day that there are may be on the other side of them in UTC.
        return None

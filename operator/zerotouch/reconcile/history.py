"""CloudTrail's event history, asked for the author of a drift: little, only after a drift, and only calls that changed something.

Source: API reference, LookupEvents: one attribute a request, at most 50 events a page, two requests a second per account and
region; an event may appear up to 15 minutes late.
"""

import itertools
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final

from zerotouch.aws.calls import AccountAPI, RegionAPI
from zerotouch.desired.context import Context
from zerotouch.desired.values import GLOBAL
from zerotouch.plan.change import ResourceID
from zerotouch.plan.signal import Signal, Sort, parse_record
from zerotouch.reconcile.signals import explains, judge_author
from zerotouch.resources.detection_pattern import iam_events_region

_PAGE: Final = 50
# Pages of one question; the newest come first.
_MOST_PAGES: Final = 2
_BY_SERVICE: Final = {
    Sort.RULE: "events.amazonaws.com",
    Sort.CONNECTION: "events.amazonaws.com",
    Sort.DESTINATION: "events.amazonaws.com",
    Sort.QUEUE: "sqs.amazonaws.com",
}
# SSM's agents write to the history all the time: the service's name alone would find nothing else.
_OF_ASSOCIATIONS: Final = ("UpdateAssociation", "DeleteAssociation", "CreateAssociation", "AddTagsToResource")

Question = tuple[str, str]


def look_up(api: AccountAPI, context: Context, resources: Collection[ResourceID], since: datetime) -> list[Signal]:
    """Changes by others to these resources since then. Raises AWSError or Interrupted."""
    asked = {(_region(resource, context), question) for resource in resources for question in _questions(resource)}
    found: list[Signal] = []
    for region, question in sorted(asked):
        answered = _ask(api.region(region), question, since)
        found += [s for s in answered if judge_author(s, context) and any(explains(s, r) for r in resources)]
    return found


def _region(resource: ResourceID, context: Context) -> str:
    return iam_events_region(context.partition) if resource.region == GLOBAL else resource.region


def _questions(resource: ResourceID) -> Iterator[Question]:
    for sort in Sort:
        if not resource.kind.endswith(sort.value):
            continue
        if sort in _BY_SERVICE:
            yield "EventSource", _BY_SERVICE[sort]
        elif sort is Sort.ASSOCIATION:
            for name in _OF_ASSOCIATIONS:
                yield "EventName", name
        else:
            yield "ResourceName", resource.name


def _ask(api: RegionAPI, question: Question, since: datetime) -> Iterator[Signal]:
    key, value = question
    events = api.pages(
        "cloudtrail",
        "lookup_events",
        "Events",
        LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}],
        StartTime=since,
        MaxResults=_PAGE,
    )
    for event in itertools.islice(events, _PAGE * _MOST_PAGES):
        signal = parse_record(str(event.get("CloudTrailEvent", "")))
        if signal is not None:
            yield signal

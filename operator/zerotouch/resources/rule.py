"""EventBridge rule on the default bus, with its target: a started EC2 instance → the API destination.

With topology MainRegion the target is the main region's default bus, and the main region's rule admits the regions that hand
their events there. It is one rule with one target in either case, so that one PutTargets leads the events another way.
The pattern is Qualys's, narrowed to the own account and regions, so that foreign or looped events never reach Qualys.
Source for the bus as a target: EventBridge user guide, "Sending and receiving events between Regions".
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from zerotouch.api.delivery import DeadLetterQueuePolicy
from zerotouch.aws.calls import RegionAPI
from zerotouch.desired.context import Context
from zerotouch.plan.routing import Fact, Says
from zerotouch.resources.base import Differences, Fields, Observed, RoutingKind
from zerotouch.resources.dead_letter_queue import queue_arn
from zerotouch.resources.execution_role import ExecutionRole
from zerotouch.resources.forward_role import ForwardRole
from zerotouch.resources.patterns import STATE_CHANGE, as_pattern
from zerotouch.resources.rules import create_rule, delete_rule, observe_rule, update_rule, wanted_rule

TARGET_ID: Final = "qualys"
DESCRIPTION: Final = "Tells Qualys of every EC2 instance that starts"


class Rule(RoutingKind):
    """Kind `Rule`."""

    name = "Rule"
    account_wide = False
    needs: tuple[str, ...] = ("APIDestination",)

    def resource_name(self, context: Context) -> str:
        return context.prefix

    def desired(self, context: Context) -> Fields | None:
        pattern = event_pattern(context.account_id, context.route.admits)
        return wanted_rule(DESCRIPTION, pattern, context.tags, {TARGET_ID: _target(context)})

    def observe(self, api: RegionAPI, context: Context) -> Observed | None:
        observed = observe_rule(api, context.prefix, context.owner)
        return observed and replace(observed, facts=frozenset(_facts(observed.fields, context)))

    def create(self, api: RegionAPI, context: Context, token: str | None) -> None:
        create_rule(api, context.prefix, self.desired(context) or {})

    def update(
        self, api: RegionAPI, context: Context, observed: Observed, differences: Differences, token: str | None
    ) -> None:
        update_rule(api, context.prefix, self.desired(context) or {}, observed, differences)

    def delete(self, api: RegionAPI, context: Context, observed: Observed) -> None:
        delete_rule(api, context.prefix, observed)


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
        "detail-type": [STATE_CHANGE],
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

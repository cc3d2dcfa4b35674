"""Kind `Rule`: with the API destination as its target, and with the main region's bus."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any, Final

from tests.reconcile.drift.model import AWAY, HOME, MAIN_REGION, PREFIX, Break, KindDrift, Then
from zerotouch.api.meta import OWNER_TAG
from zerotouch.resources.rule import Rule, event_pattern

_QUEUE: Final = "arn:aws:sqs:{}:123456789012:spy"
_SENT: Final = {
    "put_rule.Name": "(identity)",
    "put_rule.Description": "description",
    "put_rule.EventPattern": "eventPattern",
    "put_rule.State": "state",
    "put_rule.Tags": "tags",
    "put_targets.Rule": "(identity)",
    "put_targets.Targets": "targets",
}


class _RuleIn:
    """The rule of one region."""

    def __init__(self, region: str) -> None:
        self._region, self._queue = region, _QUEUE.format(region)

    def breaks(self) -> Iterator[Break]:
        """What can be broken of either form."""
        yield Break("exists", "deleted", self._delete)
        yield Break("state", "disabled", lambda a: self._events(a).disable_rule(Name=PREFIX))
        yield Break("description", "changed", lambda a: self._put(a, Description="changed"))
        accounts = ["123456789012", "210987654321"]
        yield Break("eventPattern.account", "another account added", self._pattern(account=accounts))
        yield Break("eventPattern.region", "another", self._pattern(region=["us-west-2"]))
        yield Break("eventPattern.region", "one added", self._pattern(region=[self._region, "us-west-2"]))
        yield Break("eventPattern.source", "widened", self._pattern(source=["aws.ec2", "aws.s3"]))
        other = {"detail-type": ["EC2 Spot Instance Interruption"]}
        yield Break("eventPattern.detail-type", "another", self._pattern(**other))
        states = {"state": ["running", "stopped"]}
        yield Break("eventPattern.detail.state", "widened", self._pattern(detail=states))
        yield Break("schedule", "added", lambda a: self._put(a, ScheduleExpression="rate(1 hour)"))
        yield Break("role", "added", lambda a: self._put(a, RoleArn=f"arn:aws:iam::{a.id}:role/zerotouch"))
        yield Break("tags.team", "changed", self._tag("team", "x"))
        yield Break("tags.more", "added", self._tag("more", "x"))
        yield Break(f"tags.{OWNER_TAG}", "another owner", self._tag(OWNER_TAG, "x/y/z"), Then.CONFLICT, self._mark)
        yield Break("targets.qualys", "removed", self._remove_target)
        yield Break("targets.qualys.Arn", "elsewhere", lambda a: self.target(a, Arn=self._queue))
        yield Break("targets.qualys.RoleArn", "another role", self._other_role)
        queue = {"Arn": self._queue}
        how = "another queue"
        yield Break("targets.qualys.DeadLetterConfig.Arn", how, lambda a: self.target(a, DeadLetterConfig=queue))
        yield Break("targets.spy", "a second target", self._second_target)

    def target(self, account: Any, **changes: Any) -> None:
        events = self._events(account)
        (target,) = events.list_targets_by_rule(Rule=PREFIX)["Targets"]
        events.put_targets(Rule=PREFIX, Targets=[{**target, **changes}])

    def _events(self, account: Any) -> Any:
        return account.client("events", self._region)

    def _put(self, account: Any, **changes: Any) -> None:
        found = self._events(account).describe_rule(Name=PREFIX)
        kept = {k: found[k] for k in ("Name", "EventPattern", "State", "Description") if found.get(k)}
        self._events(account).put_rule(**{**kept, **changes})

    def _pattern(self, **changes: Any) -> Any:
        return lambda a: self._put(a, EventPattern=json.dumps({**event_pattern(a.id, [self._region]), **changes}))

    def _other_role(self, account: Any) -> None:
        trusted = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
        iam, name = account.client("iam"), f"other-{self._region}"
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        self.target(account, RoleArn=iam.get_role(RoleName=name)["Role"]["Arn"])

    def _second_target(self, account: Any) -> None:
        self._events(account).put_targets(Rule=PREFIX, Targets=[{"Id": "spy", "Arn": self._queue}])

    def _remove_target(self, account: Any) -> None:
        self._events(account).remove_targets(Rule=PREFIX, Ids=["qualys"])

    def _tag(self, key: str, value: str) -> Any:
        def do(account: Any) -> None:
            arn = self._events(account).describe_rule(Name=PREFIX)["Arn"]
            self._events(account).tag_resource(ResourceARN=arn, Tags=[{"Key": key, "Value": value}])

        return do

    def _mark(self, account: Any) -> None:
        self._tag(OWNER_TAG, account.owner)(account)

    def _delete(self, account: Any) -> None:
        self._remove_target(account)
        self._events(account).delete_rule(Name=PREFIX)


_HERE, _AWAY = _RuleIn(HOME), _RuleIn(AWAY)


def _retry(**changes: int) -> Any:
    policy = {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400, **changes}
    return lambda a: _HERE.target(a, RetryPolicy=policy)


def _other_bus(account: Any) -> None:
    _AWAY.target(account, Arn=f"arn:aws:events:us-west-2:{account.id}:event-bus/default")


DRIFT = KindDrift(
    Rule(),
    (
        *_HERE.breaks(),
        Break("targets.qualys.RetryPolicy.MaximumRetryAttempts", "none", _retry(MaximumRetryAttempts=0)),
        Break("targets.qualys.RetryPolicy.MaximumEventAgeInSeconds", "60", _retry(MaximumEventAgeInSeconds=60)),
        Break("targets.qualys.Input", "added", lambda a: _HERE.target(a, Input='{"x": 1}')),
    ),
    sent=_SENT,
)
FORWARDING = KindDrift(
    Rule(),
    (*_AWAY.breaks(), Break("targets.qualys.Arn", "the bus of another region", _other_bus)),
    sent=_SENT,
    spec=MAIN_REGION,
    region=AWAY,
    form="forwarding",
)

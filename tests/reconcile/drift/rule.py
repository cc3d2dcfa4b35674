"""Kind `Rule`."""

import json
from typing import Any

from tests.reconcile.drift.model import OWNER, PREFIX, Break, KindDrift, Then
from zerotouch.api.meta import OWNER_TAG
from zerotouch.resources.rule import Rule, event_pattern

_QUEUE = "arn:aws:sqs:us-east-1:123456789012:spy"


def _put(account: Any, **changes: Any) -> None:
    events = account.client("events")
    found = events.describe_rule(Name=PREFIX)
    kept = {k: found[k] for k in ("Name", "EventPattern", "State", "Description") if found.get(k)}
    events.put_rule(**{**kept, **changes})


def _pattern(**changes: Any) -> Any:
    return lambda a: _put(a, EventPattern=json.dumps({**event_pattern(a.id, "us-east-1"), **changes}))


def _target(account: Any, **changes: Any) -> None:
    events = account.client("events")
    (target,) = events.list_targets_by_rule(Rule=PREFIX)["Targets"]
    events.put_targets(Rule=PREFIX, Targets=[{**target, **changes}])


def _retry(**changes: int) -> Any:
    policy = {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400, **changes}
    return lambda a: _target(a, RetryPolicy=policy)


def _other_role(account: Any) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    iam = account.client("iam")
    role = iam.create_role(RoleName="other", AssumeRolePolicyDocument=json.dumps(trust))
    _target(account, RoleArn=role["Role"]["Arn"])


def _second_target(account: Any) -> None:
    account.client("events").put_targets(Rule=PREFIX, Targets=[{"Id": "spy", "Arn": _QUEUE}])


def _tag(key: str, value: str) -> Any:
    def do(account: Any) -> None:
        events = account.client("events")
        arn = events.describe_rule(Name=PREFIX)["Arn"]
        events.tag_resource(ResourceARN=arn, Tags=[{"Key": key, "Value": value}])

    return do


def _delete(account: Any) -> None:
    events = account.client("events")
    events.remove_targets(Rule=PREFIX, Ids=["qualys"])
    events.delete_rule(Name=PREFIX)


DRIFT = KindDrift(
    Rule(),
    (
        Break("exists", "deleted", _delete),
        Break("state", "disabled", lambda a: a.client("events").disable_rule(Name=PREFIX)),
        Break("description", "changed", lambda a: _put(a, Description="changed")),
        Break("eventPattern.account", "another account added", _pattern(account=["123456789012", "210987654321"])),
        Break("eventPattern.region", "another", _pattern(region=["eu-west-1"])),
        Break("eventPattern.source", "widened", _pattern(source=["aws.ec2", "aws.s3"])),
        Break("eventPattern.detail-type", "another", _pattern(**{"detail-type": ["EC2 Spot Instance Interruption"]})),
        Break("eventPattern.detail.state", "widened", _pattern(detail={"state": ["running", "stopped"]})),
        Break("schedule", "added", lambda a: _put(a, ScheduleExpression="rate(1 hour)")),
        Break("role", "added", lambda a: _put(a, RoleArn=f"arn:aws:iam::{a.id}:role/zerotouch")),
        Break("tags.team", "changed", _tag("team", "x")),
        Break("tags.more", "added", _tag("more", "x")),
        Break(f"tags.{OWNER_TAG}", "another owner", _tag(OWNER_TAG, "x/y/z"), Then.CONFLICT, _tag(OWNER_TAG, OWNER)),
        Break("targets.qualys", "removed", lambda a: a.client("events").remove_targets(Rule=PREFIX, Ids=["qualys"])),
        Break("targets.qualys.Arn", "elsewhere", lambda a: _target(a, Arn=_QUEUE)),
        Break("targets.qualys.RoleArn", "another role", _other_role),
        Break("targets.qualys.RetryPolicy.MaximumRetryAttempts", "none", _retry(MaximumRetryAttempts=0)),
        Break("targets.qualys.RetryPolicy.MaximumEventAgeInSeconds", "60", _retry(MaximumEventAgeInSeconds=60)),
        Break(
            "targets.qualys.DeadLetterConfig.Arn",
            "another queue",
            lambda a: _target(a, DeadLetterConfig={"Arn": _QUEUE}),
        ),
        Break("targets.qualys.Input", "added", lambda a: _target(a, Input='{"x": 1}')),
        Break("targets.spy", "a second target", _second_target),
    ),
    sent={
        "put_rule.Name": "(identity)",
        "put_rule.Description": "description",
        "put_rule.EventPattern": "eventPattern",
        "put_rule.State": "state",
        "put_rule.Tags": "tags",
        "put_targets.Rule": "(identity)",
        "put_targets.Targets": "targets",
    },
)

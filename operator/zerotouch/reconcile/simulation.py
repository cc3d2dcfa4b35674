"""A synthetic event through the connection, API destination and role of a region, by a rule that exists only meanwhile.

Nobody may put events of `aws.ec2` on a bus (API reference, PutEvents), so the rule that is at work can only be asked whether
it would match an instance's start (TestEventPattern), and the rest of the way is gone by an event of another source.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from zerotouch.api.conditions import Reason
from zerotouch.api.meta import OWNER_TAG
from zerotouch.aws.calls import Pass, RegionAPI
from zerotouch.aws.errors import AWSError, Call, Retry
from zerotouch.desired.context import Context
from zerotouch.reconcile.delivery import metric_query
from zerotouch.resources.base import from_tags, to_tags
from zerotouch.resources.rule import TARGET_ID

SOURCE: Final = "zerotouch.simulate"
DETAIL_TYPE: Final = "zerotouch simulation"
_TARGET: Final = "simulate"
_MISSING: Final = ("ResourceNotFoundException",)
# Invocations count failed ones too, and may be told before FailedInvocations are: they prove nothing.
_METRICS: Final = ("SuccessfulInvocationAttempts", "FailedInvocations")
_POLL_SECONDS: Final = 5.0
_PERIOD_SECONDS: Final = 60


@dataclass(frozen=True)
class Simulated:
    """`matches`: the rule at work would match an instance's start. `delivered`: None where CloudWatch told nothing in time."""

    matches: bool
    delivered: bool | None


def rule_name(prefix: str) -> str:
    """Of the rule that exists meanwhile."""
    return f"{prefix}-simulate"


def detail(run: str) -> dict[str, str]:
    """What the event says; `run` tells one simulation from another."""
    return {"run": run, "note": "A test of the way to Qualys. No instance started."}


@dataclass(frozen=True)
class Timing:
    """Seconds: until a new rule surely matches, and to wait for CloudWatch at the most."""

    settle: float = 30.0
    patience: float = 300.0


def simulate(api: RegionAPI, always: RegionAPI, context: Context, bounds: Pass, run: str, timing: Timing) -> Simulated:
    """`always`: the same API where an interruption does not reach, to clean up. Raises AWSError, Interrupted."""
    target = _target_at_work(api, context)
    matches = _matches(api, context)
    _check_name(api, context)
    started = datetime.now(UTC)
    try:
        _put(api, context, target, run)
        bounds.wait(timing.settle)
        _send(api, run)
        return Simulated(matches, _outcome(api, context, bounds, started, timing.patience))
    finally:
        _clean_up(always, context)


def instance_start(account: str, region: str) -> dict[str, Any]:
    """As EC2 tells it (EC2 user guide, "State change events")."""
    instance = "i-00000000000000000"
    return {
        "id": "00000000-0000-0000-0000-000000000000",
        "detail-type": "EC2 Instance State-change Notification",
        "source": "aws.ec2",
        "account": account,
        "time": "2026-01-01T00:00:00Z",
        "region": region,
        "resources": [f"arn:aws:ec2:{region}:{account}:instance/{instance}"],
        "detail": {"instance-id": instance, "state": "running"},
    }


def _target_at_work(api: RegionAPI, context: Context) -> Mapping[str, Any]:
    targets = api.find("events", "list_targets_by_rule", _MISSING, Rule=context.prefix)
    found = next((t for t in (targets or {}).get("Targets", []) if t["Id"] == TARGET_ID), None)
    if found is None:
        raise _refused(context, Reason.DRIFTED, "there is no rule with a target to test: see `zerotouch doctor`")
    return found  # type: ignore[no-any-return]


def _matches(api: RegionAPI, context: Context) -> bool:
    rule = api.call("events", "describe_rule", Name=context.prefix)
    event = json.dumps(instance_start(context.account_id, context.scope))
    answer = api.call("events", "test_event_pattern", EventPattern=rule["EventPattern"], Event=event)
    return bool(answer["Result"]) and rule["State"] == "ENABLED"


def _check_name(api: RegionAPI, context: Context) -> None:
    """One that a simulation left which was killed is ours."""
    name = rule_name(context.prefix)
    rule = api.find("events", "describe_rule", _MISSING, Name=name)
    if rule is None:
        return
    tags = to_tags(api.call("events", "list_tags_for_resource", ResourceARN=rule["Arn"]).get("Tags", []))
    if tags.get(OWNER_TAG) != context.owner:
        raise _refused(context, Reason.CONFLICT, f"there is a rule {name} that is not ours: rename or delete it")


def _put(api: RegionAPI, context: Context, target: Mapping[str, Any], run: str) -> None:
    name = rule_name(context.prefix)
    api.call(
        "events",
        "put_rule",
        Name=name,
        Description="A simulation by zerotouch; deleted when it ends",
        EventPattern=json.dumps({"source": [SOURCE], "account": [context.account_id], "detail": {"run": [run]}}),
        State="ENABLED",
        Tags=from_tags(context.tags),
    )
    once = {
        "Id": _TARGET,
        "Arn": target["Arn"],
        "RoleArn": target["RoleArn"],
        "RetryPolicy": {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60},
    }
    answer = api.call("events", "put_targets", Rule=name, Targets=[once])
    if answer.get("FailedEntryCount"):
        entry = answer["FailedEntries"][0]
        raise _refused(context, Reason.AWS_ERROR, f"{entry.get('ErrorCode')}: {entry.get('ErrorMessage')}")


def _send(api: RegionAPI, run: str) -> None:
    api.call(
        "events",
        "put_events",
        Entries=[{"Source": SOURCE, "DetailType": DETAIL_TYPE, "Detail": json.dumps(detail(run))}],
    )


def _outcome(api: RegionAPI, context: Context, bounds: Pass, started: datetime, patience: float) -> bool | None:
    """CloudWatch's metrics of the meanwhile rule, which has this one event."""
    deadline = datetime.now(UTC) + timedelta(seconds=patience)
    while True:
        counted = _counted(api, context, started)
        if counted.get("FailedInvocations"):
            return False
        if counted.get("SuccessfulInvocationAttempts"):
            return True
        if datetime.now(UTC) >= deadline:
            return None
        bounds.wait(_POLL_SECONDS)


def _counted(api: RegionAPI, context: Context, started: datetime) -> dict[str, float]:
    name = rule_name(context.prefix)
    queries = [metric_query(number, metric, name, _PERIOD_SECONDS) for number, metric in enumerate(_METRICS)]
    answer = api.call(
        "cloudwatch",
        "get_metric_data",
        MetricDataQueries=queries,
        StartTime=started.replace(second=0, microsecond=0),
        EndTime=datetime.now(UTC) + timedelta(minutes=1),
    )
    return {_METRICS[int(result["Id"][1:])]: sum(result["Values"]) for result in answer["MetricDataResults"]}


def _clean_up(api: RegionAPI, context: Context) -> None:
    name = rule_name(context.prefix)
    if api.find("events", "remove_targets", _MISSING, Rule=name, Ids=[_TARGET]) is not None:
        api.find("events", "delete_rule", _MISSING, Name=name)


def _refused(context: Context, reason: Reason, text: str) -> AWSError:
    call = Call(context.account_id, context.scope, "events", "put_targets")
    return AWSError(call, reason, Retry.PERSON, "NotCalled", text)

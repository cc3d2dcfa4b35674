"""Mode Observe: the whole difference is told, nothing is written, and rights to read are enough."""

from collections.abc import Callable

from sandbox.aws.inventory import held
from tests.reconcile.conftest import Account
from zerotouch.api.conditions import Reason
from zerotouch.aws.policy import observe_policy

READS = ("Describe", "Get", "List")


def writes(account: Account) -> list[str]:
    return [c["operation"] for c in account.calls() if not c["operation"].startswith(READS)]


def observing(account: Account) -> Account:
    """From now on the role may only read."""
    account.admin.set_policy(account.id, observe_policy("aws", account.id, "qualys-zerotouch"))
    account.change(mode="Observe")
    account.admin.forget_calls()
    return account


def test_nothing_is_made_and_everything_that_lacks_is_told(make_account: Callable[..., Account]) -> None:
    account = observing(make_account(regions={"names": ["us-east-1"]}))
    report = account.reconcile()
    assert writes(account) == []
    assert held(account.admin, account.id) == []
    told = {(d.resource.kind, d.difference.path) for s in report.scopes for d in s.drifts}
    kinds = {"ExecutionRole", "InventoryAssociation", "Connection", "APIDestination", "DeadLetterQueue", "Rule"}
    assert told == {(kind, "exists") for kind in kinds}
    assert {s.problem.reason for s in report.scopes if s.problem} == {Reason.DRIFTED}


def test_a_difference_is_told_and_left(account: Account) -> None:
    assert account.reconcile().ready
    events = account.client("events")
    events.disable_rule(Name="qualys-zerotouch")
    report = observing(account).reconcile()
    assert writes(account) == []
    (drift,) = [d for s in report.scopes for d in s.drifts]
    assert (drift.difference.path, drift.difference.found, drift.mended) == ("state", "DISABLED", False)
    assert events.describe_rule(Name="qualys-zerotouch")["State"] == "DISABLED"


def test_what_is_right_is_ready(account: Account) -> None:
    assert account.reconcile().ready
    assert observing(account).reconcile().ready
    assert writes(account) == []


def test_what_is_no_longer_asked_for_is_told_and_left(make_account: Callable[..., Account]) -> None:
    connector = {"role": {"name": "qualys-connector", "trustedAccountID": "123456789012", "externalID": "e-1"}}
    account = make_account(connector=connector)
    assert account.reconcile().ready
    account.change(regions={"names": ["us-east-1"]})
    spec = account.input.spec.model_copy(update={"connector": None})
    account.input = account.input.__class__(spec, account.input.owner, token=account.input.token)
    before = held(account.admin, account.id)
    report = observing(account).reconcile()
    assert writes(account) == []
    assert held(account.admin, account.id) == before
    told = [(d.resource.kind, d.difference.path, d.difference.found) for s in report.scopes for d in s.drifts]
    assert ("ConnectorPolicy", "exists", True) in told

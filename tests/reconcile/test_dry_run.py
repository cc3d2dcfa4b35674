"""A dry run in mode Enforce: what a pass or a removal would do, and nothing of it done."""

from collections.abc import Callable
from dataclasses import replace

from sandbox.aws.inventory import held
from tests.reconcile.conftest import Account
from tests.reconcile.test_observe import writes
from zerotouch.api.drift import DriftPolicy
from zerotouch.plan.change import Action
from zerotouch.plan.policy import Judge
from zerotouch.reconcile.empty import assume_empty
from zerotouch.reconcile.report import AccountReport

Planned = set[tuple[str, str, Action]]


def planned(report: AccountReport) -> Planned:
    return {(c.resource.region, c.resource.kind, c.action) for scope in report.scopes for c in scope.planned}


def made(report: AccountReport) -> Planned:
    return {(c.resource.region, c.resource.kind, c.action) for scope in report.scopes for c in scope.changes}


def rehearse(account: Account) -> Account:
    account.input = replace(account.input, dry_run=True)
    account.admin.forget_calls()
    return account


def perform(account: Account) -> Account:
    account.input = replace(account.input, dry_run=False)
    return account


def test_what_is_planned_is_what_is_made_afterwards(account: Account) -> None:
    report = rehearse(account).reconcile()
    assert writes(account) == []
    assert (made(report), held(account.admin, account.id)) == (set(), [])
    assert planned(report) == planned(assume_empty(account.input))
    told: list[str] = []
    done = account.reconciler.reconcile(
        perform(account).input, account.stop, applied=lambda change: told.append(change.resource.kind)
    )
    assert made(done) == planned(report)
    assert sorted(told) == sorted(kind for _, kind, _ in made(done))


def test_a_removal_that_is_planned_is_the_one_that_follows(account: Account) -> None:
    assert account.reconcile().ready
    before = held(account.admin, account.id)
    report = rehearse(account).remove()
    assert writes(account) == []
    assert not report.clean
    assert held(account.admin, account.id) == before
    done = perform(account).remove()
    assert made(done) == planned(report)
    assert done.clean
    assert rehearse(account).remove().clean


def test_a_region_that_is_no_longer_declared_is_planned_to_be_cleaned(account: Account) -> None:
    assert account.reconcile().ready
    account.change(regions={"names": ["us-east-1"]})
    report = rehearse(account).reconcile()
    assert writes(account) == []
    assert {kind for region, kind, action in planned(report) if (region, action) == ("eu-west-1", Action.DELETE)} >= {
        "Connection",
        "Rule",
    }


def test_what_is_only_told_is_not_planned(make_account: Callable[..., Account]) -> None:
    account = make_account(regions={"names": ["us-east-1"]})
    assert account.reconcile().ready
    account.client("events").disable_rule(Name="qualys-zerotouch")
    assert planned(rehearse(account).reconcile()) == {("us-east-1", "Rule", Action.UPDATE)}
    account.input = replace(account.input, judge=Judge(DriftPolicy.model_validate({"default": "Report"})))
    report = account.reconcile()
    assert planned(report) == set()
    assert [d.difference.path for s in report.scopes for d in s.drifts] == ["state"]
    assert writes(account) == []

"""Every field that is set, changed in AWS in turn: found, told by its path, and mended by one pass. See `drift/`."""

import itertools
from collections.abc import Callable, Iterator

import pytest

from sandbox.aws.admin import Admin
from sandbox.gateway.admin import GatewayAdmin
from sandbox.state import Sandbox
from tests.conftest import new_account_id
from tests.reconcile.conftest import Account, declare
from tests.reconcile.drift.kinds import KINDS
from tests.reconcile.drift.model import SPEC, Break, Then
from zerotouch.aws.budget import RATES
from zerotouch.plan.change import lies_below
from zerotouch.reconcile.reconciler import Reconciler
from zerotouch.reconcile.report import AccountReport, Drift
from zerotouch.resources.dead_letter_queue import DeadLetterQueue
from zerotouch.resources.registry import REGION_KINDS

CASES = [(drift.kind.name, broken) for drift in KINDS for broken in drift.breaks]
IDS = [f"{kind}.{broken.field}-{broken.how}" for kind, broken in CASES]

RightAccount = Callable[[], Account]


@pytest.fixture(scope="module", autouse=True)
def no_budget() -> Iterator[None]:
    """The pace of calls is none of these tests' matters."""
    with pytest.MonkeyPatch.context() as patch:
        for name in RATES:
            patch.setitem(RATES, name, 1e6)
        yield


@pytest.fixture(scope="module", autouse=True)
def no_grace() -> Iterator[None]:
    """An hour passes with every look at the clock: what a kind does not say shortly after a write of ours, it says."""
    (queue,) = (kind for kind in REGION_KINDS if isinstance(kind, DeadLetterQueue))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queue, "clock", itertools.count(step=3600.0).__next__)
        yield


@pytest.fixture(scope="module")
def right_account(cloud: Sandbox, admin: Admin, gateway: GatewayAdmin, reconciler: Reconciler) -> RightAccount:
    """An account in which everything is right; the same one again while no test leaves it otherwise."""
    known: list[Account] = []

    def right() -> Account:
        if not known or not steady(known[-1]):
            known.append(declare(cloud, admin, gateway, reconciler, new_account_id(), **SPEC))
            assert known[-1].reconcile().ready
        return known[-1]

    return right


def steady(account: Account) -> bool:
    report = account.reconcile()
    return report.ready and all(scope.changes == () for scope in report.scopes)


def drifts_of(report: AccountReport) -> list[Drift]:
    return [drift for scope in report.scopes for drift in scope.drifts]


def conflicts_of(report: AccountReport) -> set[str]:
    return {conflict.resource.kind for scope in report.scopes for conflict in scope.conflicts}


def tells(drift: Drift, kind: str, field: str) -> bool:
    path = drift.difference.path
    return drift.resource.kind == kind and (lies_below(path, field) or lies_below(field, path.removesuffix("[]")))


@pytest.mark.parametrize(("kind", "broken"), CASES, ids=IDS)
def test_found_told_and_mended(right_account: RightAccount, kind: str, broken: Break) -> None:
    account = right_account()
    broken.do(account)
    report = account.reconcile()
    drifts = drifts_of(report)
    if broken.then is Then.CONFLICT:
        assert conflicts_of(report) == {kind}
        assert (drifts, report.ready) == ([], False)
        assert broken.undo is not None
        broken.undo(account)
    else:
        assert any(tells(drift, kind, broken.field) for drift in drifts), [d.difference.path for d in drifts]
        # What is made anew has another ARN, which others that refer to it lack.
        assert {d.resource.kind for d in drifts} == {kind} or broken.field == "exists"
        if not all(d.mended for d in drifts):
            # De-authorizing and authorizing a connection take AWS a moment.
            report = account.reconcile()
        assert report.ready
    assert steady(account)

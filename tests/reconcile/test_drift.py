"""Every field that is set, changed in AWS in turn: found, told by its path, and mended by one pass. See `drift/`."""

import pytest

from tests.reconcile.conftest import RightAccount, steady
from tests.reconcile.drift.kinds import KINDS
from tests.reconcile.drift.model import Break, KindDrift, Then
from zerotouch.plan.change import lies_below
from zerotouch.reconcile.report import AccountReport, Drift

CASES = [(drift, broken) for drift in KINDS for broken in drift.breaks]
IDS = [f"{drift.name}.{broken.field}-{broken.how}" for drift, broken in CASES]


pytestmark = pytest.mark.usefixtures("no_budget", "no_grace")


def drifts_of(report: AccountReport) -> list[Drift]:
    return [drift for scope in report.scopes for drift in scope.drifts]


def conflicts_of(report: AccountReport) -> set[str]:
    return {conflict.resource.kind for scope in report.scopes for conflict in scope.conflicts}


def tells(drift: Drift, kind: str, field: str) -> bool:
    path = drift.difference.path
    return drift.resource.kind == kind and (lies_below(path, field) or lies_below(field, path.removesuffix("[]")))


@pytest.mark.parametrize(("drift", "broken"), CASES, ids=IDS)
def test_found_told_and_mended(right_account: RightAccount, drift: KindDrift, broken: Break) -> None:
    account, kind = right_account(drift), drift.kind.name
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

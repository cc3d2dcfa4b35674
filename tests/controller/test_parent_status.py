from datetime import UTC, datetime

import pytest

from zerotouch.api.conditions import Reason
from zerotouch.api.zerotouch import QualysZeroTouchStatus
from zerotouch.controller.conditions import condition
from zerotouch.controller.index import AccountRecord, Trigger, View
from zerotouch.controller.objects import account_key, parent_key
from zerotouch.controller.parent_status import ParentProblem, parent_status

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RIGHT = View(observed_generation=1, ready=True, reason="Succeeded")
DENIED = View(observed_generation=1, reason="AccessDenied", message="no", drifted=2)
NEW = View()


def record(number: int, view: View, generation: int = 1, deleting: bool = False) -> AccountRecord:
    trigger = Trigger(f"u-{number}", generation, deleting, True, None, False)
    key = account_key("n", f"p-{number:012d}")
    return AccountRecord(key, trigger, f"{number:012d}", parent_key("n", "p"), "h", None, deleting, False, 300.0, view)


def status(declared: int, *records: AccountRecord, problem: ParentProblem | None = None) -> QualysZeroTouchStatus:
    return parent_status(declared, records, problem, None, (), QualysZeroTouchStatus(), 5, None, NOW)


@pytest.mark.parametrize(
    ("found", "ready", "reason", "verdict", "accounts"),
    [
        (status(2, record(1, RIGHT), record(2, RIGHT)), "True", "Succeeded", None, "2/2"),
        (status(2, record(1, RIGHT)), "False", "Progressing", "Reconciling", "1/2"),
        (status(2, record(1, RIGHT), record(2, NEW)), "False", "Progressing", "Reconciling", "1/2"),
        (status(2, record(1, RIGHT), record(2, DENIED)), "False", "AccountsNotReady", "Stalled", "1/2"),
        (status(1, record(1, RIGHT, generation=2)), "False", "Progressing", "Reconciling", "0/1"),
        (status(1, record(1, RIGHT), record(2, RIGHT, deleting=True)), "False", "Progressing", "Reconciling", "1/1"),
        (
            status(1, record(1, RIGHT), problem=ParentProblem(Reason.TOKEN_INVALID, "bad")),
            "False",
            "TokenInvalid",
            "Stalled",
            "1/1",
        ),
        (
            status(1, record(1, RIGHT), problem=ParentProblem(Reason.GATEWAY_UNAVAILABLE, "away", person=False)),
            "False",
            "GatewayUnavailable",
            "Reconciling",
            "1/1",
        ),
    ],
)
def test_conditions(found: QualysZeroTouchStatus, ready: str, reason: str, verdict: str | None, accounts: str) -> None:
    shown = {c.type: c.status for c in found.conditions}
    assert shown["Ready"] == ready
    assert {kind for kind in ("Reconciling", "Stalled") if shown[kind] == "True"} == ({verdict} - {None})
    told = condition(found.conditions, "Ready")
    assert told is not None
    assert (told.reason, found.ready_accounts, told.observed_generation) == (reason, accounts, 5)


def test_the_worst_come_first_and_are_bounded() -> None:
    records = [record(n, NEW) for n in range(1, 30)] + [record(30, DENIED)]
    found = status(30, *records)
    assert len(found.worst) == 20
    assert (found.worst[0].id, found.worst[0].reason, found.drifted) == (f"{30:012d}", "AccessDenied", 2)

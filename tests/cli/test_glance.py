"""The fleet as rows, worst first."""

from dataclasses import replace
from typing import Any

import pytest

from tests.api.cases import GOOD
from zerotouch.api.account import ParentRef, QualysZeroTouchAccountSpec
from zerotouch.api.zerotouch import QualysZeroTouchSpec
from zerotouch.cli.cluster import Family
from zerotouch.cli.glance import glance_data, right, table
from zerotouch.controller.objects import Account, Parent
from zerotouch.desired.account import resolve_account

SPEC = QualysZeroTouchSpec.model_validate(GOOD["spec"])
AT = "2026-01-01T00:00:00Z"


def condition(status: str, reason: str, message: str = "") -> dict[str, Any]:
    return {"type": "Ready", "status": status, "reason": reason, "message": message, "lastTransitionTime": AT}


def meta(name: str) -> dict[str, Any]:
    return {"name": name, "namespace": "security", "uid": "u", "resourceVersion": "1"}


def spec(account: str) -> QualysZeroTouchAccountSpec:
    entry = SPEC.accounts[0].model_copy(update={"id": account, "name": f"n-{account[:3]}"})
    return resolve_account(ParentRef(name="table", uid="u"), SPEC, entry, "https://gateway.example", None)


def account(
    number: int, ready: str, reason: str, states: dict[str, str], message: str = "", drifted: int = 0
) -> Account:
    identifier = f"{number:012d}"
    status = {
        "conditions": [condition(ready, reason, message)],
        "drifted": drifted,
        "regions": [
            {"name": name, "state": state, "reason": reason if state != "Ready" else None}
            for name, state in states.items()
        ],
    }
    dumped = spec(identifier).model_dump(by_alias=True, mode="json", exclude_none=True)
    return Account.of({"metadata": meta(f"table-{identifier}"), "spec": dumped, "status": status})


def family(*accounts: Account, ready: str = "True", reason: str = "Succeeded", message: str = "") -> Family:
    status = {"conditions": [condition(ready, reason, message)]}
    parent = Parent.of({"metadata": meta("table"), "spec": GOOD["spec"], "status": status})
    return Family(parent, {a.spec.account_id: a for a in accounts})


FLEET = family(
    account(1, "True", "Succeeded", {"us-east-1": "Ready", "eu-west-1": "Ready"}),
    account(2, "Unknown", "Progressing", {"us-east-1": "Pending"}),
    account(3, "False", "AccessDenied", {"us-east-1": "NotReady", "eu-west-1": "Ready"}, drifted=2),
    account(4, "False", "Conflict", {"us-east-1": "NotReady", "eu-west-1": "NotReady"}),
    account(5, "False", "AssumeRoleDenied", {}, "no [role] there"),
    ready="False",
    reason="AccountsNotReady",
    message="3 of 5 accounts are not Ready",
)


def test_worst_first() -> None:
    (entry,) = glance_data([FLEET])
    assert [int(a["id"]) for a in entry["accounts"]] == [4, 3, 5, 2, 1]
    assert [r["name"] for r in entry["accounts"][1]["regions"]] == ["us-east-1", "eu-west-1"]
    assert not right([entry])
    assert right(glance_data([family()]))
    assert right([])


def test_objects_that_are_not_ready_come_first() -> None:
    fine = family()
    assert [e["ready"] for e in glance_data([fine, FLEET, fine])] == ["False", "True", "True"]


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    table(glance_data([FLEET]), limit=4)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "security/table  1/1 accounts  Ready=False AccountsNotReady"
    assert lines[1] == "  3 of 5 accounts are not Ready"
    assert [line.split() for line in lines[2:5]] == [
        ["ACCOUNT", "NAME", "READY", "REASON", "REGIONS", "DRIFTED", "NOT", "READY"],
        ["000000000004", "n-000", "False", "Conflict", "0/2", "0", "eu-west-1:", "Conflict;", "us-east-1:", "Conflict"],
        ["000000000003", "n-000", "False", "AccessDenied", "1/2", "2", "us-east-1:", "AccessDenied"],
    ]
    assert "no [role] there" in lines[5]
    assert lines[7] == "and 1 more, none of them worse: --limit shows them"


def test_what_others_have_set_up_is_told_below_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    known = account(1, "True", "Succeeded", {f"r-{n:02}": "Ready" for n in range(12)} | {"left": "Removing"})
    beside = {"delivered_twice_by": ["rule/theirs to api-destination/q"], "total": 4}
    regions = [region.model_copy(update=beside) for region in known.status.regions]
    known = replace(known, status=known.status.model_copy(update={"regions": regions}))
    data = glance_data([family(known)])
    table(data, limit=4)
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ! ")]
    assert told[0].startswith(
        "  ! 000000000001/r-00: DeliveredTwice: each instance start is told to Qualys twice, also by rule/"
    )
    assert (len(told), told[-1]) == (11, "  ! and 2 more: -o json tells all")
    assert right(data)


def test_nothing_to_show(capsys: pytest.CaptureFixture[str]) -> None:
    table([], limit=4)
    assert "There is no QualysZeroTouch" in capsys.readouterr().out

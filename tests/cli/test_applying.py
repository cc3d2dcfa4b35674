"""What `apply` and `delete` tell where one account meets a fault of our own."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.api.cases import changed
from zerotouch.api.account import State
from zerotouch.cli.exits import Exit
from zerotouch.cli.main import main
from zerotouch.plan.change import Action, Change, ResourceID
from zerotouch.reconcile.reconciler import AccountInput
from zerotouch.reconcile.report import AccountReport, ScopeReport

REGION, FAULTY = "us-east-1", "222222222222"
ACCOUNTS = ["111111111111", FAULTY, "333333333333"]
ROLE, RULE = (Change(ResourceID(kind, REGION, "qualys-zerotouch"), Action.UPDATE) for kind in ("ForwardRole", "Rule"))


@dataclass
class Fleet:
    """AWS accounts in each of which two changes are due; in one of them the second one meets a fault of ours."""

    done: list[tuple[str, Change]] = field(default_factory=list)

    def reconcile(
        self, account: AccountInput, stop: threading.Event, applied: Callable[[Change], None] = print
    ) -> AccountReport:
        identifier = account.spec.account_id
        for change in () if account.dry_run else (ROLE, RULE):
            if (identifier, change) == (FAULTY, RULE):
                raise KeyError("canary")
            self.done.append((identifier, change))
            applied(change)
        planned = (ROLE, RULE) if account.dry_run else ()
        return AccountReport(identifier, (ScopeReport(REGION, State.READY, planned=planned),))

    remove = reconcile


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Fleet:
    made = Fleet()

    @contextmanager
    def reconciler(_: object) -> Iterator[Fleet]:
        yield made

    monkeypatch.setattr("zerotouch.cli.applying.reconciler", reconciler)
    monkeypatch.setattr("zerotouch.cli.applying.identity", lambda *_: "arn:aws:iam::999999999999:user/me")
    monkeypatch.setattr("zerotouch.cli.applying.quiet_logs", lambda: None)
    monkeypatch.setenv("ZEROTOUCH_DEBUG", "")
    return made


@pytest.fixture
def file(tmp_path: Path) -> str:
    written = tmp_path / "object.json"
    written.write_text(json.dumps(changed("accounts", [{"id": identifier} for identifier in ACCOUNTS])))
    return str(written)


@pytest.mark.parametrize("command", [["apply", "--once"], ["delete"]])
@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_a_fault_in_one_account_hides_nothing(
    fleet: Fleet, file: str, command: list[str], debug: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*debug, *command, "-f", file, "--yes"]) == Exit.INTERNAL
    assert sorted(i for i, _ in fleet.done) == [ACCOUNTS[0]] * 2 + [FAULTY] + [ACCOUNTS[2]] * 2
    out, err = capsys.readouterr()
    told = [line for line in out.splitlines() if line.startswith(("changed ", "! ", "Done"))]
    assert len(told) == 7
    assert all(any(kind in line and i in line for line in told) for i in ACCOUNTS[::2] for kind in ("Role", "Rule"))
    assert told[-2].startswith(f"! {FAULTY}: a fault of zerotouch itself (KeyError): run it again with --debug")
    assert told[-1] == "Done: 0 created, 5 changed, 0 removed, 1 problems."
    assert ("canary" in out + err, "Traceback" in err) == (bool(debug), bool(debug))


def test_as_data(fleet: Fleet, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["apply", "-f", file, "--once", "--yes", "-o", "json"]) == Exit.INTERNAL
    told = json.loads(capsys.readouterr().out)
    assert [len(account["changes"]) for account in told["accounts"]] == [2, 1, 2]
    assert [problem["account"] for problem in told["problems"]] == [FAULTY]
    assert told["interrupted"] is False

"""The fleet as rows: accounts by regions, worst first."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from zerotouch.api.account import QualysZeroTouchAccountStatus, RegionState, State
from zerotouch.api.conditions import Condition
from zerotouch.cli.cluster import Family
from zerotouch.controller.exclusive import findings, present
from zerotouch.controller.objects import Account
from zerotouch.plan.render import cut, some

_WIDE: Final = 200
_MOST_REGIONS: Final = 6
_MOST_BESIDE: Final = 10
_MESSAGE: Final = 160
_COLOURS: Final = {"True": "green", "False": "red", "Unknown": "yellow"}
_WORSE: Final = {State.NOT_READY: 0, State.REMOVING: 1, State.PENDING: 2, State.READY: 3}


def glance_data(found: Sequence[Family]) -> list[dict[str, Any]]:
    """One entry an object, its accounts and their regions worst first."""
    return sorted((_family(family) for family in found), key=lambda o: (_rank(o), o["namespace"], o["name"]))


def right(data: Sequence[dict[str, Any]]) -> bool:
    """Whether everything is Ready."""
    return all(entry["ready"] == "True" for entry in data)


def table(data: Sequence[dict[str, Any]], limit: int) -> None:
    """For people; on a terminal as wide as it is."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=_WIDE, highlight=False, color_system=None)
    if not data:
        console.print("There is no QualysZeroTouch: see kubectl get qzt -A")
    for entry in data:
        _object_lines(console, entry)
        rows = Table(box=None, pad_edge=False, header_style="", show_edge=False)
        for title in ("ACCOUNT", "NAME", "READY", "REASON", "REGIONS", "DRIFTED", "NOT READY"):
            rows.add_column(title, no_wrap=title != "NOT READY", overflow="fold")
        for account in entry["accounts"][:limit]:
            rows.add_row(*_cells(account))
        if entry["accounts"]:
            console.print(rows)
        if len(entry["accounts"]) > limit:
            console.print(f"and {len(entry['accounts']) - limit} more, none of them worse: --limit shows them")
        for line in _beside_lines(entry):
            console.print(line, soft_wrap=True, markup=False)
        console.print()


def _beside_lines(entry: dict[str, Any]) -> Iterator[str]:
    """What others have set up beside us, which is no reason not to be Ready."""
    found = [
        f"  ! {account['id']}/{region['name']}: {one.reason.value}: {one.what}: {one.mend}"
        for account in entry["accounts"]
        for region in account["regions"]
        for one in findings(region["deliveredTwiceBy"], region["rivalAssociations"])
    ]
    yield from found[:_MOST_BESIDE]
    if len(found) > _MOST_BESIDE:
        yield f"  ! and {len(found) - _MOST_BESIDE} more: -o json tells all"


def _object_lines(console: Console, entry: dict[str, Any]) -> None:
    counts = f"{sum(a['ready'] == 'True' for a in entry['accounts'])}/{entry['declared']} accounts"
    ready = Text(f"Ready={entry['ready']} {entry['reason']}", style=_COLOURS[entry["ready"]])
    console.print(Text(f"{entry['namespace']}/{entry['name']}  {counts}  ").append_text(ready), soft_wrap=True)
    if entry["ready"] != "True" and entry["message"]:
        console.print(f"  {entry['message']}", soft_wrap=True, markup=False)


def _cells(account: dict[str, Any]) -> list[Any]:
    wrong = [r for r in account["regions"] if r["state"] != State.READY]
    told = some([f"{r['name']}: {r['reason'] or r['state']}" for r in wrong], _MOST_REGIONS)
    message = account["message"] if account["ready"] != "True" else ""
    ready = sum(r["state"] == State.READY for r in account["regions"])
    return [
        account["id"],
        account["name"] or "",
        Text(account["ready"], style=_COLOURS[account["ready"]]),
        account["reason"],
        f"{ready}/{len(account['regions'])}",
        str(account["drifted"]),
        Text(told or cut(message, _MESSAGE)),
    ]


def _family(family: Family) -> dict[str, Any]:
    parent = family.parent
    accounts = sorted((_account(a) for a in family.accounts.values()), key=lambda a: (_rank(a), a["id"]))
    return {
        "namespace": parent.key.namespace,
        "name": parent.key.name,
        **_ready(parent.status.conditions),
        "declared": len(parent.spec.accounts),
        "accounts": accounts,
    }


def _account(account: Account) -> dict[str, Any]:
    status: QualysZeroTouchAccountStatus = account.status
    regions = sorted(status.regions, key=lambda r: (_WORSE[r.state], r.name))
    return {
        "id": account.spec.account_id,
        "name": account.spec.name,
        **_ready(status.conditions),
        "drifted": status.drifted or 0,
        "regions": [_region(region) for region in regions],
    }


def _region(region: RegionState) -> dict[str, Any]:
    here = bool(present([region]))
    return {
        "name": region.name,
        "state": region.state.value,
        "reason": region.reason,
        "message": region.message,
        "since": region.since.isoformat() if region.since else None,
        "ready": region.ready,
        "total": region.total,
        "deliveredTwiceBy": region.delivered_twice_by if here else [],
        "rivalAssociations": region.rival_associations if here else [],
    }


def _ready(conditions: Sequence[Condition]) -> dict[str, Any]:
    found = next((c for c in conditions if c.type == "Ready"), None)
    if found is None:
        return {"ready": "Unknown", "reason": "Pending", "message": "the operator has not looked at it yet"}
    return {"ready": found.status, "reason": found.reason, "message": found.message}


def _rank(entry: dict[str, Any]) -> tuple[int, int]:
    """What is wrong before what is under way, and of these first where most is wrong."""
    wrong = sum(region["state"] == State.NOT_READY for region in entry.get("regions", ()))
    return {"False": 0, "Unknown": 1, "True": 2}[entry["ready"]], -wrong

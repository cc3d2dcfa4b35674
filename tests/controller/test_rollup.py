"""The parent's condition: the worst of its accounts, which it names."""

from datetime import UTC, datetime

import pytest

from zerotouch.api.conditions import Condition
from zerotouch.controller.conditions import Judgement, Status
from zerotouch.controller.rollup import Told, roll_up, told_of


def told(status: Status, reason: str = "Succeeded", message: str = "m") -> tuple[Told, ...]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    conditions = [
        Condition(type=kind, status=status, reason=reason, message=message, last_transition_time=at)
        for kind in ("Ready", "Covered", "Delivering")
    ]
    return told_of(conditions)


QUIET = told("Unknown", "NoEvents", "nothing was seen")


LACKS, UNKNOWN, FINE = told("False", "InstancesNotCovered", "2 lack"), told("Unknown", "AccessDenied"), told("True")


@pytest.mark.parametrize(
    ("accounts", "expected"),
    [
        ([], None),
        ([("a", ())], None),
        ([("a", FINE), ("b", ())], ("True", "Succeeded", "all of 1 accounts")),
        ([("a", FINE), ("b", UNKNOWN)], ("Unknown", "AccessDenied", "1 of 2 accounts: b: m")),
        ([("a", UNKNOWN), ("b", LACKS), ("c", FINE)], ("False", "InstancesNotCovered", "1 of 3 accounts: b: 2 lack")),
        (
            [(name, LACKS) for name in "abcde"],
            ("False", "InstancesNotCovered", "5 of 5 accounts: a: 2 lack; b: 2 lack; c: 2 lack and 2 more"),
        ),
    ],
)
def test_roll_up(accounts: list[tuple[str, tuple[Told, ...]]], expected: Judgement | None) -> None:
    assert roll_up("Covered", accounts) == expected


@pytest.mark.parametrize(
    ("accounts", "expected"),
    [
        ([("a", QUIET)], ("Unknown", "NoEvents", "1 of 1 accounts: a: nothing was seen")),
        ([("a", QUIET), ("b", FINE)], ("True", "Succeeded", "all of 1 accounts; 1 more tell nothing yet")),
        ([("a", QUIET), ("b", FINE), ("c", UNKNOWN)], ("Unknown", "AccessDenied", "1 of 3 accounts: c: m")),
    ],
)
def test_an_account_in_which_nothing_happened_speaks_for_none(
    accounts: list[tuple[str, tuple[Told, ...]]], expected: Judgement
) -> None:
    assert roll_up("Delivering", accounts) == expected


def test_only_what_the_parent_shows_is_kept_and_messages_are_bounded() -> None:
    kept = told("False", "InstancesNotCovered", "x" * 4000)
    assert [t.condition for t in kept] == ["Covered", "Delivering"]
    assert all(len(t.message) == 512 for t in kept)
    assert FINE[0].message == ""

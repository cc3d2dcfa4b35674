"""The order in which conditions are shown."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from zerotouch.api.conditions import Reason
from zerotouch.controller.conditions import in_order, make

SHOWN = ["Ready", "Approved", "Drifted", "Delivering", "Covered", "Detecting", "Secure", "Reconciling", "Stalled"]


@given(st.permutations(SHOWN))
def test_conditions_are_shown_in_one_order_however_they_come(kinds: list[str]) -> None:
    given = [make(kind, "True", Reason.SUCCEEDED, "", [], 1, datetime(2026, 1, 1, tzinfo=UTC)) for kind in kinds]
    assert [c.type for c in in_order(given)] == SHOWN

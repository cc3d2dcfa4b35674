"""Which regions a pass looks at."""

import pytest

from zerotouch.api.conditions import Reason
from zerotouch.api.spec import Regions, RegionSelection
from zerotouch.reconcile.regions import no_longer_selected, select

KNOWN = {
    "us-east-1": "opt-in-not-required",
    "eu-west-1": "opt-in-not-required",
    "af-south-1": "not-opted-in",
    "me-south-1": "opted-in",
}


def test_listed() -> None:
    selected = select(Regions(names=["us-east-1", "af-south-1", "xx-moon-1"]), KNOWN)
    assert selected.usable == ("us-east-1",)
    assert {r: p.reason for r, p in selected.unusable.items()} == {
        "af-south-1": Reason.REGION_NOT_ENABLED,
        "xx-moon-1": Reason.REGION_UNSUPPORTED,
    }


def test_all_enabled_follows_the_account() -> None:
    selected = select(Regions(selection=RegionSelection.ALL_ENABLED, exclude=["eu-west-1"]), KNOWN)
    assert selected.usable == ("me-south-1", "us-east-1")
    assert not selected.unusable


@pytest.mark.parametrize(
    ("previous", "dropped"),
    [
        ({}, ()),
        ({"global": None, "us-east-1": "x"}, ()),
        ({"global": None, "us-east-1": "x", "eu-west-1": None}, ("eu-west-1",)),
        ({"af-south-1": None}, ()),
    ],
)
def test_regions_taken_out_of_the_spec(previous: dict[str, str | None], dropped: tuple[str, ...]) -> None:
    assert no_longer_selected(previous, select(Regions(names=["us-east-1", "af-south-1"]), KNOWN)) == dropped

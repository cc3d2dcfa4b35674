"""From what was found to the object: which of several is taken, and what is told."""

from dataclasses import replace
from typing import Any

import pytest

from zerotouch.api.zerotouch import QualysZeroTouchSpec
from zerotouch.plan.imported import FoundAccount, FoundAssociation, FoundConnection, FoundDelivery, Imported, imported

PLATFORMS = {"US2": "https://gateway.qg2.apps.qualys.com"}
OURS = FoundDelivery(
    rule="zt-prod",
    enabled=True,
    managed=False,
    owner="default/security/production",
    tags={"zerotouch.dev/owner": "default/security/production", "team": "secops"},
    narrowed=True,
    role="zt-prod-events",
    wide_role=False,
    retry={"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185},
    dead_letters=True,
    destination="zt-prod",
    endpoint="https://gateway.qg2.apps.qualys.com",
    connection=FoundConnection("zt-prod", "AUTHORIZED", "default/security/production"),
)
THEIRS = replace(
    OURS, rule="NewInstances", owner=None, tags={}, destination="d", role="r", endpoint="https://gw.example.com"
)
ALL = FoundAssociation("Inventory-Association", None, "rate(30 minutes)", True, None, {"applications": True})


def account(
    identity: str = "111111111111", associations: Any = (), connectors: Any = (), **deliveries: list[FoundDelivery]
) -> FoundAccount:
    found = {region.replace("_", "-"): d for region, d in deliveries.items()}
    return FoundAccount(identity, found, dict.fromkeys(found, associations), connectors)


def described(*accounts: FoundAccount) -> Imported:
    """Each is an object that the API takes."""
    answer = imported(accounts, {"roleName": "zerotouch"}, PLATFORMS)
    QualysZeroTouchSpec.model_validate(answer.body["spec"])
    return answer


def test_what_an_operator_made() -> None:
    answer = described(account(us_east_1=[OURS]))
    spec = answer.body["spec"]
    assert answer.body["metadata"] == {"name": "production", "namespace": "security"}
    assert (spec["qualys"]["platform"], spec["namePrefix"], spec["tags"]) == ("US2", "zt-prod", {"team": "secops"})
    assert answer.improvements == ()


def test_most_accounts_give_the_regions_and_the_others_have_entries_of_their_own() -> None:
    both = {"us_east_1": [OURS], "eu_west_1": [OURS]}
    answer = described(
        account("1" * 12, **both), account("2" * 12, us_east_1=[OURS], eu_west_1=[]), account("3" * 12, **both)
    )
    assert answer.body["spec"]["regions"]["names"] == ["eu-west-1", "us-east-1"]
    assert answer.body["spec"]["accounts"] == [
        {"id": "1" * 12},
        {"id": "2" * 12, "regions": {"names": ["us-east-1"]}},
        {"id": "3" * 12},
    ]


def test_an_account_without_any_is_left_out() -> None:
    answer = described(account("1" * 12, us_east_1=[OURS]), account("2" * 12, us_east_1=[]))
    assert [entry["id"] for entry in answer.body["spec"]["accounts"]] == ["1" * 12]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"enabled": False}, "is disabled"),
        ({"wide_role": True}, "may do more"),
        ({"dead_letters": False}, "no dead-letter queue"),
        ({"narrowed": False}, "any account and region"),
        ({"connection": FoundConnection("zt-prod", "AUTHORIZED", None, ("Authorization",))}, "shows the values of"),
        ({"connection": FoundConnection("zt-prod", "DEAUTHORIZED", None)}, "is DEAUTHORIZED"),
    ],
)
def test_each_fault_is_told_once(change: dict[str, Any], says: str) -> None:
    (told,) = described(account(us_east_1=[replace(OURS, **change)])).improvements
    assert says in told
    assert told.startswith("111111111111 us-east-1: ")


def test_ours_gives_the_names_where_there_is_another_beside_it() -> None:
    answer = described(account(us_east_1=[THEIRS, OURS]))
    assert answer.body["spec"]["namePrefix"] == "zt-prod"
    assert any("NewInstances, zt-prod tell each start of an instance 2 times" in text for text in answer.improvements)


def test_a_disabled_rule_tells_nothing_twice() -> None:
    answer = described(account(us_east_1=[replace(THEIRS, enabled=False), OURS]))
    assert not any("times" in text for text in answer.improvements)


def test_of_others_neither_names_nor_tags_are_taken() -> None:
    spec = described(account(us_east_1=[replace(THEIRS, tags={"App": "x"})])).body["spec"]
    assert (spec["namePrefix"], spec["adoptionPolicy"]) == ("qualys-zerotouch", "AdoptIdentical")
    assert "tags" not in spec
    assert spec["qualys"]["gatewayURL"] == "https://gw.example.com"


@pytest.mark.parametrize(
    ("associations", "inventory"),
    [
        ([], None),
        ([ALL], None),
        ([replace(ALL, name="zt-prod", schedule="rate(2 hours)")], {"schedule": "rate(2 hours)"}),
        (
            [replace(ALL, everything=False, tags={"scan": ["b", "a"]}, collect={"applications": False})],
            {
                "schedule": "rate(30 minutes)",
                "targets": {"tags": [{"key": "scan", "values": ["a", "b"]}]},
                "collect": {"applications": False},
            },
        ),
        ([replace(ALL, everything=False)], None),
        ([replace(ALL, everything=False, tags={"x": ["y"]}), ALL], None),
    ],
)
def test_inventory(associations: list[FoundAssociation], inventory: dict[str, Any] | None) -> None:
    spec = described(account(associations=associations, us_east_1=[OURS])).body["spec"]
    assert spec.get("inventory") == inventory


def test_what_is_not_the_default_of_a_delivery() -> None:
    retry = {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0}
    spec = described(account(us_east_1=[replace(OURS, rate=7, retry=retry)])).body["spec"]
    assert spec["delivery"] == {
        "invocationRateLimitPerSecond": 7,
        "retry": {"maximumEventAgeSeconds": 60, "maximumRetryAttempts": 0},
    }


FORWARDING = replace(
    OURS, destination=None, endpoint=None, connection=None, role="zt-prod-forward", forwards_to="us-east-1"
)


def test_where_nobody_delivers_the_platform_is_to_be_named() -> None:
    forwards = replace(OURS, destination=None, endpoint=None, connection=None, forwards_to="us-east-1")
    answer = imported([account(eu_west_1=[forwards])], {"roleName": "zerotouch"}, PLATFORMS)
    assert set(answer.body["spec"]["qualys"]) == {"auth"}
    assert any("name the platform" in text and "us-east-1" in text for text in answer.missing)


def test_a_main_region() -> None:
    answer = described(account(us_east_1=[OURS], eu_west_1=[FORWARDING], us_west_2=[FORWARDING]))
    assert answer.body["spec"]["delivery"] == {"topology": "MainRegion", "mainRegion": "us-east-1"}
    assert answer.body["spec"]["namePrefix"] == "zt-prod"
    assert answer.improvements == ()


@pytest.mark.parametrize(
    "regions",
    [
        {"us_east_1": [OURS], "eu_west_1": [FORWARDING], "us_west_2": [OURS]},
        {"us_east_1": [OURS], "eu_west_1": [FORWARDING], "us_west_2": [replace(FORWARDING, forwards_to="eu-west-1")]},
        {"us_east_1": [], "eu_west_1": [FORWARDING], "us_west_2": [OURS]},
    ],
)
def test_where_not_all_hand_their_events_to_one_region_each_is_to_deliver(
    regions: dict[str, list[FoundDelivery]],
) -> None:
    answer = described(account(**regions))
    assert "delivery" not in answer.body["spec"]
    assert any("ours tells Qualys from this region itself" in text for text in answer.improvements)

import pytest

from zerotouch.api.account import ParentRef
from zerotouch.api.partition import partition_of
from zerotouch.api.zerotouch import QualysZeroTouchSpec
from zerotouch.desired.account import account_name, resolve_account, slot_of

PARENT = ParentRef(name="production", uid="u-1")
ID = "111111111111"


def resolve(entry: dict, **spec: object):
    declared = QualysZeroTouchSpec.model_validate(
        {
            "qualys": {"platform": "US2", "auth": {"credentialsSecretRef": {"name": "qualys"}}},
            "accounts": [{"id": ID, **entry}],
            "regions": {"names": ["us-east-1"]},
            **spec,
        }
    )
    return resolve_account(PARENT, declared, declared.accounts[0], "https://gateway", "0123456789ab")


@pytest.mark.parametrize(
    ("access", "entry", "expected"),
    [
        ({}, {}, f"arn:aws:iam::{ID}:role/zerotouch"),
        ({"roleName": "zt"}, {}, f"arn:aws:iam::{ID}:role/zt"),
        ({"stsRegion": "cn-north-1"}, {}, f"arn:aws-cn:iam::{ID}:role/zerotouch"),
        ({"stsRegion": "us-gov-west-1"}, {}, f"arn:aws-us-gov:iam::{ID}:role/zerotouch"),
        ({"roleName": "zt"}, {"roleARN": f"arn:aws:iam::{ID}:role/own/x"}, f"arn:aws:iam::{ID}:role/own/x"),
    ],
)
def test_role(access: dict, entry: dict, expected: str) -> None:
    assert resolve(entry, access=access).access.role_arn == expected


def test_boundary_is_completed_by_account_and_partition_of_the_role() -> None:
    spec = resolve({"roleARN": f"arn:aws-cn:iam::{ID}:role/x"}, access={"permissionsBoundaryName": "edge"})
    assert spec.access.permissions_boundary_arn == f"arn:aws-cn:iam::{ID}:policy/edge"


@pytest.mark.parametrize(
    ("common", "own", "expected"), [("a-common", None, "a-common"), ("a-common", "own", "own"), (None, None, None)]
)
def test_external_id_of_the_entry_wins(common: str | None, own: str | None, expected: str | None) -> None:
    spec = resolve({"externalID": own} if own else {}, access={"externalID": common} if common else {})
    assert spec.access.external_id == expected


def test_regions_of_the_entry_win_as_a_whole() -> None:
    spec = resolve({"regions": {"selection": "AllEnabled", "exclude": ["eu-west-3"]}})
    assert (spec.regions.selection, spec.regions.names, spec.regions.exclude) == ("AllEnabled", [], ["eu-west-3"])


def test_everything_else_is_taken_over() -> None:
    declared = {
        "interval": "7m",
        "suspend": True,
        "deletionPolicy": "Delete",
        "tags": {"team": "secops"},
        "namePrefix": "my-prefix",
        "connector": {"existingRoleName": "qualys"},
        "inventory": {"schedule": "rate(1 hour)"},
        "delivery": {"invocationRateLimitPerSecond": 7},
    }
    spec = resolve({"name": "payments"}, **declared)
    dumped = spec.model_dump(by_alias=True, mode="json", exclude_defaults=True)
    assert {key: dumped[key] for key in declared} == declared
    assert (spec.name, spec.parent, spec.gateway_url, spec.token_fingerprint) == (
        "payments",
        PARENT,
        "https://gateway",
        "0123456789ab",
    )


def test_entry_order_does_not_change_the_slot() -> None:
    slots = {slot_of(f"{n:012d}") for n in range(2000)}
    assert slots == {str(n) for n in range(64)}


def test_names() -> None:
    assert account_name("production", ID) == "production-111111111111"
    assert partition_of("us-east-1") == "aws"

"""No kind takes it for granted that it works in the partition `aws`."""

import json

import pytest

from zerotouch.api.account import QualysZeroTouchAccountSpec
from zerotouch.desired.context import Context
from zerotouch.resources.base import Kind
from zerotouch.resources.registry import ACCOUNT_KINDS, REGION_KINDS

ID = "111111111111"


def context(partition: str, region: str) -> Context:
    spec = QualysZeroTouchAccountSpec.model_validate(
        {
            "accountID": ID,
            "parent": {"name": "p", "uid": "u"},
            "access": {
                "roleARN": f"arn:{partition}:iam::{ID}:role/zerotouch",
                "stsRegion": region,
                "permissionsBoundaryARN": f"arn:{partition}:iam::{ID}:policy/edge",
            },
            "gatewayURL": "https://gateway",
            "regions": {"names": [region]},
            "inventory": {},
            "delivery": {},
            "connector": {"role": {"name": "qualys", "trustedAccountID": "2" * 12, "externalID": "e-1"}},
            "deletionPolicy": "Delete",
            "interval": "5m",
            "namePrefix": "qualys-zerotouch",
        }
    )
    return Context(spec, "default/n/p", partition, region, (region,))


@pytest.mark.parametrize(("partition", "region"), [("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")])
@pytest.mark.parametrize("kind", [*ACCOUNT_KINDS, *REGION_KINDS], ids=lambda kind: str(kind.name))
def test_arns_are_of_the_partition(kind: Kind, partition: str, region: str) -> None:
    text = json.dumps(kind.desired(context(partition, region)), default=repr)
    assert "arn:aws:" not in text
    if kind.name in {"ExecutionRole", "ConnectorRole"}:
        assert f"arn:{partition}:" in text

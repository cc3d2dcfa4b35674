"""What no difference shows, wherever in it that stands."""

import json
from typing import Any

import pytest

from zerotouch.plan.change import Difference
from zerotouch.plan.mask import mask

SECRET = "canary-secret"
HTTP = {"HeaderParameters": {"x-api-key": SECRET}, "QueryStringParameters": {"q": SECRET}, "PathParameterValues": ["p"]}
TRUST = {"Effect": "Allow", "Condition": {"StringEquals": {"sts:externalID": SECRET}}}


@pytest.mark.parametrize(
    ("path", "found", "shown"),
    [
        ("targets.spy", {"Arn": "arn:spy", "HttpParameters": HTTP}, ["arn:spy", "x-api-key", '"p"']),
        ("targets.qualys.HttpParameters", HTTP, ["x-api-key"]),
        ("targets.qualys.HttpParameters.HeaderParameters", HTTP["HeaderParameters"], ["x-api-key"]),
        ("targets.qualys.HttpParameters.HeaderParameters.x-api-key", SECRET, []),
        ("trust.Statement[1]", TRUST, ["Allow", "sts:externalID"]),
        ("trust.Statement[0].Condition.StringEquals.sts:ExternalId", SECRET, []),
        ("trust.Statement[0].Condition.StringEquals.sts:ExternalId[]", [SECRET], []),
    ],
)
def test_it_is_masked(path: str, found: Any, shown: list[str]) -> None:
    masked = mask(Difference(path, "ours", found))
    text = json.dumps(masked.found)
    assert SECRET not in text
    assert "(masked" in text
    assert [part for part in shown if part not in text] == []


@pytest.mark.parametrize("path", ["tags.headerparameters-of", "targets.spy.Input", "headers.X-More"])
def test_all_else_is_shown(path: str) -> None:
    difference = Difference(path, None, {"a": 1})
    assert mask(difference) == difference

"""The shipped CRDs on a real API server: what it refuses, with which words, and what it takes."""

import copy
import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.state import Sandbox
from zerotouch.api import crd
from zerotouch.api.zerotouch import QualysZeroTouchSpec

GOOD: dict[str, Any] = {
    "apiVersion": "zerotouch.dev/v1alpha1",
    "kind": "QualysZeroTouch",
    "metadata": {"name": "table", "namespace": "default"},
    "spec": {
        "qualys": {"platform": "US2", "auth": {"credentialsSecretRef": {"name": "qualys"}}},
        "accounts": [{"id": "111111111111"}],
        "regions": {"names": ["us-east-1"]},
    },
}
SECRET, TOKEN = {"name": "qualys"}, {"name": "qualys", "key": "token"}
BOTH_AUTH = {"credentialsSecretRef": SECRET, "subscriptionTokenSecretRef": TOKEN}
ROLE = {"name": "qualys", "trustedAccountID": "222222222222", "externalID": "e-1"}


def changed(path: str, value: Any) -> dict[str, Any]:
    """GOOD with the value at a dotted path below spec."""
    manifest = copy.deepcopy(GOOD)
    *parents, last = path.split(".")
    node = manifest["spec"]
    for key in parents:
        node = node[int(key)] if isinstance(node, list) else node.setdefault(key, {})
    node[last] = value
    return manifest


def create(sandbox: Sandbox, manifest: dict[str, Any]) -> str | None:
    """kubectl's error, None where the object would be accepted."""
    try:
        sandbox.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(manifest))
    except subprocess.CalledProcessError as error:
        return str(error.stderr)
    return None


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("accounts", [{"id": "11111111111"}], "at least 12 chars long"),
        ("accounts", [{"id": "1111111111111"}], "may not be more than 12"),
        ("accounts", [{"id": "11111111111a"}], "should match '^[0-9]{12}$'"),
        ("accounts", [{"id": 111111111111}], "must be of type string"),
        ("accounts", [{"id": "111111111111"}, {"id": "111111111111"}], "Duplicate value"),
        ("accounts", [], "at least 1 items"),
        ("accounts", [{"id": f"{n:012d}"} for n in range(2001)], "must have at most 2000 items"),
        (
            "accounts",
            [{"id": "111111111111", "roleARN": "arn:aws:iam::222222222222:role/x"}],
            "its account id must be this entry's id",
        ),
        ("accounts", [{"id": "111111111111", "roleARN": "arn:aws:iam::1:role/x"}], "should match"),
        ("accounts", [{"id": "111111111111", "regions": {"selection": "Listed"}}], "needs at least one region"),
        ("qualys", {"auth": {"credentialsSecretRef": SECRET}}, "give exactly one of platform and gatewayURL"),
        ("qualys.gatewayURL", "https://gateway.example", "give exactly one of platform and gatewayURL"),
        ("qualys.platform", "US9", 'Unsupported value: "US9": supported values: "US1"'),
        (
            "qualys",
            {"gatewayURL": "http://gateway.example", "auth": {"credentialsSecretRef": SECRET}},
            "must begin with https://",
        ),
        (
            "qualys",
            {"gatewayURL": "http://127.0.0.1.evil.example", "auth": {"credentialsSecretRef": SECRET}},
            "must begin with https://",
        ),
        ("qualys", {"gatewayURL": "https://a/b", "auth": {"credentialsSecretRef": SECRET}}, "should match"),
        ("qualys.auth", {}, "give exactly one of credentialsSecretRef and subscriptionTokenSecretRef"),
        ("qualys.auth", BOTH_AUTH, "give exactly one of credentialsSecretRef and subscriptionTokenSecretRef"),
        ("qualys.token.expiry", 0, "greater than or equal to 1"),
        ("regions", {}, "selection Listed needs at least one region in names"),
        ("regions.selection", "Some", 'supported values: "Listed", "AllEnabled"'),
        ("regions.selection", "AllEnabled", "selection AllEnabled takes no names"),
        ("regions.exclude", ["us-west-2"], "exclude goes with selection AllEnabled only"),
        ("regions.names", [f"us-east-{n}" for n in range(41)], "must have at most 40 items"),
        ("regions.names", ["us-east-1", "us-east-1"], "Duplicate value"),
        ("regions.names", ["virginia!"], "should match"),
        ("interval", "29s", "interval must be from 30s to 24h"),
        ("interval", "25h", "interval must be from 30s to 24h"),
        ("interval", "5 minutes", "should match"),
        ("interval", 300, "must be of type string"),
        ("inventory.schedule", "rate(29 minutes)", "rate(…) is at least 30 minutes"),
        ("inventory.schedule", "every now and then", "should match"),
        ("inventory.targets", {}, "give exactly one of allInstances and tags"),
        ("inventory.targets", {"allInstances": False}, "allInstances is true or left out"),
        (
            "inventory.targets",
            {"allInstances": True, "tags": [{"key": "a", "values": ["b"]}]},
            "give exactly one of allInstances and tags",
        ),
        ("delivery.invocationRateLimitPerSecond", 301, "less than or equal to 300"),
        ("delivery.retry.maximumRetryAttempts", 186, "less than or equal to 185"),
        ("connector", {}, "give exactly one of role and existingRoleName"),
        ("connector", {"existingRoleName": "q", "role": ROLE}, "give exactly one of role and existingRoleName"),
        ("connector.role", {**ROLE, "trustedAccountID": "2"}, "at least 12 chars long"),
        ("connector.role", {"name": "q", "trustedAccountID": "222222222222"}, "externalID: Required value"),
        ("deletionPolicy", "Keep", 'supported values: "Retain", "Delete"'),
        ("tags", {f"k{n}": "v" for n in range(41)}, "must have at most 40 items"),
        ("tags", {"aws:x": "v"}, "may not begin with aws: or zerotouch.dev/"),
        ("tags", {"k" * 129: "v"}, "has 1 to 128 letters"),
        ("tags", {"a": "v" * 257}, "may not be more than 256"),
        ("namePrefix", "-x-", "should match"),
        ("sespend", True, 'unknown field "spec.sespend"'),
        ("access.rolename", "x", 'unknown field "spec.access.rolename"'),
    ],
)
def test_refused(crds: Sandbox, path: str, value: Any, says: str) -> None:
    error = create(crds, changed(path, value))
    assert error is not None
    assert says in error


def test_a_name_that_no_label_can_hold_is_refused(crds: Sandbox) -> None:
    error = create(crds, {**GOOD, "metadata": {"name": "x" * 64, "namespace": "default"}})
    assert error is not None
    assert "metadata.name may have at most 63 characters" in error


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("interval", "30s"),
        ("interval", "1h30m"),
        ("qualys", {"gatewayURL": "https://gateway.example:8443", "auth": {"subscriptionTokenSecretRef": SECRET}}),
        ("qualys", {"gatewayURL": "http://127.0.0.1:8080", "auth": {"credentialsSecretRef": SECRET}}),
        ("regions", {"selection": "AllEnabled", "exclude": ["eu-west-3"]}),
        ("inventory.schedule", "rate(30 minutes)"),
        ("inventory.schedule", "cron(0 2 ? * SUN *)"),
        ("inventory.targets", {"tags": [{"key": "a", "values": ["b", "c"]}]}),
        ("connector", {"existingRoleName": "qualys-connector"}),
        ("connector", {"role": ROLE}),
        ("tags", {"team": "secops", "cost center": "7/8"}),
    ],
)
def test_accepted(crds: Sandbox, path: str, value: Any) -> None:
    manifest = changed(path, value)
    assert create(crds, manifest) is None
    QualysZeroTouchSpec.model_validate(manifest["spec"])


@pytest.fixture
def stored(crds: Sandbox) -> Iterator[Sandbox]:
    yield crds
    crds.kubectl("delete", "qzt", "table", "--ignore-not-found")


def test_defaults_are_those_of_the_models(stored: Sandbox) -> None:
    stored.kubectl("apply", "-f", "-", stdin=json.dumps(GOOD))
    live = json.loads(stored.kubectl("get", "qzt", "table", "-o", "json"))
    assert QualysZeroTouchSpec.model_validate(live["spec"]) == QualysZeroTouchSpec.model_validate(GOOD["spec"])
    assert (live["spec"]["interval"], live["spec"]["namePrefix"]) == ("5m", "qualys-zerotouch")


def test_the_name_prefix_is_immutable(stored: Sandbox) -> None:
    stored.kubectl("apply", "-f", "-", stdin=json.dumps(GOOD))
    with pytest.raises(subprocess.CalledProcessError) as caught:
        stored.kubectl("apply", "-f", "-", stdin=json.dumps(changed("namePrefix", "another")))
    assert "namePrefix cannot be changed" in caught.value.stderr


def test_two_thousand_accounts_are_taken_and_changed_again(stored: Sandbox) -> None:
    """Server-side: a client-side apply would copy the object into an annotation of at most 256 KiB."""
    accounts = [
        {"id": f"{n:012d}", "name": f"account-{n}", "roleARN": f"arn:aws:iam::{n:012d}:role/zerotouch"}
        for n in range(2000)
    ]
    for interval in ("5m", "6m"):
        manifest = changed("accounts", accounts)
        manifest["spec"]["interval"] = interval
        stored.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(manifest))
    live = json.loads(stored.kubectl("get", "qzt", "table", "-o", "json"))
    assert (len(live["spec"]["accounts"]), live["spec"]["interval"]) == (2000, "6m")


def test_explain_is_complete(crds: Sandbox) -> None:
    for definition in (crd.zerotouch_crd(), crd.account_crd()):
        plural = definition["spec"]["names"]["plural"]
        text = crds.kubectl("explain", plural, "--recursive=false")
        assert definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["description"][:40] in re.sub(
            r"\s+", " ", text
        )
    text = re.sub(r"\s+", " ", crds.kubectl("explain", "qzt.spec.delivery.retry"))
    assert "Age in seconds after which an event is given up." in text

"""The shipped CRDs on a real API server: what it refuses, with which words, and what it takes."""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.state import Sandbox
from tests.api.cases import ALL_BUT_DUBLIN, GOOD, REFUSED, ROLE, SECRET, changed, main_region
from zerotouch.api import crd
from zerotouch.api.zerotouch import QualysZeroTouchSpec
from zerotouch.cli.exits import CommandError, Exit
from zerotouch.cli.source import check


def create(sandbox: Sandbox, manifest: dict[str, Any]) -> str | None:
    """kubectl's error, None where the object would be accepted."""
    try:
        sandbox.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(manifest))
    except subprocess.CalledProcessError as error:
        return str(error.stderr)
    return None


def words(error: str) -> set[str]:
    """What the API server says is wrong, one by one; not that it looked no further."""
    text = re.sub(r"^(The QualysZeroTouch .* is invalid: |.*?(?=strict decoding error))", "", error.strip(), flags=re.S)
    told = text.removeprefix("\n").removeprefix("* ").split("\n* ")
    return {one for one in told if "some validation rules were not checked" not in one}


def own_words(manifest: dict[str, Any]) -> set[str]:
    """What the command line says."""
    with pytest.raises(CommandError) as caught:
        check(manifest)
    assert caught.value.status is Exit.INVALID_SPEC
    return words(str(caught.value))


@pytest.mark.parametrize(("path", "value", "says"), REFUSED)
def test_refused(crds: Sandbox, path: str, value: Any, says: str) -> None:
    manifest = changed(path, value)
    error = create(crds, manifest)
    assert error is not None
    assert says in error
    assert words(error) == own_words(manifest)


def test_a_name_that_no_label_can_hold_is_refused(crds: Sandbox) -> None:
    manifest = {**GOOD, "metadata": {"name": "x" * 64, "namespace": "default"}}
    error = create(crds, manifest)
    assert error is not None
    assert "metadata.name may have at most 63 characters" in error
    assert words(error) == own_words(manifest)


@pytest.mark.parametrize(
    "manifest",
    [
        {**GOOD, "metadata": {"name": "UPPER_x", "namespace": "default"}},
        {**GOOD, "metadata": {"namespace": "default"}},
        {**GOOD, "metadata": {"name": "a", "namespace": "default", "bar": 1}, "foo": 1},
        {**GOOD, "spec": {"regions": GOOD["spec"]["regions"]}},
        {**GOOD, "spec": {**GOOD["spec"], "qualys": {"auth": {}}, "interval": "1s", "tags": {"aws:x": "1"}}},
        {key: value for key, value in GOOD.items() if key != "spec"},
    ],
)
def test_several_things_wrong_at_once_have_the_same_words(crds: Sandbox, manifest: dict[str, Any]) -> None:
    error = create(crds, manifest)
    assert error is not None
    assert words(error) == own_words(manifest)


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
        (
            "access.stsRegion,regions,accounts",
            [
                "us-gov-west-1",
                {"names": ["us-gov-east-1", "us-gov-west-1"]},
                [{"id": "111111111111", "roleARN": "arn:aws-us-gov:iam::111111111111:role/x"}],
            ],
        ),
        ("access.stsRegion,regions", ["cn-north-1", {"selection": "AllEnabled"}]),
        ("delivery", {"topology": "PerRegion"}),
        ("delivery", main_region("us-east-1")),
        ("delivery,regions", [main_region("us-east-1"), ALL_BUT_DUBLIN]),
        (
            "delivery,accounts",
            [main_region("us-east-1"), [{"id": "111111111111", "regions": {"names": ["eu-west-1", "us-east-1"]}}]],
        ),
    ],
)
def test_accepted(crds: Sandbox, path: str, value: Any) -> None:
    manifest = changed(path, value)
    assert create(crds, manifest) is None
    assert check(manifest) == QualysZeroTouchSpec.model_validate(manifest["spec"])


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
        {
            "id": f"{n:012d}",
            "name": f"account-{n}",
            "roleARN": f"arn:aws:iam::{n:012d}:role/zerotouch",
            # Rules over lists in lists have a price, too; etcd takes no object that is much larger.
            "regions": {"names": [*(f"us-west-{m}" for m in range(1, 16)), "us-east-1"]},
        }
        for n in range(2000)
    ]
    for interval in ("5m", "6m"):
        manifest = changed("accounts,delivery", [accounts, main_region("us-east-1")])
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

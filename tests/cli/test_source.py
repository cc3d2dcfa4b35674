"""What a file may hold, and one line with a status of its own for everything else."""

import contextlib
import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.api.cases import GOOD, REFUSED, changed
from zerotouch.cli.documents import NotYAML, load_documents
from zerotouch.cli.exits import CommandError, Exit
from zerotouch.cli.source import check, read_file

COMMAND = str(Path(sys.executable).parent / "zerotouch")
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "qualys"},
    "data": {"username": "dXNlcg==", "bad": "!"},
    "stringData": {"password": "canary-password"},
}
TEXT = yaml.safe_dump(GOOD)


def another(**metadata: str) -> dict[str, Any]:
    body = copy.deepcopy(GOOD)
    body["metadata"] |= metadata
    return body


def together(*bodies: Any) -> str:
    return yaml.safe_dump_all(bodies)


@pytest.mark.parametrize(("path", "value", "says"), REFUSED)
def test_what_the_api_server_refuses(path: str, value: Any, says: str) -> None:
    """tests/api/test_crds.py holds that it says exactly the same."""
    with pytest.raises(CommandError) as caught:
        check(changed(path, value))
    assert caught.value.status is Exit.INVALID_SPEC
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "status", "says"),
    [
        ("a: [", Exit.NOT_YAML, "is not YAML: line 1: "),
        ("a: b\n\tc: d", Exit.NOT_YAML, "is not YAML: line 2: "),
        ("a: \x00", Exit.NOT_YAML, "is not YAML: "),
        (b"\xff\xfe\xfa", Exit.NOT_YAML, "is not YAML: it is no text in UTF-8"),
        ("[" * 5000, Exit.NOT_YAML, "is not YAML: it is nested too deeply"),
        (TEXT + "kind: Again\n", Exit.NOT_YAML, "key 'kind' stands twice"),
        ("", Exit.WRONG_DOCUMENTS, "holds no QualysZeroTouch; it holds nothing"),
        ("hello", Exit.WRONG_DOCUMENTS, "document 1 is no Kubernetes object"),
        ("- a", Exit.WRONG_DOCUMENTS, "document 1 is no Kubernetes object"),
        ("kind: 5", Exit.WRONG_DOCUMENTS, "document 1 is no Kubernetes object"),
        (together(SECRET), Exit.WRONG_DOCUMENTS, "holds no QualysZeroTouch; it holds Secret qualys"),
        (together({**GOOD, "kind": "Deployment"}), Exit.WRONG_DOCUMENTS, "it holds Deployment table"),
        (together(GOOD, another(name="other")), Exit.WRONG_DOCUMENTS, "choose one with --name: other, table"),
        (together(GOOD, GOOD), Exit.WRONG_DOCUMENTS, "the same QualysZeroTouch twice: table"),
        (
            together({**GOOD, "apiVersion": "zerotouch.dev/v2"}),
            Exit.INVALID_SPEC,
            'no matches for kind "QualysZeroTouch" in version "zerotouch.dev/v2"',
        ),
        (
            together({key: value for key, value in GOOD.items() if key != "apiVersion"}),
            Exit.INVALID_SPEC,
            "apiVersion is not set: use zerotouch.dev/v1alpha1",
        ),
        (together({**GOOD, "metadata": 5}), Exit.INVALID_SPEC, "metadata"),
        (together({**GOOD, "spec": []}), Exit.INVALID_SPEC, "spec in body must be of type object"),
        # Kubernetes reads digits as a number even where YAML 1.1 would not: 12 digits need quotes.
        (TEXT.replace("'111111111111'", "012345678901"), Exit.INVALID_SPEC, "must be of type string"),
    ],
)
def test_bad_files(tmp_path: Path, text: str | bytes, status: Exit, says: str) -> None:
    file = tmp_path / "file.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CommandError) as caught:
        read_file(str(file))
    assert (caught.value.status, says in str(caught.value)) == (status, True), str(caught.value)


def test_several_documents_hold_one_object_and_its_secrets(tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(together(SECRET, None, {"apiVersion": "v1", "kind": "List", "items": [GOOD, another(name="b")]}))
    declared = read_file(str(file), "table")
    assert (declared.name, declared.namespace, declared.spec.interval) == ("table", "default", "5m")
    assert declared.secrets == {"qualys": {"username": b"user", "password": b"canary-password"}}
    assert "canary" not in repr(declared)


def test_the_namespace(tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    body = another()
    del body["metadata"]["namespace"]
    file.write_text(json.dumps(body))
    assert read_file(str(file), namespace="security").namespace == "security"
    assert read_file(str(file)).namespace == "default"
    file.write_text(TEXT)
    with pytest.raises(CommandError, match="does not match the namespace"):
        read_file(str(file), namespace="security")


def test_a_secret_of_another_namespace_is_not_taken(tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(together({**SECRET, "metadata": {"name": "qualys", "namespace": "other"}}, GOOD))
    assert read_file(str(file)).secrets == {}


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["-f", "/no/such/file"], Exit.NO_INPUT, "zerotouch: /no/such/file: No such file or directory"),
        (["-f", "/"], Exit.NO_INPUT, "zerotouch: /: Is a directory"),
        (["-f", "-"], Exit.NOT_YAML, "zerotouch: the standard input is not YAML: line 1: "),
    ],
)
def test_the_command_ends_with_one_line(arguments: list[str], status: Exit, says: str) -> None:
    result = run(["policy", *arguments], "a: [")
    assert (result.returncode, result.stdout) == (status, "")
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_policies_of_a_spec() -> None:
    accounts = [{"id": "111111111111"}, {"id": "222222222222", "roleARN": "arn:aws-cn:iam::222222222222:role/x/y"}]
    spec = {
        **GOOD["spec"],
        "accounts": accounts,
        "namePrefix": "own-prefix",
        "access": {"externalID": "e-1", "stsRegion": "cn-north-1"},
        "regions": {"names": ["cn-north-1"]},
        "connector": {"existingRoleName": "theirs"},
    }
    result = run(
        ["policy", "-f", "-", "--operator-role", "arn:aws-cn:iam::999999999999:role/op"],
        together({**GOOD, "spec": spec}),
    )
    assert result.returncode == 0, result.stderr
    printed = json.loads(result.stdout)
    assert printed["operator"]["Statement"][0]["Resource"] == [
        "arn:aws-cn:iam::111111111111:role/zerotouch",
        "arn:aws-cn:iam::222222222222:role/x/y",
    ]
    assert printed["accounts"].keys() == {"111111111111", "222222222222"}
    second = printed["accounts"]["222222222222"]
    (attachment,) = [s for s in second["policy"]["Statement"] if s["Sid"] == "Attachment"]
    assert "arn:aws-cn:iam::222222222222:role/theirs" in attachment["Resource"]
    assert "own-prefix" in json.dumps(second["policy"])
    assert second["trust"]["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"] == "e-1"


def test_the_policies_of_a_spec_that_only_observes_only_read() -> None:
    result = run(["policy", "-f", "-"], together(changed("mode", "Observe")))
    statements = json.loads(result.stdout)["accounts"]["111111111111"]["policy"]["Statement"]
    actions = {action.partition(":")[2] for statement in statements for action in statement["Action"]}
    assert actions
    # ReceiveMessage without hiding anything: dead letters are looked at, and stay.
    assert all(action.startswith(("Describe", "Get", "List", "ReceiveMessage")) for action in actions)


def test_many_accounts_fit_into_one_policy() -> None:
    accounts = [{"id": f"{n:012d}"} for n in range(2000)]
    result = run(["policy", "-f", "-"], json.dumps(changed("accounts", accounts)))
    assert json.loads(result.stdout)["operator"]["Statement"][0]["Resource"] == ["arn:aws:iam::*:role/zerotouch"]


def run(arguments: list[str], stdin: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": "/nowhere"}
    return subprocess.run(
        [COMMAND, *arguments], input=stdin, env=env, capture_output=True, text=True, timeout=60, check=False
    )


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PATHS = st.sampled_from(
    [
        "accounts", "accounts.0.id", "accounts.0.regions", "access", "connector", "delivery", "interval", "inventory.targets",
        "qualys", "qualys.auth", "qualys.token.expiry", "regions", "regions.names", "tags", "namePrefix", "mode", "unknown",
    ]
)  # fmt: skip


@settings(deadline=None)
@given(PATHS, VALUES)
def test_nothing_but_a_refusal_comes_of_any_value(path: str, value: Any) -> None:
    manifest = copy.deepcopy(GOOD)
    *parents, last = path.split(".")
    node: Any = manifest["spec"]
    for key in parents:
        node = node[int(key)] if isinstance(node, list) else node.setdefault(key, {})
    node[last] = value
    with contextlib.suppress(CommandError):
        check(manifest)


@given(st.text(alphabet="ab01:-!?&*|>{}[]\"', \n\t%@#~._<", max_size=40) | st.text(max_size=40))
@example("!!int x")
@example("!!binary aGk=")
@example("!!timestamp 2020-99-99")
@example("? [a]\n: b")
@example("&a [*a]")
@example("0b")
@example("a: 1e999")
@example("<<: 1")
def test_any_text_is_yaml_or_is_told_not_to_be(text: str) -> None:
    with contextlib.suppress(NotYAML):
        load_documents(text)

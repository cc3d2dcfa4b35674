"""YAML is read as kubectl reads it."""

import json
import subprocess

import pytest

from sandbox.controlplane.run import kubectl_path
from zerotouch.cli.documents import load_documents

SCALARS = """
0777 011111111111 089111111111 -010 +010 00 0_7 0o17 0O7 0b11 0B1 -0b11 0x1F 0X1F 5 +5 -5 1_000 1__0
1_ _1 0b 0x 1e3 5e5 1E3 +1e3 1e-3 12e03 1e400 1e21 1e20 .5 1. 1.5 -1.5e2 . 1.2.3 1e
9223372036854775807 123456789012345678901234567890 1:30 2026-01-01 2026-01-01T00:00:00Z y Y n yes No
on OFF true TRUE tRue yEs nO ~ null '5' '' 111111111111
"""


def test_scalars_are_what_kubectl_makes_of_them() -> None:
    body = "apiVersion: x/v1\nkind: Foo\nmetadata: {name: a}\nspec:\n" + "".join(
        f"  v{number}: {text}\n" for number, text in enumerate(SCALARS.split())
    )
    command = [str(kubectl_path()), "annotate", "--local", "-f", "-", "a=b", "-o", "json"]
    answer = subprocess.run(command, input=body, capture_output=True, text=True, timeout=60, check=True)
    theirs, ours = json.loads(answer.stdout)["spec"], load_documents(body)[0]["spec"]
    for number, text in enumerate(SCALARS.split()):
        # 1 and 1.0 are the same number and not the same text: JSON tells them apart.
        assert json.dumps(ours[f"v{number}"]) == json.dumps(theirs[f"v{number}"]), text


@pytest.mark.parametrize("text", [".inf", "-.INF", ".NaN"])
def test_what_json_has_no_number_for_is_text(text: str) -> None:
    assert load_documents(f"v: {text}") == [{"v": text}]

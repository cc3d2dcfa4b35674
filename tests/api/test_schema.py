"""The generator, and what holds for everything that it generates."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from zerotouch.api import crd
from zerotouch.api.schema import structural_schema
from zerotouch.api.types import Model

CRDS = [crd.zerotouch_crd(), crd.account_crd()]


def test_the_files_are_fresh() -> None:
    assert crd.main(["--check", str(Path(__file__).parents[2] / "crds")]) == 0


def test_stale_files_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert crd.main([str(tmp_path)]) == 0
    assert crd.main(["--check", str(tmp_path)]) == 0
    (tmp_path / "qualyszerotouches.zerotouch.dev.yaml").write_text("old")
    assert crd.main(["--check", str(tmp_path)]) == 1
    assert "qualyszerotouches.zerotouch.dev.yaml is stale: run `make generate`" in capsys.readouterr().err


class Inner(Model):
    """Inner text."""

    a_number: int = Field(default=3, ge=1, le=5, description="A number.")


class Outer(Model):
    """Outer text."""

    one: Inner = Field(default=Inner(), description="One.")
    maybe: Inner | None = None
    many: Annotated[list[Inner], Field(max_length=2)] = Field(default_factory=list)
    fixed: Literal["x"]
    by_key: dict[str, int] = Field(default_factory=dict)


def test_walker() -> None:
    number = {"description": "A number.", "type": "integer", "minimum": 1, "maximum": 5}
    with_default = {"aNumber": {**number, "default": 3}}
    in_list = {"aNumber": {**number, "description": "A number. Default: 3."}}
    assert structural_schema(Outer) == {
        "description": "Outer text.",
        "type": "object",
        "required": ["fixed"],
        "properties": {
            "one": {"description": "One.", "type": "object", "properties": with_default},
            "maybe": {"description": "Inner text.", "type": "object", "properties": with_default},
            "many": {
                "type": "array",
                "maxItems": 2,
                "items": {"description": "Inner text.", "type": "object", "properties": in_list},
            },
            "fixed": {"type": "string", "enum": ["x"]},
            "byKey": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
    }


def test_a_union_is_refused() -> None:
    class Either(Model):
        either: int | str

    with pytest.raises(ValueError, match="a union"):
        structural_schema(Either)


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from nodes(schema[key], f"{path}[]")


ALL_NODES = [
    (f"{c['spec']['names']['kind']}{path}", node)
    for c in CRDS
    for part in ("spec", "status")
    for path, node in nodes(c["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"][part], f".{part}")
]


def test_every_field_is_described() -> None:
    bare = [path for path, node in ALL_NODES if not path.endswith("[]") and not node.get("description")]
    assert bare == []


def test_everything_is_bounded_so_that_rules_stay_within_their_cost() -> None:
    bound = {"string": ("maxLength", "enum", "format"), "array": ("maxItems",), "integer": ("maximum", "minimum")}
    unbounded = [
        path for path, node in ALL_NODES if node["type"] in bound and not any(b in node for b in bound[node["type"]])
    ]
    assert unbounded == []


def test_rules_say_what_to_do() -> None:
    rules = [rule for _, node in ALL_NODES for rule in node.get("x-kubernetes-validations", [])]
    assert len(rules) >= 12
    assert all(rule["message"] for rule in rules)

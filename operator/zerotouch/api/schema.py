"""From a pydantic model to the structural schema that a CustomResourceDefinition may hold.

Source of the restrictions: Kubernetes, "Extend the Kubernetes API with CustomResourceDefinitions", structural schemas.
"""

from typing import Any, Final

from pydantic import BaseModel

_KEPT: Final[tuple[str, ...]] = (
    "description", "type", "format", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum",
    "minItems", "maxItems", "minProperties", "maxProperties", "required", "uniqueItems",
)  # fmt: skip
_EXTENSIONS: Final = "x-kubernetes-"
_FORMATS: Final = frozenset({"date-time", "int32", "int64"})


def structural_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The OpenAPI v3 schema of a model. Raises ValueError where the model holds what Kubernetes cannot express."""
    root = model.model_json_schema(by_alias=True, mode="validation")
    return _Walker(root.get("$defs", {})).walk(root, in_list=False)


class _Walker:
    def __init__(self, definitions: dict[str, Any]) -> None:
        self._definitions = definitions

    def walk(self, node: dict[str, Any], in_list: bool) -> dict[str, Any]:
        node = self._resolve(node)
        out = {key: node[key] for key in _KEPT if key in node}
        if out.get("format", "date-time") not in _FORMATS:
            raise ValueError(f"format {out['format']} is unknown to Kubernetes")
        if "const" in node:
            out["enum"] = [node["const"]]
        out |= {key: value for key, value in node.items() if key.startswith(_EXTENSIONS)}
        self._default(node, out, in_list)
        self._children(node, out, in_list)
        if "type" not in out:
            raise ValueError(f"no type in {node}")
        return out

    def _children(self, node: dict[str, Any], out: dict[str, Any], in_list: bool) -> None:
        if "properties" in node:
            out["properties"] = {name: self.walk(child, in_list) for name, child in node["properties"].items()}
        elif values := _map_values(node):
            out["additionalProperties"] = self.walk(values, in_list=True)
        if "items" in node:
            out["items"] = self.walk(node["items"], in_list=True)

    @staticmethod
    def _default(node: dict[str, Any], out: dict[str, Any], in_list: bool) -> None:
        """GitOps tools take defaults in list items, and empty ones, for drift: there the operator fills them in."""
        default = node.get("default")
        if default is None or isinstance(default, dict | list):
            return
        if in_list:
            out["description"] = f"{out.get('description', '').rstrip()} Default: {str(default).lower()}.".lstrip()
        else:
            out["default"] = default

    def _resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        """Inline references and drop the null of an optional field; what stands beside a reference wins."""
        options = [option for option in node.get("anyOf", ()) if option.get("type") != "null"]
        if len(options) > 1 or any(key in node for key in ("oneOf", "allOf", "not")):
            raise ValueError(f"a union: {node}")
        inner = options[0] if options else {}
        if reference := node.get("$ref"):
            inner = self._definitions[reference.rpartition("/")[2]]
        if not inner:
            return node
        beside = {key: value for key, value in node.items() if key not in ("anyOf", "$ref")}
        return {**self._resolve(inner), **beside}


def _map_values(node: dict[str, Any]) -> dict[str, Any] | None:
    """The schema of a map's values; patterns of its keys cannot be expressed and need a rule."""
    if patterns := node.get("patternProperties"):
        (values,) = patterns.values()
        return dict(values)
    values = node.get("additionalProperties")
    return values if isinstance(values, dict) else None

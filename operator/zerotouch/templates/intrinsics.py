"""Text with placeholders → CloudFormation's intrinsic functions."""

import re
from typing import Any, Final

from zerotouch.templates.parameters import REGIONS

_ONE: Final = re.compile(r"\$\{([\w:]+)(?:\.(\w+))?\}")


def get_att(resource: str, attribute: str = "Arn") -> dict[str, Any]:
    """An attribute of a resource in the same template."""
    return {"Fn::GetAtt": [resource, attribute]}


def intrinsic(value: Any) -> Any:
    """`${A}` → Ref, `${A.Arn}` → GetAtt, text around either → Sub; everything else as it is, in depth."""
    if isinstance(value, dict):
        return {key: intrinsic(item) for key, item in value.items()}
    if value == [REGIONS]:
        return {"Ref": "Regions"}
    if isinstance(value, list):
        return [intrinsic(item) for item in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    if whole := _ONE.fullmatch(value):
        name, attribute = whole.groups()
        return get_att(name, attribute) if attribute else {"Ref": name}
    return {"Fn::Sub": value}

"""Building blocks of the API: the base model and constrained scalars."""

import re
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

_DURATION: Final = re.compile(r"(\d+)(h|m|s)")
_UNIT_SECONDS: Final = {"h": 3600, "m": 60, "s": 1}


def _alias(name: str) -> str:
    camel = to_camel(name)
    for short, upper in (("Arn", "ARN"), ("Url", "URL"), ("Uid", "UID"), ("Id", "ID")):
        if camel.endswith(short) and camel != short.lower():
            camel = camel[: -len(short)] + upper
    return camel


class Model(BaseModel):
    """Base of all API models: camelCase outside, snake_case inside, unknown fields ignored as the API server prunes them."""

    model_config = ConfigDict(alias_generator=_alias, populate_by_name=True, frozen=True)


def rules(*wanted: tuple[str, str, str | None]) -> dict[str, Any]:
    """CEL rules of a field or model: (expression, message, path of the field at fault below it, if it is one)."""
    return {
        "x-kubernetes-validations": [
            {"rule": rule, "message": message} | ({"fieldPath": path} if path else {}) for rule, message, path in wanted
        ]
    }


def exactly_one(first: str, second: str) -> dict[str, Any]:
    """The CEL rule of a one-of."""
    return rules((f"has(self.{first}) != has(self.{second})", f"give exactly one of {first} and {second}", None))


SET: Final = {"x-kubernetes-list-type": "set"}
IMMUTABLE: Final = "self == oldSelf"

AccountID = Annotated[str, Field(pattern=r"^[0-9]{12}$", min_length=12, max_length=12)]
RegionName = Annotated[
    str,
    Field(pattern=r"^[a-z]{2,3}(-[a-z]+)+-[0-9]{1,2}$", min_length=9, max_length=32),
]
ExternalID = Annotated[str, Field(pattern=r"^[\w+=,.@:/-]+$", min_length=2, max_length=1224)]
IAMName = Annotated[str, Field(pattern=r"^[\w+=,.@-]+$", min_length=1, max_length=64)]
RoleARN = Annotated[
    str,
    Field(
        pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+$",
        min_length=20,
        max_length=640,
    ),
]
PolicyARN = Annotated[
    str,
    Field(
        pattern=r"^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\w+=,.@/-]+$",
        min_length=20,
        max_length=640,
    ),
]
ObjectName = Annotated[
    str,
    Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", min_length=1, max_length=253),
]
SecretKey = Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]+$", min_length=1, max_length=253)]
Duration = Annotated[
    str,
    Field(pattern=r"^([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,6}s)?$", min_length=2, max_length=16),
]


def parse_duration(text: str) -> timedelta:
    """`1h30m` → timedelta. The text must match `Duration`'s pattern."""
    return timedelta(seconds=sum(int(n) * _UNIT_SECONDS[unit] for n, unit in _DURATION.findall(text)))

"""Whose a resource is: the mark that we leave on it, and the gate before every write.

| mark found | creating | updating | deleting |
|---|---|---|---|
| nothing exists | yes | - | - |
| ours | - | yes | yes |
| none, or a template's of ours | no: Conflict | if adoptionPolicy says so, else Conflict | no: left alone |
| another owner's | no: Conflict | no: Conflict | no: left alone |
| satisfies us, made by others | no need | never | never |
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from zerotouch.api.meta import OWNER_TAG, TEMPLATE_OWNERS


class Ownership(StrEnum):
    """Whose an observed resource is."""

    OURS = "ours"
    ADOPTABLE = "adoptable"
    FOREIGN = "foreign"
    EXTERNAL = "external"


_OWNER: Final = re.compile(r"owner=([^;]+)(?:;|$)")
_TOKEN: Final = re.compile(r"token=([0-9a-f]{12})(?:;|$)")


def describe_owner(owner: str, token_fingerprint: str | None = None) -> str:
    """The Description of what cannot be tagged: at most 512 characters, the owner has at most 400."""
    token = f"; token={token_fingerprint}" if token_fingerprint else ""
    return f"Managed by zerotouch; owner={owner}{token}"


def owner_in(description: str | None) -> str | None:
    """The owner that a Description names."""
    match = _OWNER.search(description or "")
    return match.group(1) if match else None


def token_in(description: str | None) -> str | None:
    """The fingerprint of the token that a connection's Description names."""
    match = _TOKEN.search(description or "")
    return match.group(1) if match else None


def without_token(description: str | None) -> str | None:
    """A Description apart from the token's fingerprint."""
    return None if description is None else re.sub(rf"; {_TOKEN.pattern}", "", description)


def by_owner(found: str | None, owner: str) -> Ownership:
    """Ours if the mark names us; adoptable if it names nobody, or a template of ours."""
    if found == owner:
        return Ownership.OURS
    return Ownership.ADOPTABLE if found is None or found in TEMPLATE_OWNERS else Ownership.FOREIGN


def by_tags(tags: Mapping[str, str], owner: str) -> Ownership:
    """The same of the owner tag."""
    return by_owner(tags.get(OWNER_TAG), owner)

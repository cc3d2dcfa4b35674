"""What was declared of a resource when it was last made right: does a field differ because the declaration changed? Pure."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from zerotouch.api.drift import DifferenceKind
from zerotouch.plan.change import EXISTS, Difference

_BYTES: Final = 3
_CHARACTERS: Final = 4
_SHAPE: Final = "shape"


def field_hashes(wanted: Mapping[str, Any]) -> str:
    """Four characters for each field of a desired form, and for the keys of each that is a mapping.

    A token is in a desired form by its fingerprint only, and an external id as the spec shows it.
    """
    return "".join(sorted({*_hashes(wanted), _hash("", _shape(wanted))}))


def declared_before(known: str, wanted: Mapping[str, Any] | None, difference: Difference) -> bool:
    """Whether what differs was already wanted as it is now. `known`: the field hashes of what was last made right.

    What is there and never was declared is told by the keys: those of its field are the same as then.
    """
    if wanted is None:
        return False
    if difference.path == EXISTS:
        return True
    hashes = {known[at : at + _CHARACTERS] for at in range(0, len(known), _CHARACTERS)}
    field = difference.top
    if field not in wanted:
        return _hash("", _shape(wanted)) in hashes
    if _hash(field, wanted[field]) in hashes:
        return True
    # Elements of a list have no names by which to tell old ones from added ones.
    added = difference.kind is DifferenceKind.EXTRA and "[" not in difference.path
    return added and isinstance(wanted[field], Mapping) and _hash(field, _SHAPE, _shape(wanted[field])) in hashes


def _hashes(wanted: Mapping[str, Any]) -> Iterator[str]:
    for field, value in wanted.items():
        yield _hash(field, value)
        if isinstance(value, Mapping):
            yield _hash(field, _SHAPE, _shape(value))


def _shape(node: Any) -> Any:
    """The keys at every depth; a key without a value is none."""
    if not isinstance(node, Mapping):
        return True
    return {key: _shape(value) for key, value in node.items() if value is not None}


def _hash(*parts: Any) -> str:
    text = json.dumps(parts, sort_keys=True, default=repr)
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:_BYTES]).decode()

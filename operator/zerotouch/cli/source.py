"""A QualysZeroTouch from a file, checked as the API server would check it."""

import base64
import binascii
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from zerotouch.api.crd import zerotouch_crd
from zerotouch.api.meta import API_VERSION, GROUP, ZEROTOUCH_KIND
from zerotouch.api.validation import faults, unknown_fields, with_defaults
from zerotouch.api.zerotouch import QualysZeroTouchSpec
from zerotouch.cli.documents import NotYAML, load_documents
from zerotouch.cli.exits import CommandError, Exit

_DEFAULT_NAMESPACE: Final = "default"
_MOST_NAMED: Final = 5


@dataclass(frozen=True)
class Declared:
    """One object, and the Secrets of its namespace that stand in the same file: name → key → value."""

    name: str
    namespace: str
    spec: QualysZeroTouchSpec
    secrets: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict, repr=False)


def read_file(path: str, name: str | None = None, namespace: str | None = None) -> Declared:
    """The object in a file, `-` for the standard input; `name` chooses one of several. Raises CommandError."""
    shown = "the standard input" if path == "-" else path
    bodies = list(_objects(_documents(path, shown), shown))
    body = _choose([b for b in bodies if _is_ours(b)], bodies, name, shown)
    spec = check(body)
    metadata = body["metadata"]
    where = _namespace(metadata.get("namespace"), namespace)
    secrets = {b["metadata"]["name"]: _data(b) for b in bodies if _is_secret(b, where)}
    return Declared(metadata["name"], where, spec, secrets)


def check(body: Mapping[str, Any]) -> QualysZeroTouchSpec:
    """The spec, where the API server would take the object. Raises CommandError with its words where not."""
    version = body.get("apiVersion")
    if version is None:
        raise CommandError(Exit.INVALID_SPEC, f"apiVersion is not set: use {API_VERSION}")
    if version != API_VERSION:
        text = f'no matches for kind "{ZEROTOUCH_KIND}" in version "{version}": use {API_VERSION}'
        raise CommandError(Exit.INVALID_SPEC, text)
    schema = _schema()
    if unknown := unknown_fields(schema, body):
        fields = ", ".join(f'unknown field "{path}"' for path in unknown)
        text = f'{ZEROTOUCH_KIND} in version "{API_VERSION.partition("/")[2]}" cannot be handled as a {ZEROTOUCH_KIND}'
        raise CommandError(Exit.INVALID_SPEC, f"{text}: strict decoding error: {fields}")
    metadata = body.get("metadata")
    shown = f'The {ZEROTOUCH_KIND} "{(metadata if isinstance(metadata, dict) else {}).get("name", "")}" is invalid: '
    if found := [str(fault) for fault in faults(schema, body)]:
        listed = found[0] if len(found) == 1 else "".join(f"\n* {text}" for text in found)
        raise CommandError(Exit.INVALID_SPEC, shown + listed)
    try:
        return QualysZeroTouchSpec.model_validate(with_defaults(schema, body)["spec"])
    except ValidationError as error:
        problems = error.errors(include_input=False, include_context=False, include_url=False)
        text = "; ".join(f"spec.{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in problems[:_MOST_NAMED])
        raise CommandError(Exit.INVALID_SPEC, shown + text) from None


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = zerotouch_crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def _documents(path: str, shown: str) -> list[Any]:
    try:
        text = (sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()).decode()
    except OSError as error:
        raise CommandError(Exit.NO_INPUT, f"{shown}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise CommandError(Exit.NOT_YAML, f"{shown} is not YAML: it is no text in UTF-8") from None
    try:
        return load_documents(text)
    except NotYAML as error:
        raise CommandError(Exit.NOT_YAML, f"{shown} is not YAML: {error}") from None


def _objects(documents: list[Any], shown: str) -> Iterator[dict[str, Any]]:
    for number, document in enumerate(documents, 1):
        if not isinstance(document, dict) or not isinstance(document.get("kind"), str):
            text = f"{shown}: document {number} is no Kubernetes object: it needs apiVersion, kind and metadata"
            raise CommandError(Exit.WRONG_DOCUMENTS, text)
        if document["kind"] == "List" and isinstance(document.get("items"), list):
            yield from _objects(document["items"], shown)
        else:
            yield document


def _choose(
    ours: list[dict[str, Any]], all_of_them: list[dict[str, Any]], name: str | None, shown: str
) -> dict[str, Any]:
    wanted = [body for body in ours if name is None or _name(body) == name]
    if len(wanted) == 1:
        return wanted[0]
    if not wanted:
        found = ", ".join(sorted({f"{b['kind']} {_name(b)}".strip() for b in all_of_them})[:_MOST_NAMED])
        what = f"{ZEROTOUCH_KIND} {name}" if name else ZEROTOUCH_KIND
        raise CommandError(Exit.WRONG_DOCUMENTS, f"{shown} holds no {what}; it holds {found or 'nothing'}")
    names = sorted({_name(body) for body in wanted})
    if len(names) < len(wanted):
        raise CommandError(Exit.WRONG_DOCUMENTS, f"{shown} holds the same {ZEROTOUCH_KIND} twice: {', '.join(names)}")
    text = f"{shown} holds {len(wanted)} QualysZeroTouch objects: choose one with --name: {', '.join(names)}"
    raise CommandError(Exit.WRONG_DOCUMENTS, text)


def _name(body: Mapping[str, Any]) -> str:
    metadata = body.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""


def _is_ours(body: Mapping[str, Any]) -> bool:
    return body["kind"] == ZEROTOUCH_KIND and str(body.get("apiVersion", GROUP)).partition("/")[0] == GROUP


def _is_secret(body: Mapping[str, Any], namespace: str) -> bool:
    metadata = body.get("metadata")
    if (body["kind"], body.get("apiVersion")) != ("Secret", "v1") or not isinstance(metadata, dict):
        return False
    return bool(metadata.get("name")) and metadata.get("namespace", namespace) == namespace


def _data(secret: Mapping[str, Any]) -> dict[str, bytes]:
    """Of a Secret as people write it; what is no base64 counts as missing."""
    values: dict[str, bytes] = {}
    for key, value in (secret.get("data") or {}).items():
        try:
            values[key] = base64.b64decode(str(value), validate=True)
        except (binascii.Error, ValueError):
            continue
    return values | {key: str(value).encode() for key, value in (secret.get("stringData") or {}).items()}


def _namespace(in_file: str | None, asked: str | None) -> str:
    if in_file and asked and in_file != asked:
        text = f'the namespace from the provided object "{in_file}" does not match the namespace "{asked}"'
        raise CommandError(Exit.USAGE, text)
    return in_file or asked or _DEFAULT_NAMESPACE

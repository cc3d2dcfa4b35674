"""The Secret of ours that keeps minted tokens, and the key that makes their fingerprints."""

import base64
import secrets
from datetime import datetime
from typing import Any, Final

from zerotouch.api.meta import API_VERSION, PARENT_LABEL, ZEROTOUCH_KIND
from zerotouch.controller.kube import KubeAPI, KubeError
from zerotouch.controller.objects import Parent, secret_path
from zerotouch.controller.rotation import Kept, Minted
from zerotouch.controller.secrets import Secret
from zerotouch.qualys.tokens import TokenInvalid, fingerprint, parse_token

_KEY_SECRET: Final = "zerotouch-fingerprint-key"
_KEY_BYTES: Final = 32


def token_secret_name(parent: str) -> str:
    """Name of the Secret that keeps a parent's minted tokens."""
    return f"{parent}-zerotouch-token"


def is_ours(secret: Secret, parent: Parent) -> bool:
    """Whether the Secret of that name was made by the operator, for this parent."""
    return (secret.meta.get("labels") or {}).get(PARENT_LABEL) == parent.key.name


def read_kept(secret: Secret | None, key: bytes) -> Kept:
    """What it holds; what was spoilt counts as missing."""
    if secret is None:
        return Kept()
    return Kept(
        current=_minted(secret, key, ""),
        next=_minted(secret, key, "next."),
        mint_started_at=_time(secret, "mintStartedAt"),
        rotate_handled=_text(secret, "rotateHandled"),
        refused=tuple((_text(secret, "refused") or "").split()),
        refused_at=_time(secret, "refusedAt"),
        version=str(secret.meta["resourceVersion"]),
    )


def secret_body(parent: Parent, kept: Kept) -> dict[str, Any]:
    """The Secret as it is to be written."""
    data = {**_data(kept.current, ""), **_data(kept.next, "next.")}
    if kept.mint_started_at is not None:
        data["mintStartedAt"] = kept.mint_started_at.isoformat()
    if kept.rotate_handled is not None:
        data["rotateHandled"] = kept.rotate_handled
    if kept.refused and kept.refused_at is not None:
        data |= {"refused": " ".join(kept.refused), "refusedAt": kept.refused_at.isoformat()}
    version = {"resourceVersion": kept.version} if kept.version else {}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": token_secret_name(parent.key.name),
            "labels": {PARENT_LABEL: parent.key.name, "app.kubernetes.io/managed-by": "zerotouch"},
            "ownerReferences": [owner_reference(parent)],
            **version,
        },
        "data": {name: base64.b64encode(value.encode()).decode() for name, value in data.items()},
    }


def owner_reference(parent: Parent) -> dict[str, Any]:
    """Without blockOwnerDeletion, which needs more rights and keeps nothing that finalizers do not keep."""
    return {
        "apiVersion": API_VERSION,
        "kind": ZEROTOUCH_KIND,
        "name": parent.key.name,
        "uid": parent.meta.uid,
        "controller": True,
    }


async def load_fingerprint_key(kube: KubeAPI, namespace: str) -> bytes:
    """Of this installation: made once, and kept in the operator's own namespace. Raises KubeError, RuntimeError."""
    body = await kube.find(secret_path(namespace, _KEY_SECRET))
    if body is None:
        data = {"key": base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}
        new = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": _KEY_SECRET}, "data": data}
        try:
            body = await kube.create(f"/api/v1/namespaces/{namespace}/secrets", new)
        except KubeError as error:
            if not error.conflict:
                raise
            body = await kube.get(secret_path(namespace, _KEY_SECRET))
    key = Secret(body).get("key")
    if not key or len(key) < _KEY_BYTES:
        raise RuntimeError(f"Secret {namespace}/{_KEY_SECRET} holds no key of {_KEY_BYTES} bytes: delete it")
    return key


def _minted(secret: Secret, key: bytes, prefix: str) -> Minted | None:
    value, gateway = secret.get(f"{prefix}token"), _text(secret, f"{prefix}gateway")
    source, minted_at = _text(secret, f"{prefix}source"), _time(secret, f"{prefix}mintedAt")
    if value is None or gateway is None or source is None or minted_at is None:
        return None
    try:
        token = parse_token(value)
    except TokenInvalid:
        return None
    return Minted(token, fingerprint(token.reveal(), key), gateway, source, minted_at)


def _data(minted: Minted | None, prefix: str) -> dict[str, str]:
    if minted is None:
        return {}
    return {
        f"{prefix}token": minted.token.reveal(),
        f"{prefix}gateway": minted.gateway,
        f"{prefix}source": minted.source,
        f"{prefix}mintedAt": minted.minted_at.isoformat(),
    }


def _text(secret: Secret, name: str) -> str | None:
    value = secret.get(name)
    return None if value is None else value.decode(errors="replace")


def _time(secret: Secret, name: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(_text(secret, name) or "")
    except ValueError:
        return None
    return found if found.tzinfo is not None else None

"""The subscription token of each `QualysZeroTouch`: read from a Secret, or minted once and kept in a Secret of ours."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from zerotouch.api.conditions import Reason
from zerotouch.api.meta import API_VERSION, PARENT_LABEL, ZEROTOUCH_KIND
from zerotouch.api.zerotouch import TokenSecretRef, TokenStatus
from zerotouch.controller.kube import KubeAPI, KubeError
from zerotouch.controller.objects import Key, Parent, secret_path
from zerotouch.controller.parent_status import ParentProblem
from zerotouch.controller.secrets import Secret, SecretForbidden, SecretWatch
from zerotouch.controller.settings import Settings
from zerotouch.controller.stats import Stats
from zerotouch.qualys.client import GatewayClient
from zerotouch.qualys.errors import GatewayError
from zerotouch.qualys.tokens import SubscriptionToken, TokenInvalid, fingerprint, parse_token

_log = structlog.get_logger()
_KEY_SECRET: Final = "zerotouch-fingerprint-key"
_KEY_BYTES: Final = 32
_TOKEN: Final = "token"
_SOURCE: Final = "source"


@dataclass(frozen=True)
class HeldToken:
    """A token that may be used, and what may be said of it."""

    token: SubscriptionToken
    fingerprint: str

    @property
    def status(self) -> TokenStatus:
        return TokenStatus(fingerprint=self.fingerprint, expires_at=self.token.expires_at)


@dataclass(frozen=True)
class TokenResult:
    """`held`: the token to use. `problem`: what is wrong; both where an old token still serves."""

    held: HeldToken | None = None
    problem: ParentProblem | None = None


@dataclass(frozen=True)
class _Refusal:
    """The gateway refused to mint from this source; it is not asked again before `until`, whatever else happens."""

    source: str
    problem: ParentProblem
    until: float
    times: int


@dataclass(frozen=True)
class _Credentials:
    username: str = field(repr=False)
    password: str = field(repr=False)


class _Unusable(Exception):
    def __init__(self, problem: ParentProblem) -> None:
        self.problem = problem
        super().__init__(problem.message)


def _unusable(reason: Reason, message: str) -> _Unusable:
    return _Unusable(ParentProblem(reason, message))


def _forbidden(parent: Parent, name: str) -> ParentProblem:
    where = parent.key.namespace
    return ParentProblem(
        Reason.SECRET_NOT_FOUND,
        f"the operator may not read or write Secret {name}: apply deploy/tenant to namespace {where}",
    )


def token_secret_name(parent: str) -> str:
    """The Secret of ours that keeps a minted token."""
    return f"{parent}-zerotouch-token"


class Tokens:
    """Tokens by parent. For one event loop."""

    def __init__(
        self,
        kube: KubeAPI,
        watch: SecretWatch,
        settings: Settings,
        stats: Stats,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._kube, self._watch, self._settings, self._stats, self._now = kube, watch, settings, stats, now
        self._key: bytes | None = None
        self._held: dict[Key, HeldToken] = {}
        self._refused: dict[Key, _Refusal] = {}

    def held(self, parent: Key, with_fingerprint: str | None) -> SubscriptionToken | None:
        """The parent's token, if it is the one that the fingerprint stands for."""
        held = self._held.get(parent)
        return held.token if held is not None and held.fingerprint == with_fingerprint else None

    def forget(self, parent: Key) -> None:
        self._held.pop(parent, None)
        self._refused.pop(parent, None)
        self._watch.forget(parent)

    async def resolve(self, parent: Parent, gateway_url: str) -> TokenResult:
        """The token that the parent asks for, minted where need be. Raises KubeError."""
        self._watch.start(parent.key)
        try:
            result = await self._resolve(parent, gateway_url)
        except _Unusable as error:
            result = TokenResult(problem=error.problem)
        if result.held is not None:
            self._held[parent.key] = result.held
        return result

    async def _resolve(self, parent: Parent, gateway_url: str) -> TokenResult:
        auth = parent.spec.qualys.auth
        if auth.subscription_token_secret_ref is not None:
            return TokenResult(await self._given(parent, auth.subscription_token_secret_ref))
        if auth.credentials_secret_ref is None:
            raise _unusable(Reason.INVALID_SPEC, "spec.qualys.auth: give exactly one of its fields")
        credentials = await self._credentials(parent, auth.credentials_secret_ref.name)
        return await self._minted(parent, gateway_url, credentials)

    async def _given(self, parent: Parent, ref: TokenSecretRef) -> HeldToken:
        secret = await self._read(parent, ref.name)
        value = secret.get(ref.key)
        if value is None:
            raise _unusable(Reason.SECRET_NOT_FOUND, f"Secret {ref.name} has no key {ref.key}: put the token there")
        return await self._check(value, f"Secret {ref.name}, key {ref.key}: the token ")

    async def _check(self, value: bytes, where: str) -> HeldToken:
        try:
            token = parse_token(value)
        except TokenInvalid as error:
            raise _unusable(Reason.TOKEN_INVALID, f"{where}{error.problem}") from None
        if token.expires_at is not None and token.expired(self._now()):
            at = token.expires_at.isoformat(timespec="seconds")
            raise _unusable(Reason.TOKEN_INVALID, f"{where}expired at {at}: store a new one")
        return HeldToken(token, fingerprint(token.reveal(), await self._fingerprint_key()))

    async def _credentials(self, parent: Parent, name: str) -> _Credentials:
        secret = await self._read(parent, name)
        texts = [_text(secret, name, key) for key in ("username", "password")]
        return _Credentials(*texts)

    async def _read(self, parent: Parent, name: str) -> Secret:
        try:
            secret = await self._watch.read(parent.key, name)
        except SecretForbidden:
            raise _Unusable(_forbidden(parent, name)) from None
        if secret is None:
            raise _unusable(
                Reason.SECRET_NOT_FOUND, f"there is no Secret {name} in namespace {parent.key.namespace}: create it"
            )
        return secret

    async def _minted(self, parent: Parent, gateway_url: str, credentials: _Credentials) -> TokenResult:
        source = await self._source(parent, gateway_url, credentials)
        name = token_secret_name(parent.key.name)
        kept = await self._kept(parent, name)
        held = await self._usable(kept)
        if held is not None and kept is not None and kept.get(_SOURCE) == source.encode():
            return TokenResult(held)
        refused = self._refused.get(parent.key)
        if refused is not None and refused.source == source and (wait := refused.until - time.monotonic()) > 0:
            return TokenResult(held, replace(refused.problem, wait=wait))
        try:
            # Before minting: what cannot be kept would be minted again and again.
            kept = kept or await self._write(parent, {**_token_secret(parent, name), "data": {}})
            minted = await self._mint(parent, gateway_url, credentials)
            await self._keep(parent, name, kept, minted, source)
        except GatewayError as error:
            return TokenResult(held, self._refuse(parent.key, source, error))
        except SecretForbidden:
            return TokenResult(held, _forbidden(parent, name))
        self._stats.mints["ok"] += 1
        self._refused.pop(parent.key, None)
        return TokenResult(minted)

    def _refuse(self, parent: Key, source: str, error: GatewayError) -> ParentProblem:
        self._stats.mints["error"] += 1
        before = self._refused.get(parent)
        times = before.times + 1 if before is not None and before.source == source else 1
        settings = self._settings
        grown = min(settings.retry_cap, settings.retry_base * 2.0 ** min(times - 1, 16))
        wait = error.wait if error.wait is not None else settings.retry_cap if error.person else grown
        problem = ParentProblem(error.reason, str(error), error.person, wait)
        self._refused[parent] = _Refusal(source, problem, time.monotonic() + wait, times)
        return problem

    async def _kept(self, parent: Parent, name: str) -> Secret | None:
        try:
            kept = await self._watch.read(parent.key, name)
        except SecretForbidden:
            raise _Unusable(_forbidden(parent, name)) from None
        if kept is not None and (kept.meta.get("labels") or {}).get(PARENT_LABEL) != parent.key.name:
            raise _unusable(
                Reason.CONFLICT, f"Secret {name} exists and is not ours: rename it, the operator keeps the token there"
            )
        return kept

    async def _usable(self, kept: Secret | None) -> HeldToken | None:
        """A token that was kept and still serves; one that was spoilt is minted anew."""
        value = kept.get(_TOKEN) if kept is not None else None
        if value is None:
            return None
        try:
            return await self._check(value, "")
        except _Unusable:
            return None

    async def _mint(self, parent: Parent, gateway_url: str, credentials: _Credentials) -> HeldToken:
        _log.info("minting a subscription token", object=str(parent.key), gateway=gateway_url)
        client = GatewayClient(gateway_url, self._settings.gateway_ca_file)
        token = await client.mint(credentials.username, credentials.password, parent.spec.qualys.token.expiry)
        return HeldToken(token, fingerprint(token.reveal(), await self._fingerprint_key()))

    async def _keep(self, parent: Parent, name: str, kept: Secret, held: HeldToken, source: str) -> None:
        values = {_TOKEN: held.token.reveal(), _SOURCE: source}
        body = _token_secret(parent, name)
        body["metadata"]["resourceVersion"] = kept.meta["resourceVersion"]
        body["data"] = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        await self._write(parent, body)

    async def _write(self, parent: Parent, body: dict[str, Any]) -> Secret:
        """Create it, or replace the version that it names. Raises SecretForbidden, KubeError."""
        namespace, meta = parent.key.namespace, body["metadata"]
        try:
            if "resourceVersion" in meta:
                written = await self._kube.replace(secret_path(namespace, meta["name"]), body)
            else:
                written = await self._kube.create(f"/api/v1/namespaces/{namespace}/secrets", body)
        except KubeError as error:
            if error.forbidden:
                raise SecretForbidden from None
            raise
        self._watch.wrote(parent.key, written)
        return Secret(written)

    async def _source(self, parent: Parent, gateway_url: str, credentials: _Credentials) -> str:
        """Stands for all that a minted token depends on."""
        parts = [gateway_url, parent.spec.qualys.token.expiry, credentials.username, credentials.password]
        return hmac.new(await self._fingerprint_key(), json.dumps(parts).encode(), hashlib.sha256).hexdigest()

    async def _fingerprint_key(self) -> bytes:
        """Of this installation, made once and kept in the operator's own namespace."""
        if self._key is None:
            self._key = await self._load_key()
        return self._key

    async def _load_key(self) -> bytes:
        namespace = self._settings.namespace
        body = await self._kube.find(secret_path(namespace, _KEY_SECRET))
        if body is None:
            data = {"key": base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}
            new = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": _KEY_SECRET}, "data": data}
            try:
                body = await self._kube.create(f"/api/v1/namespaces/{namespace}/secrets", new)
            except KubeError as error:
                if not error.conflict:
                    raise
                body = await self._kube.get(secret_path(namespace, _KEY_SECRET))
        key = Secret(body).get("key")
        if not key or len(key) < _KEY_BYTES:
            raise RuntimeError(f"Secret {namespace}/{_KEY_SECRET} holds no key of {_KEY_BYTES} bytes: delete it")
        return key


def _text(secret: Secret, name: str, key: str) -> str:
    value = secret.get(key)
    if value is None:
        raise _unusable(Reason.SECRET_NOT_FOUND, f"Secret {name} has no key {key}: it needs username and password")
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise _unusable(Reason.TOKEN_INVALID, f"Secret {name}, key {key}: is no text in UTF-8") from None
    if not text.strip():
        raise _unusable(Reason.TOKEN_INVALID, f"Secret {name}, key {key}: is empty")
    if text != text.rstrip("\r\n"):
        raise _unusable(Reason.TOKEN_INVALID, f"Secret {name}, key {key}: ends in a newline: store it without one")
    return text


def _token_secret(parent: Parent, name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": name,
            "labels": {PARENT_LABEL: parent.key.name, "app.kubernetes.io/managed-by": "zerotouch"},
            "ownerReferences": [owner_reference(parent)],
        },
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

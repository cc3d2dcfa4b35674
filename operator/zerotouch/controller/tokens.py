"""The subscription token of each `QualysZeroTouch`: read from a Secret, or minted, kept in a Secret of ours, and rotated."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import structlog

from zerotouch.api.conditions import Reason
from zerotouch.api.spec import Mode
from zerotouch.api.types import parse_duration
from zerotouch.api.zerotouch import TokenSecretRef
from zerotouch.controller.kube import KubeAPI, KubeError
from zerotouch.controller.objects import Key, Parent, secret_path
from zerotouch.controller.parent_status import ParentProblem
from zerotouch.controller.queue import grown
from zerotouch.controller.rotation import (
    MINT_TIMEOUT,
    Asked,
    Kept,
    Minted,
    Step,
    asked_for,
    decide,
    mint_again_at,
    note_refused,
    rotation_due,
    usable,
)
from zerotouch.controller.secrets import Secret, SecretForbidden, SecretWatch
from zerotouch.controller.settings import Settings
from zerotouch.controller.stats import Stats
from zerotouch.controller.token_secret import (
    is_ours,
    load_fingerprint_key,
    read_kept,
    secret_body,
    token_secret_name,
)
from zerotouch.qualys.client import GatewayClient
from zerotouch.qualys.errors import GatewayError
from zerotouch.qualys.tokens import SubscriptionToken, TokenInvalid, fingerprint, parse_token

_log = structlog.get_logger()


@dataclass(frozen=True)
class Told:
    """What the account objects tell. `carried`: whether every target carries the token of that fingerprint.

    `refused`: fingerprints of the tokens that Qualys refuses in some target. `approved`: whether one of them, in mode Observe,
    is to be changed as a person approved.
    """

    carried: Callable[[str], bool]
    refused: frozenset[str] = frozenset()
    approved: bool = False


@dataclass(frozen=True)
class HeldToken:
    """A token that may be used, and what stands for it."""

    token: SubscriptionToken
    fingerprint: str


@dataclass(frozen=True)
class TokenResult:
    """`current`: the token in use. `next`: the one that is being rolled out. `problem`: what is wrong.

    A problem together with a token means that an old token still serves. `expiring`: what a person should do in time.
    `minted`: whether a refused token can be followed by another, from `mint_again_at` on where not at once.
    `asked_in_vain`: a rotation is asked for of a token that only a person can replace.
    """

    current: HeldToken | None = None
    next: HeldToken | None = None
    problem: ParentProblem | None = None
    expiring: str | None = None
    minted: bool = False
    mint_again_at: datetime | None = None
    observing: bool = False
    asked_in_vain: bool = False

    @property
    def target(self) -> str | None:
        """Fingerprint of the token that every account is to carry."""
        held = self.next or self.current
        return held.fingerprint if held else None

    @property
    def fallback(self) -> str | None:
        """Fingerprint of the token that is known to work."""
        return self.current.fingerprint if self.current else None


@dataclass(frozen=True)
class _Refusal:
    """That gateway refused to mint from that source; it is not asked again before `until`, whatever else happens."""

    asked: tuple[str, str | None]
    problem: ParentProblem
    until: float
    times: int


@dataclass(frozen=True)
class _Credentials:
    username: str = field(repr=False)
    password: str = field(repr=False)


class _Unusable(Exception):
    def __init__(self, reason: Reason, message: str) -> None:
        self.problem = ParentProblem(reason, message)
        super().__init__(message)


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
        self._held: dict[Key, dict[str, SubscriptionToken]] = {}
        self._refused: dict[Key, _Refusal] = {}
        self._started: dict[Key, datetime] = {}
        self._unkept: dict[Key, Kept] = {}

    def held(self, parent: Key, with_fingerprint: str | None) -> SubscriptionToken | None:
        """The parent's token that the fingerprint stands for, if it is one that may be used."""
        token = self._held.get(parent, {}).get(with_fingerprint or "")
        return None if token is None or token.expired(self._now()) else token

    def forget(self, parent: Key) -> None:
        """The parent is gone."""
        for known in (self._held, self._refused, self._started, self._unkept):
            known.pop(parent, None)
        self._watch.forget(parent)

    async def resolve(self, parent: Parent, gateway_url: str, told: Told) -> TokenResult:
        """The token that the parent asks for, minted or rotated where need be. Raises KubeError."""
        self._watch.start(parent.key)
        try:
            result = await self._resolve(parent, gateway_url, told)
        except _Unusable as error:
            result = TokenResult(problem=error.problem)
        except SecretForbidden as error:
            result = TokenResult(problem=_forbidden(parent, str(error)))
        usable_now = [held for held in (result.current, result.next) if held is not None]
        if usable_now:
            self._held[parent.key] = {held.fingerprint: held.token for held in usable_now}
        return replace(result, observing=parent.spec.mode is Mode.OBSERVE)

    async def _resolve(self, parent: Parent, gateway_url: str, told: Told) -> TokenResult:
        auth = parent.spec.qualys.auth
        if auth.subscription_token_secret_ref is not None:
            held = await self._given(parent, auth.subscription_token_secret_ref)
            asked = parent.meta.rotate_token is not None
            return TokenResult(held, expiring=self._expiring(parent, held.token), asked_in_vain=asked)
        if auth.credentials_secret_ref is None:
            raise _Unusable(Reason.INVALID_SPEC, "spec.qualys.auth: give exactly one of its fields")
        return await self._minted(parent, gateway_url, auth.credentials_secret_ref.name, told)

    async def _given(self, parent: Parent, ref: TokenSecretRef) -> HeldToken:
        value = (await self._read(parent, ref.name)).get(ref.key)
        if value is None:
            raise _Unusable(Reason.SECRET_NOT_FOUND, f"Secret {ref.name} has no key {ref.key}: put the token there")
        where = f"Secret {ref.name}, key {ref.key}: the token "
        try:
            token = parse_token(value)
        except TokenInvalid as error:
            raise _Unusable(Reason.TOKEN_INVALID, f"{where}{error.problem}") from None
        if token.expires_at is not None and token.expired(self._now()):
            at = token.expires_at.isoformat(timespec="seconds")
            raise _Unusable(Reason.TOKEN_INVALID, f"{where}expired at {at}: store a new one")
        return HeldToken(token, fingerprint(token.reveal(), await self._fingerprint_key()))

    def _expiring(self, parent: Parent, token: SubscriptionToken) -> str | None:
        """Nobody but a person can replace a token that was made by hand."""
        ahead = parse_duration(parent.spec.qualys.token.rotate_before)
        if token.expires_at is None or self._now() < token.expires_at - ahead:
            return None
        at = token.expires_at.isoformat(timespec="seconds")
        return f"the subscription token expires at {at}: store a new one in its Secret"

    async def _credentials(self, parent: Parent, name: str) -> _Credentials | ParentProblem:
        """A problem where they cannot be used: then none is minted, and what was minted serves on."""
        try:
            secret = await self._read(parent, name)
            return _Credentials(*(_text(secret, name, key) for key in ("username", "password")))
        except _Unusable as error:
            return error.problem
        except SecretForbidden as error:
            return _forbidden(parent, str(error))

    async def _read(self, parent: Parent, name: str) -> Secret:
        secret = await self._watch.read(parent.key, name)
        if secret is None:
            where = parent.key.namespace
            raise _Unusable(Reason.SECRET_NOT_FOUND, f"there is no Secret {name} in namespace {where}: create it")
        return secret

    async def _minted(self, parent: Parent, gateway_url: str, secret: str, told: Told) -> TokenResult:
        kept, credentials = await self._kept(parent), await self._credentials(parent, secret)
        problem = credentials if isinstance(credentials, ParentProblem) else None
        asked = Asked(
            gateway_url,
            None if isinstance(credentials, ParentProblem) else await self._source(parent, credentials),
            parse_duration(parent.spec.qualys.token.rotate_before),
            parent.meta.rotate_token,
        )
        observed = _result(kept, gateway_url, self._now(), None)
        if parent.spec.mode is Mode.OBSERVE and (observed.current is not None or not told.approved):
            return replace(observed, problem=problem, expiring=_not_rotated(kept.current, asked, self._now()))
        kept, now = await self._ended(parent, kept), self._now()
        noted = note_refused(kept, told.refused, now)
        if noted != kept:
            kept = await self._write(parent, noted)
        carried = kept.next is not None and told.carried(kept.next.fingerprint)
        step = decide(kept, asked, carried, told.refused, now)
        match step:
            case Step.PROMOTE:
                kept = await self._write(parent, replace(kept, current=kept.next, next=None))
            case Step.DROP:
                kept = await self._write(parent, replace(kept, next=None))
            case Step.REFUSED:
                problem = problem or _all_refused(kept, now)
            case Step.WAIT:
                problem = problem or _minting()
            case Step.MINT_CURRENT | Step.MINT_NEXT if not isinstance(credentials, ParentProblem):
                kept, problem = await self._mint(parent, kept, asked, credentials, step)
        return _result(kept, gateway_url, self._now(), problem)

    async def _ended(self, parent: Parent, kept: Kept) -> Kept:
        """A mint of ours has ended: its token is kept now if that failed then; else there was none."""
        started, unkept = self._started.get(parent.key), self._unkept.get(parent.key)
        if kept.mint_started_at is None or kept.mint_started_at != started:
            self._unkept.pop(parent.key, None)
            return kept
        if unkept is not None:
            return await self._keep(parent, replace(unkept, version=kept.version))
        return replace(kept, mint_started_at=None)

    async def _keep(self, parent: Parent, fresh: Kept) -> Kept:
        """A token that cannot be written down for now is not minted again, as long as we live."""
        self._unkept[parent.key] = fresh
        kept = await self._write(parent, fresh)
        del self._unkept[parent.key]
        return kept

    async def _mint(
        self, parent: Parent, kept: Kept, asked: Asked, credentials: _Credentials, step: Step
    ) -> tuple[Kept, ParentProblem | None]:
        refused = self._refused.get(parent.key)
        if (
            refused is not None
            and refused.asked == (asked.gateway, asked.source)
            and (wait := refused.until - time.monotonic()) > 0
        ):
            return kept, replace(refused.problem, wait=wait)
        # Written first: a token that cannot be kept would be minted again and again, and two operators would mint two.
        started = self._now()
        self._started[parent.key] = started
        if asked_for(kept, asked, started):
            kept = replace(kept, refused=(), refused_at=None)
        kept = await self._write(parent, replace(kept, mint_started_at=started))
        _log.info("minting a subscription token", object=str(parent.key), gateway=asked.gateway, step=step.value)
        client = GatewayClient(asked.gateway, self._settings.gateway_ca_file)
        try:
            token = await client.mint(credentials.username, credentials.password, parent.spec.qualys.token.expiry)
        except GatewayError as error:
            return kept, self._refuse(parent.key, asked, error)
        self._stats.mints["ok"] += 1
        self._refused.pop(parent.key, None)
        digest = fingerprint(token.reveal(), await self._fingerprint_key())
        minted = Minted(token, digest, asked.gateway, asked.source or "", self._now())
        fresh = replace(kept, mint_started_at=None, rotate_handled=asked.rotate)
        fresh = replace(fresh, current=minted) if step is Step.MINT_CURRENT else replace(fresh, next=minted)
        return await self._keep(parent, fresh), None

    def _refuse(self, parent: Key, asked: Asked, error: GatewayError) -> ParentProblem:
        self._stats.mints["error"] += 1
        before, what = self._refused.get(parent), (asked.gateway, asked.source)
        times = before.times + 1 if before is not None and before.asked == what else 1
        base, cap = self._settings.retry_base, self._settings.retry_cap
        wait = error.wait if error.wait is not None else cap if error.person else grown(base, cap, times)
        problem = ParentProblem(error.reason, str(error), error.person, wait)
        self._refused[parent] = _Refusal(what, problem, time.monotonic() + wait, times)
        return problem

    async def _kept(self, parent: Parent) -> Kept:
        name = token_secret_name(parent.key.name)
        secret = await self._watch.read(parent.key, name)
        if secret is not None and not is_ours(secret, parent):
            raise _Unusable(
                Reason.CONFLICT, f"Secret {name} exists and is not ours: rename it, the operator keeps the token there"
            )
        return read_kept(secret, await self._fingerprint_key())

    async def _write(self, parent: Parent, kept: Kept) -> Kept:
        """Create our Secret, or replace the version that was read. Raises SecretForbidden, KubeError."""
        body, namespace = secret_body(parent, kept), parent.key.namespace
        name = body["metadata"]["name"]
        try:
            if kept.version is not None:
                written = await self._kube.replace(secret_path(namespace, name), body)
            else:
                written = await self._kube.create(f"/api/v1/namespaces/{namespace}/secrets", body)
        except KubeError as error:
            if error.forbidden:
                raise SecretForbidden(name) from None
            raise
        self._watch.wrote(parent.key, written)
        return replace(kept, version=str(written["metadata"]["resourceVersion"]))

    async def _source(self, parent: Parent, credentials: _Credentials) -> str:
        """Stands for all that a minted token depends on, the gateway apart."""
        parts = [parent.spec.qualys.token.expiry, credentials.username, credentials.password]
        return hmac.new(await self._fingerprint_key(), json.dumps(parts).encode(), hashlib.sha256).hexdigest()

    async def _fingerprint_key(self) -> bytes:
        if self._key is None:
            self._key = await load_fingerprint_key(self._kube, self._settings.namespace)
        return self._key


def _result(kept: Kept, gateway: str, now: datetime, problem: ParentProblem | None) -> TokenResult:
    current, following = (usable(minted, gateway, now) for minted in (kept.current, kept.next))
    return TokenResult(
        HeldToken(current.token, current.fingerprint) if current else None,
        HeldToken(following.token, following.fingerprint) if following else None,
        problem,
        minted=True,
        mint_again_at=again if (again := mint_again_at(kept, now)) > now else None,
    )


def _not_rotated(current: Minted | None, asked: Asked, now: datetime) -> str | None:
    """In mode Observe nobody replaces what was minted before."""
    if current is None or current.token.expires_at is None or now < rotation_due(current, asked):
        return None
    verb = "has expired" if current.token.expired(now) else "expires"
    at = current.token.expires_at.isoformat(timespec="seconds")
    return f"the subscription token {verb} at {at}, and mode Observe mints no other: set spec.mode to Enforce"


def _minting() -> ParentProblem:
    wait = MINT_TIMEOUT.total_seconds()
    return ParentProblem(Reason.PROGRESSING, "a token is being minted", person=False, wait=wait)


def _all_refused(kept: Kept, now: datetime) -> ParentProblem:
    at = mint_again_at(kept, now)
    text = (
        f"Qualys refused {len(kept.refused)} tokens one after the other, and the last one has expired: the next one is "
        f"minted at {at.isoformat(timespec='seconds')}, or once zerotouch.dev/rotateToken is annotated"
    )
    return ParentProblem(Reason.TOKEN_REFUSED, text)


def _forbidden(parent: Parent, name: str) -> ParentProblem:
    where = parent.key.namespace
    return ParentProblem(
        Reason.SECRET_NOT_FOUND,
        f"the operator may not read or write Secret {name}: apply deploy/tenant to namespace {where}",
    )


def _text(secret: Secret, name: str, key: str) -> str:
    value = secret.get(key)
    if value is None:
        raise _Unusable(Reason.SECRET_NOT_FOUND, f"Secret {name} has no key {key}: it needs username and password")
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise _Unusable(Reason.TOKEN_INVALID, f"Secret {name}, key {key}: is no text in UTF-8") from None
    if not text.strip():
        raise _Unusable(Reason.TOKEN_INVALID, f"Secret {name}, key {key}: is empty")
    if text != text.rstrip("\r\n"):
        raise _Unusable(Reason.TOKEN_INVALID, f"Secret {name}, key {key}: ends in a newline: store it without one")
    return text

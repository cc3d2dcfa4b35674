"""Tokens' whole life in a small world: a clock, a gateway, Secrets, accounts with regions, and an operator to be killed.

The operator's own code decides (`Tokens`, `assign_tokens`, `decide_healing`); what is around it is simulated. Whatever
breaks a promise raises AssertionError at the hour when it happens.
"""

import asyncio
import base64
import json
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from unittest.mock import patch

from tests.controller.test_tokens import Kube
from zerotouch.api.token import Healing, TokenTrial
from zerotouch.controller import tokens as module
from zerotouch.controller.index import AccountRecord, Carrier, Trigger, View
from zerotouch.controller.kube import Body, KubeError
from zerotouch.controller.objects import Key, Parent, account_key
from zerotouch.controller.rollout import Wanted, assign_tokens, carried_by_all, refused_by
from zerotouch.controller.secrets import SecretWatch
from zerotouch.controller.settings import Settings
from zerotouch.controller.stats import Stats
from zerotouch.controller.tokens import TokenResult, Tokens, Told
from zerotouch.plan.healing import decide_healing, is_refused, still_remembered
from zerotouch.qualys.errors import GatewayUnavailable
from zerotouch.qualys.tokens import SubscriptionToken, parse_token

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
LIFE: Final = 30 * DAY
ROTATE_BEFORE: Final = 7 * DAY
TRIAL: Final = timedelta(minutes=10)
REGIONS: Final = ("eu-west-1", "us-east-1")
SECRET: Final = "/api/v1/namespaces/n/secrets/p-zerotouch-token"


class Killed(BaseException):
    """kill -9 of the operator."""


class FragileKube(Kube):
    """`kill_in`: die before that write, or after it. `refuse_in`: somebody else comes before that write of the token."""

    def __init__(self) -> None:
        super().__init__()
        self.kill_in: int | None = None
        self.after_write = False
        self.refuse_in: int | None = None

    async def create(self, path: str, body: Body) -> Body:
        return await self._write(super().create, path, body)

    async def replace(self, path: str, body: Body) -> Body:
        return await self._write(super().replace, path, body)

    async def _write(self, write: Any, path: str, body: Body) -> Body:
        self.step(before=True)
        if self.refuse_in is not None and body["metadata"]["name"] == SECRET.rpartition("/")[2]:
            self.refuse_in -= 1
            if self.refuse_in <= 0:
                self.refuse_in = None
                raise KubeError(409, "changed")
        written: Body = await write(path, body)
        self.step(before=False)
        return written

    def step(self, before: bool) -> None:
        if self.kill_in is None or before is self.after_write:
            return
        self.kill_in -= 1
        if self.kill_in <= 0:
            self.kill_in = None
            raise Killed


@dataclass
class Region:
    """A connection: what it carries, whether it is authorized, whether the region can be reached."""

    token: SubscriptionToken | None = None
    fingerprint: str | None = None
    authorized: bool = True
    written_at: datetime | None = None
    healing: Healing | None = None
    down_until: datetime = START


@dataclass
class Account:
    key: Key
    token: str | None = None
    trial: TokenTrial | None = None
    generation: int = 1
    observed: int = 0
    passed_at: datetime | None = None
    regions: dict[str, Region] = field(default_factory=lambda: {name: Region() for name in REGIONS})

    def wants(self, name: str) -> str | None:
        return self.trial.fingerprint if self.trial is not None and self.trial.region == name else self.token

    def record(self, now: datetime) -> AccountRecord:
        ready = {n: self._ready(n, now) for n in self.regions}
        carriers = tuple(
            Carrier(n, r.fingerprint, ready[n], is_refused(r.healing), r.written_at, surveyed_at=self.passed_at)
            for n, r in self.regions.items()
            if r.fingerprint
        )
        view = View(self.observed, all(ready.values()), "x", carriers=carriers)
        trigger = Trigger("u", self.generation, False, True, None, False)
        return AccountRecord(self.key, trigger, "1" * 12, KEY, "h", self.token, False, False, 3600.0, view, self.trial)

    def _ready(self, name: str, now: datetime) -> bool:
        region = self.regions[name]
        return region.authorized and region.down_until <= now and region.fingerprint == self.wants(name)


def parent(rotate: str | None = None) -> Parent:
    annotations = {"zerotouch.dev/rotateToken": rotate} if rotate else {}
    return Parent.of(
        {
            "metadata": {"name": "p", "namespace": "n", "uid": "u", "resourceVersion": "1", "annotations": annotations},
            "spec": {
                "qualys": {"platform": "US2", "auth": {"credentialsSecretRef": {"name": "qualys"}}},
                "accounts": [{"id": "1" * 12}],
                "regions": {"names": list(REGIONS)},
            },
        }
    )


KEY: Final = parent().key


class Life:
    """`lost`: events that did not reach Qualys. `minted`: why each token was minted."""

    def __init__(self, accounts: int = 4) -> None:
        self.now, self.away_until, self.rotate = START, START, ""
        self.kube, self.stats = FragileKube(), Stats()
        self.accounts = [Account(account_key("n", f"p-{n:012d}")) for n in range(accounts)]
        self.issued: dict[str, datetime] = {}
        self.revoked: set[str] = set()
        self.refuse_all = False
        self.minted: list[str] = []
        self.mint_times: list[datetime] = []
        self.kill_at_gateway = False
        self.asks = 0
        self.answers: dict[str, int] = {}
        self.ever_kept: set[str] = set()
        self.killed_since_mint = False
        self.lost: Counter[str] = Counter()
        self.delivered = 0
        self._patches = ExitStack()
        self._patches.enter_context(patch.object(module, "GatewayClient", lambda *_: self))
        self._patches.enter_context(patch.object(module.time, "monotonic", lambda: self.now.timestamp()))
        self._loop = asyncio.new_event_loop()
        self.credentials("p-0")
        self.restart()

    def end(self) -> None:
        self._patches.close()
        self._loop.close()

    def restart(self) -> None:
        """As after kill -9."""
        self.killed_since_mint = True
        watch = SecretWatch(self.kube)  # type: ignore[arg-type]
        self.tokens = Tokens(self.kube, watch, Settings(), self.stats, lambda: self.now)  # type: ignore[arg-type]

    def credentials(self, password: str) -> None:
        data = {k: base64.b64encode(v.encode()).decode() for k, v in {"username": "u", "password": password}.items()}
        self.kube.put("/api/v1/namespaces/n/secrets/qualys", {"metadata": {"name": "qualys"}, "data": data})
        self.asks += 1

    def rotate_now(self, why: str) -> None:
        """What the annotation says."""
        self.rotate = why
        self.asks += 1

    def add_account(self) -> None:
        self.accounts.append(Account(account_key("n", f"p-{len(self.accounts):012d}")))

    async def mint(self, username: str, password: str, expiry: int) -> SubscriptionToken:
        """The gateway. Each token that is asked of it must have a reason."""
        if self.now < self.away_until:
            raise GatewayUnavailable("away")
        self._note_kept()
        self.minted.append(self._reason())
        self.mint_times.append(self.now)
        payload = {"exp": (self.now + LIFE).timestamp(), "n": len(self.minted)}
        text = ".".join(
            base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in ({}, payload, {})
        )
        self.issued[text] = self.now + LIFE
        self.answers[text] = self.asks
        self.killed_since_mint = False
        if self.kill_at_gateway:
            self.kill_at_gateway = False
            raise Killed
        return parse_token(text)

    def _reason(self) -> str:
        newest = max(self.kept(), key=lambda t: self.issued[t], default=None)
        if self.issued and list(self.issued)[-1] not in self.ever_kept:
            assert self.killed_since_mint, f"a token was lost at {self.now}, and nobody was killed"
            return "lost"
        if newest is None:
            return "first"
        if self.asks > max(self.answers[token] for token in self.ever_kept):
            return "asked"
        if self.revoked & set(self.kept()) or self.refuse_all:
            return "refused"
        due = self.issued[newest] - ROTATE_BEFORE
        assert self.now >= due, f"nobody needs another token at {self.now}: {self.minted}"
        return "due"

    def kept(self) -> list[str]:
        """The tokens in our Secret."""
        data = self.kube.objects.get(SECRET, {}).get("data", {})
        return [base64.b64decode(data[name]).decode() for name in ("token", "next.token") if name in data]

    def hour(self) -> None:
        """An hour passes: events, a look at the object, a pass over each account, events."""
        self.now += HOUR
        self._events()
        if self._look():
            self._passes()
        self._events()

    def _look(self) -> bool:
        """Whether the operator lives."""
        try:
            result = self._loop.run_until_complete(self._resolve())
        except Killed:
            self.kube.kill_in = None
            self._note_kept()
            self.restart()
            return False
        except KubeError:
            return True
        self._note_kept()
        self._assign(result)
        return True

    def _note_kept(self) -> None:
        self.ever_kept |= set(self.kept())

    async def _resolve(self) -> TokenResult:
        records = self._records()
        refused = frozenset(c.token for _, c in refused_by(records.values()))
        told = Told(lambda fingerprint: carried_by_all(records, records, fingerprint), refused)
        return await self.tokens.resolve(parent(self.rotate or None), "https://gateway", told)

    def _records(self) -> dict[Key, AccountRecord]:
        return {account.key: account.record(self.now) for account in self.accounts}

    def _assign(self, result: TokenResult) -> None:
        records = self._records()
        refused = frozenset(c.token for _, c in refused_by(records.values()))
        wanted = Wanted(result.target, result.fallback, refused, TRIAL)
        tokens = assign_tokens(records, records, wanted, self.now).tokens
        for account in self.accounts:
            assigned = tokens[account.key]
            if (account.token, account.trial) != (assigned.token, assigned.trial):
                account.token, account.trial = assigned.token, assigned.trial
                account.generation += 1

    def _passes(self) -> None:
        for account in self.accounts:
            for name, region in account.regions.items():
                fingerprint = account.wants(name)
                token = self.tokens.held(KEY, fingerprint)
                if region.down_until <= self.now and token is not None and fingerprint is not None:
                    self._write(region, token, fingerprint)
            account.observed, account.passed_at = account.generation, self.now

    def _write(self, region: Region, token: SubscriptionToken, fingerprint: str) -> None:
        if not region.authorized:
            decision = decide_healing(region.healing, fingerprint, False, self.now, HOUR, self.now)
            region.healing = decision.healing
            if not decision.heal:
                return
        elif region.fingerprint == fingerprint:
            region.healing = still_remembered(region.healing, fingerprint, self.now)
            return
        region.token, region.fingerprint = token, fingerprint
        region.authorized, region.written_at = True, self.now

    def _events(self) -> None:
        """An instance starts in every region."""
        for account in self.accounts:
            for name, region in account.regions.items():
                if region.token is None or region.down_until > self.now:
                    continue
                if region.authorized and self._accepts(region.token.reveal()):
                    self.delivered += 1
                else:
                    region.authorized = False
                    self.lost[f"{account.key.name}/{name}"] += 1

    def _accepts(self, token: str) -> bool:
        return not self.refuse_all and token not in self.revoked and self.issued[token] > self.now

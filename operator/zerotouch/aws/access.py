"""Entering an account: assume its role, cached until shortly before the credentials end."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError

from zerotouch.aws.budget import Budget
from zerotouch.aws.calls import OK, AccountAPI, CallLog, Pass
from zerotouch.aws.classify import classify
from zerotouch.aws.clients import Clients
from zerotouch.aws.errors import AWSError, Call, Retry
from zerotouch.aws.settings import AWSSettings

_RENEW_BEFORE_SECONDS = 300.0


@dataclass(frozen=True)
class RoleToAssume:
    """Which role, and by which region's STS. `session_name` lets CloudTrail say which object acted."""

    account_id: str
    role_arn: str
    external_id: str | None
    sts_region: str
    session_name: str


@dataclass(frozen=True)
class _Held:
    credentials: ReadOnlyCredentials
    expires_at: datetime


class Access:
    """Sessions of all accounts. Thread-safe."""

    def __init__(
        self,
        settings: AWSSettings,
        log: CallLog,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings, self._log, self._now = settings, log, now
        self._clients, self._budget = Clients(settings), Budget()
        self._lock = threading.Lock()
        self._held: dict[RoleToAssume, _Held] = {}

    def enter(self, role: RoleToAssume, bounds: Pass) -> AccountAPI:
        """The API of the role's account. Raises AWSError where the role cannot be assumed."""
        return AccountAPI(
            role.account_id, lambda stale: self._credentials(role, bounds, stale), self._clients, self._budget, self._log, bounds,
            self._settings, role.sts_region,
        )  # fmt: skip

    def home(self, account_id: str, region: str, bounds: Pass) -> AccountAPI:
        """The API of the operator's own account, under its own identity. Raises AWSError."""
        call = Call(account_id, region, "sts", "get_session_token")

        def fresh(_: ReadOnlyCredentials | None) -> ReadOnlyCredentials:
            # botocore renews them by itself.
            try:
                return self._clients.base_credentials()
            except BotoCoreError as error:
                raise classify(call, error) from None

        return AccountAPI(account_id, fresh, self._clients, self._budget, self._log, bounds, self._settings, region)

    def _credentials(self, role: RoleToAssume, bounds: Pass, stale: ReadOnlyCredentials | None) -> ReadOnlyCredentials:
        """`stale`: those that AWS calls expired, before their time or by another clock than ours."""
        with self._lock:
            held = self._held.get(role)
        if (
            held
            and held.credentials is not stale
            and (held.expires_at - self._now()).total_seconds() > _RENEW_BEFORE_SECONDS
        ):
            return held.credentials
        fresh = self._assume_with_retries(role, bounds)
        with self._lock:
            self._held[role] = fresh
        return fresh.credentials

    def _assume_with_retries(self, role: RoleToAssume, bounds: Pass) -> _Held:
        for attempt in range(1, self._settings.call_attempts + 1):
            try:
                return self._assume(role, bounds)
            except AWSError as error:
                if error.retry is not Retry.SOON or attempt == self._settings.call_attempts:
                    raise
            bounds.wait(min(self._settings.retry_cap, self._settings.retry_base * 2**attempt))
        raise AssertionError("unreachable")

    def _assume(self, role: RoleToAssume, bounds: Pass) -> _Held:
        call = Call(role.account_id, role.sts_region, "sts", "assume_role")
        # AssumeRole is charged to the caller's account, hence one bucket for all.
        bounds.wait(self._budget.reserve("caller", role.sts_region, "sts", "assume_role"))
        params = {
            "RoleArn": role.role_arn,
            "RoleSessionName": role.session_name,
            "DurationSeconds": 3600,
        }
        if role.external_id:
            params["ExternalId"] = role.external_id
        started, code = time.monotonic(), OK
        try:
            answer = self._clients.base("sts", role.sts_region).assume_role(**params)["Credentials"]
        except (BotoCoreError, ClientError) as error:
            failure = classify(call, error)
            code = failure.code
            raise failure from None
        finally:
            self._log.record("sts", "assume_role", code, time.monotonic() - started)
        credentials = ReadOnlyCredentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
        return _Held(credentials, answer["Expiration"])


def session_name(owner: str) -> str:
    """A role session name (2 to 64 of `[\\w+=,.@-]`) that tells which object acted."""
    return ("zerotouch-" + re.sub(r"[^\w+=,.@-]", ".", owner))[:64]

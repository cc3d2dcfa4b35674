"""Making a call: budget, credentials, retries, counting, classification."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError

from zerotouch.aws.budget import Budget
from zerotouch.aws.classify import EXPIRED, classify
from zerotouch.aws.clients import Clients
from zerotouch.aws.credentials import acting_as
from zerotouch.aws.errors import AWSError, Call, Retry
from zerotouch.aws.settings import AWSSettings

_READS: Final = ("describe_", "get_", "list_", "assume_", "lookup_", "receive_")
OK: Final = "OK"


class Interrupted(Exception):
    """The pass was told to stop, or leadership was lost, before the next write."""


class CallLog:
    """Counts calls and their seconds. Thread-safe; `snapshot` answers copies."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._seconds: Counter[tuple[str, str]] = Counter()
        self._waited = 0.0

    def record(self, service: str, operation: str, code: str, seconds: float) -> None:
        with self._lock:
            self._counts[service, operation, code] += 1
            self._seconds[service, operation] += seconds  # type: ignore[assignment]

    def waited(self, seconds: float) -> None:
        with self._lock:
            self._waited += seconds

    def snapshot(self) -> dict[tuple[str, str, str], int]:
        """(service, operation, code) → number of calls since the start; code is OK where it succeeded."""
        with self._lock:
            return dict(self._counts)

    @property
    def budget_wait_seconds(self) -> float:
        """Seconds spent waiting for the request budget since the start."""
        with self._lock:
            return self._waited


def is_write(operation: str) -> bool:
    """Whether an operation, in boto3's snake case, changes something."""
    return not operation.startswith(_READS)


class Pass:
    """What bounds all calls of one pass: the signal to stop, and the fence that says whether we still lead."""

    def __init__(self, stop: threading.Event, fence: Callable[[], bool]) -> None:
        self.stop, self._fence = stop, fence

    def check(self, operation: str) -> None:
        """Raises Interrupted where the call must not be made any more."""
        if self.stop.is_set() or (is_write(operation) and not self._fence()):
            raise Interrupted

    def wait(self, seconds: float) -> None:
        if self.stop.wait(seconds):
            raise Interrupted


class AccountAPI:
    """The AWS API of one account, for one pass."""

    def __init__(
        self,
        account_id: str,
        credentials: Callable[[ReadOnlyCredentials | None], ReadOnlyCredentials],
        clients: Clients,
        budget: Budget,
        log: CallLog,
        bounds: Pass,
        settings: AWSSettings,
        home_region: str,
    ) -> None:
        """`credentials` answers valid ones, other than those handed in, which AWS calls expired. Raises AWSError."""
        self.account_id = account_id
        self._renew, self._clients, self._budget = credentials, clients, budget
        self._credentials = credentials(None)
        self._log, self._bounds, self._settings = log, bounds, settings
        self._home_region = home_region

    def region(self, name: str) -> "RegionAPI":
        """The API of one region; `global` is served by the account's home region."""
        return RegionAPI(self, name)

    def call(self, region: str, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """One call, retried while that may help soon. Raises AWSError or Interrupted."""
        call = Call(self.account_id, region, service, operation)
        endpoint = self._home_region if region == "global" else region
        for attempt in range(1, self._settings.call_attempts + 1):
            try:
                return self._once(call, endpoint, params)
            except AWSError as error:
                if error.retry is not Retry.SOON or attempt == self._settings.call_attempts:
                    raise
                if error.code in EXPIRED:
                    self._credentials = self._renew(self._credentials)
            self._bounds.wait(self._delay(attempt))
        raise AssertionError("unreachable")

    def _once(self, call: Call, endpoint: str, params: dict[str, Any]) -> dict[str, Any]:
        self._bounds.check(call.operation)
        wait = self._budget.reserve(call.account, call.region, call.service, call.operation)
        if wait > 0:
            self._log.waited(wait)
            self._bounds.wait(wait)
            self._bounds.check(call.operation)
        client = self._clients.get(call.service, endpoint)
        started = time.monotonic()
        code = OK
        try:
            with acting_as(self._credentials):
                answer: dict[str, Any] = getattr(client, call.operation)(**params)
                return answer
        except (BotoCoreError, ClientError) as error:
            failure = classify(call, error)
            code = failure.code
            raise failure from None
        finally:
            self._log.record(call.service, call.operation, code, time.monotonic() - started)

    def _delay(self, attempt: int) -> float:
        ceiling = min(self._settings.retry_cap, self._settings.retry_base * 2**attempt)
        return random.uniform(ceiling / 2, ceiling)


class RegionAPI:
    """The AWS API of one account in one region (or `global`)."""

    def __init__(self, account: AccountAPI, name: str) -> None:
        self._account, self.name = account, name

    @property
    def account_id(self) -> str:
        """The account that it is of."""
        return self._account.account_id

    def sibling(self, region: str) -> "RegionAPI":
        """The same account's API in another region."""
        return self._account.region(region)

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """One call. Raises AWSError or Interrupted."""
        return self._account.call(self.name, service, operation, **params)

    def find(self, service: str, operation: str, missing: tuple[str, ...], **params: Any) -> dict[str, Any] | None:
        """One call; None where AWS answers one of the codes in `missing`."""
        try:
            return self.call(service, operation, **params)
        except AWSError as error:
            if error.code in missing:
                return None
            raise

    def pages(self, service: str, operation: str, key: str, **params: Any) -> Iterator[Any]:
        """All items under `key`, following NextToken or Marker."""
        more: dict[str, Any] = {}
        while True:
            answer = self.call(service, operation, **params, **more)
            yield from answer.get(key) or []
            if answer.get("NextToken"):
                more = {"NextToken": answer["NextToken"]}
            elif answer.get("IsTruncated") and answer.get("Marker"):
                more = {"Marker": answer["Marker"]}
            else:
                return

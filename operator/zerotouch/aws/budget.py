"""Request budgets per account, region and service, well below what AWS publishes.

Source: the service quotas pages of Systems Manager, EventBridge and EC2. IAM's are not published.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

# Requests per second; about half of the published rate, because the account has other users.
RATES: Final[dict[str, float]] = {
    "ssm": 2.0,
    "ssm:describe_association": 1.0,
    "ssm:create_association": 1.5,
    "ssm:update_association": 1.5,
    "ssm:delete_association": 1.0,
    # Not published; buckets of their own, so that a survey of many instances does not hold up the pass.
    "ssm:describe_instance_information": 3.0,
    "ssm:get_inventory": 3.0,
    "events": 25.0,
    "ec2": 10.0,
    "sqs": 20.0,
    "cloudwatch": 10.0,
    "iam": 5.0,
    "sts": 50.0,
    "cloudtrail": 1.0,
}
BURST_SECONDS: Final = 4.0


class Bucket:
    """A token bucket: `reserve` takes one token and answers how many seconds to wait for it."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst, self._tokens, self._at = rate, burst, burst, now

    def reserve(self, now: float) -> float:
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        self._tokens -= 1.0
        return max(0.0, -self._tokens / self._rate)


class Budget:
    """All buckets. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str, str], Bucket] = {}

    def reserve(self, account: str, region: str, service: str, operation: str) -> float:
        """Seconds to wait before the call may be made."""
        specific = f"{service}:{operation}"
        name = specific if specific in RATES else service
        rate = RATES.get(name, 5.0)
        with self._lock:
            now = self._clock()
            key = (account, region, name)
            bucket = self._buckets.get(key)
            if bucket is None:
                bucket = self._buckets[key] = Bucket(rate, max(1.0, rate * BURST_SECONDS), now)
            return bucket.reserve(now)

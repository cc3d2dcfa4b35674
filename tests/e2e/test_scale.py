"""Two thousand accounts in one object: taken, made right, and changed again."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sandbox.deployment import Replica
from tests.e2e.tenant import Tenant
from tests.e2e.test_main_job import expected

MINUTES = 60


@pytest.mark.timeout(40 * MINUTES)
@pytest.mark.parametrize("number", [100, pytest.param(2000, marks=pytest.mark.slow)])
def test_many_accounts_are_made_right_changed_and_cleaned(operator: Replica, tenant: Tenant, number: int) -> None:
    with ThreadPoolExecutor(8) as pool:
        accounts = list(pool.map(tenant.account, range(1, number + 1)))
    tenant.credentials()

    def declare(some: list[str], **spec: Any) -> None:
        tenant.apply(*some, server_side=True, regions={"names": ["us-east-1"]}, interval="1h", **spec)

    declare(accounts)
    tenant.ready(timeout=10 * MINUTES)
    assert tenant.object()["status"]["readyAccounts"] == f"{number}/{number}"
    declare(accounts, delivery={"invocationRateLimitPerSecond": 7})
    tenant.wait(lambda: len(changed(tenant)) == number, timeout=10 * MINUTES)
    tenant.ready(timeout=10 * MINUTES)
    events = tenant.aws.client("events", accounts[-1])
    assert events.describe_api_destination(Name="qualys-zerotouch")["InvocationRateLimitPerSecond"] == 7
    declare(accounts[: number // 2], delivery={"invocationRateLimitPerSecond": 7})
    left = f"{number // 2}/{number // 2}"
    tenant.wait(lambda: tenant.object()["status"]["readyAccounts"] == left, timeout=10 * MINUTES)
    tenant.wait(lambda: tenant.object()["status"]["accounts"]["deleting"] == 0, timeout=10 * MINUTES)
    assert tenant.held(accounts[-1]) == []
    assert tenant.held(accounts[0]) == expected("us-east-1")


def changed(tenant: Tenant) -> list[str]:
    """Account objects whose status speaks of the second generation of their spec."""
    path = "{range .items[?(@.status.observedGeneration==2)]}{.metadata.name}{'\\n'}{end}"
    try:
        return tenant.kubectl("get", "qzta", "-o", f"jsonpath={path}").split()
    except subprocess.TimeoutExpired:
        return []

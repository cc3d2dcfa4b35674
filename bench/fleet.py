"""`python -m bench.fleet [ACCOUNTS]`: how long a fleet takes to become right, and what the operator needs for it.

Everything shares the machine: operator, control plane, emulated AWS. Compare runs on the same machine only; what does not
depend on it is the ratio of the first convergence to a pass that finds everything right, and the calls of each.
"""

import json
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandbox.aws.admin import Admin
from sandbox.deployment import Deployment, Replica
from sandbox.gateway.admin import GatewayAdmin
from sandbox.processes import wait_until
from sandbox.state import Sandbox
from tests.e2e.tenant import OBJECT, Tenant

_HOUR = 3600.0


def main(number: int) -> None:
    """Print one line of JSON."""
    with tempfile.TemporaryDirectory() as directory, Sandbox(Path(directory) / "bench", _progress).up() as sandbox:
        deployment = Deployment(sandbox)
        deployment.install_crds()
        deployment.install()
        operator = deployment.start()
        tenant = Tenant(sandbox, Admin(sandbox.aws_endpoint), GatewayAdmin(sandbox.gateway_url), 1)
        _progress(f"making {number} accounts")
        with ThreadPoolExecutor(8) as pool:
            accounts = list(pool.map(tenant.account, range(1, number + 1)))
        tenant.credentials()
        started = time.monotonic()
        tenant.apply(*accounts, regions={"names": ["us-east-1"]}, interval="24h", server_side=True)
        tenant.ready(timeout=_HOUR)
        first, calls = time.monotonic() - started, _calls(operator)
        passes = _passes(operator)
        started = time.monotonic()
        tenant.annotate("qzt", OBJECT, "zerotouch.dev/requestedAt=again")
        wait_until(lambda: _passes(operator) >= passes + number, _HOUR)
        steady = time.monotonic() - started
        print(
            json.dumps(
                {
                    "accounts": number,
                    "first_seconds": round(first, 1),
                    "steady_seconds": round(steady, 1),
                    "ratio": round(first / steady, 2),
                    "calls_per_account_first": round(calls / number, 1),
                    "calls_per_account_steady": round((_calls(operator) - calls) / number, 1),
                    "resident_megabytes": round(_metric(operator, "process_resident_memory_bytes") / 1e6),
                    "cpu_seconds": round(_metric(operator, "process_cpu_seconds_total"), 1),
                    "series": sum(not line.startswith("#") for line in operator.metrics().splitlines()),
                }
            )
        )


def _calls(operator: Replica) -> float:
    return _metric(operator, "zerotouch_aws_requests_total")


def _passes(operator: Replica) -> float:
    return _metric(operator, 'zerotouch_passes_total{result="ready"}')


def _metric(operator: Replica, name: str) -> float:
    """The sum of all series that begin so."""
    found = re.findall(rf"^{re.escape(name)}\S*(?:\{{.*\}})? (\S+)$", operator.metrics(), re.MULTILINE)
    return sum(map(float, found))


def _progress(text: str) -> None:
    print(f"· {text}", file=sys.stderr)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)

"""`python -m bench.deauthorization [RUNS]`: from a 401 of the gateway until events arrive again.

Once with a token that is good after all, once with one that stays refused and is replaced by a new one. An instance
starts whenever the connection is authorized. The object has the shortest interval, 30s; nobody asks for a look.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from sandbox.aws.admin import Admin
from sandbox.deployment import Deployment
from sandbox.gateway.admin import GatewayAdmin
from sandbox.gateway.state import fingerprint
from sandbox.processes import wait_until
from sandbox.state import Sandbox
from tests.e2e.tenant import Tenant
from tests.e2e.test_refused_tokens import REGION, kept

_LONGEST = 600.0
_INTERVAL = 30


def main(runs: int) -> None:
    """Print one line of JSON; seconds, and intervals."""
    with tempfile.TemporaryDirectory() as directory, Sandbox(Path(directory) / "bench", _progress).up() as sandbox:
        deployment = Deployment(sandbox)
        deployment.install_crds()
        deployment.install()
        deployment.start()
        once, refused = [], []
        for run in range(1, runs + 1):
            tenant = Tenant(sandbox, Admin(sandbox.aws_endpoint), GatewayAdmin(sandbox.gateway_url), run)
            account = tenant.account()
            tenant.credentials()
            tenant.apply(account, regions={"names": [REGION]}, interval=f"{_INTERVAL}s")
            tenant.ready()
            tenant.qualys.add_fault("/qflow/aws-eb", "401")
            once.append(_until_delivered(tenant, account))
            (token,) = kept(tenant)
            tenant.qualys.revoke(fingerprint(token))
            refused.append(_until_delivered(tenant, account))
            _progress(f"{run}: {once[-1]:.0f} s after one 401, {refused[-1]:.0f} s with a revoked token")
        print(json.dumps({"interval": _INTERVAL, "runs": runs, "one_401": _of(once), "revoked": _of(refused)}))


def _until_delivered(tenant: Tenant, account: str) -> float:
    """Seconds from the de-authorization to the next event that arrives."""
    tenant.aws.start_instance(account, REGION)
    wait_until(lambda: not _authorized(tenant, account), _LONGEST)
    lost, before = time.monotonic(), _arrived(tenant, account)

    def delivered() -> bool:
        if _authorized(tenant, account):
            tenant.aws.start_instance(account, REGION)
        return _arrived(tenant, account) > before

    wait_until(delivered, _LONGEST)
    return time.monotonic() - lost


def _authorized(tenant: Tenant, account: str) -> bool:
    connection = tenant.aws.client("events", account, REGION).describe_connection(Name="qualys-zerotouch")
    return bool(connection["ConnectionState"] == "AUTHORIZED")


def _arrived(tenant: Tenant, account: str) -> int:
    return sum(event["account"] == account for event in tenant.qualys.events())


def _of(seconds: list[float]) -> dict[str, float]:
    return {"median": round(median(seconds), 1), "most": round(max(seconds), 1)}


def _progress(text: str) -> None:
    print(f"· {text}", file=sys.stderr)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)

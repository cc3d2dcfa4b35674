"""Accounts of one object, all of one topology; what their statuses say."""

import itertools
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from sandbox.aws.admin import Admin
from sandbox.processes import wait_until
from tests.e2e.tenant import Tenant
from tests.reconcile.drift.model import CONNECTOR, HOME, PREFIX
from zerotouch.api.meta import OWNER_TAG

_MINUTES: Final = 60.0
_requests = itertools.count()


@dataclass(frozen=True)
class Place:
    """One account, as a break needs it."""

    id: str
    owner: str
    admin: Admin

    def client(self, service: str, region: str = HOME) -> Any:
        return self.admin.client(service, self.id, region)


@dataclass(frozen=True)
class Mended:
    """`by`: event or poll."""

    kind: str
    by: str
    told: str


class Fleet:
    """`spec`: what its kinds take besides the default topology; `first`: number of its first account."""

    def __init__(self, tenant: Tenant, name: str, spec: Mapping[str, Any], first: int, size: int) -> None:
        self.tenant, self.name, self._spec = tenant, name, spec
        with ThreadPoolExecutor(8) as pool:
            self.accounts = list(pool.map(tenant.account, range(first, first + size)))

    def apply(self, detection: Mapping[str, Any] | None, interval: str) -> None:
        """Declare them so."""
        more = {"detection": detection} if detection is not None else {}
        spec = {"regions": {"names": [HOME]}, **self._spec}
        delivery = {**self._spec.get("delivery", {}), "deadLetterQueue": "Managed"}
        self.tenant.apply(
            *self.accounts,
            name=self.name,
            server_side=True,
            connector=CONNECTOR,
            tags={"team": "secops"},
            interval=interval,
            **{**spec, **more, "delivery": delivery},
        )

    def settle(self, detecting: bool) -> None:
        """Wait until all of it is right."""
        wait_until(self._looked_at, 15 * _MINUTES)
        self.tenant.ready(name=self.name, timeout=15 * _MINUTES)
        if detecting:
            wait_until(self._detecting, 2 * _MINUTES)

    def places(self) -> list[Place]:
        """The accounts, once they are right."""
        return [Place(account, self._owner(account), self.tenant.aws) for account in self.accounts]

    def look(self, account: str) -> None:
        """Have one account looked at now."""
        self.tenant.annotate("qzta", f"{self.name}-{account}", f"zerotouch.dev/requestedAt=bench-{next(_requests)}")

    def mended(self, account: str) -> list[Mended]:
        """What was mended there lately, [] while something is still wrong."""
        return _mended(self.tenant.child(account, self.name))

    def all_mended(self) -> dict[str, list[Mended]]:
        """The same of every account."""
        found = {item["spec"]["accountID"]: item for item in self._items()}
        return {account: _mended(found[account]) for account in self.accounts}

    def _items(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = json.loads(self.tenant.kubectl("get", "qzta", "-o", "json"))["items"]
        return [item for item in items if item["spec"]["parent"]["name"] == self.name]

    def _looked_at(self) -> bool:
        items = self._items()
        generations = [(i["metadata"]["generation"], (i.get("status") or {}).get("observedGeneration")) for i in items]
        return len(items) == len(self.accounts) and all(wanted == seen for wanted, seen in generations)

    def _detecting(self) -> bool:
        found = self.tenant.condition(self.tenant.object(self.name), "Detecting")
        return bool(found.get("status") == "True")

    def _owner(self, account: str) -> str:
        tags = self.tenant.aws.client("iam", account).list_role_tags(RoleName=f"{PREFIX}-events")["Tags"]
        return str(next(tag["Value"] for tag in tags if tag["Key"] == OWNER_TAG))


def _mended(child: Mapping[str, Any]) -> list[Mended]:
    status = child.get("status") or {}
    right = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))
    if not right or status.get("details"):
        return []
    return [Mended(d["kind"], d["detectedBy"], json.dumps(d)) for d in status.get("recentDrifts", [])]

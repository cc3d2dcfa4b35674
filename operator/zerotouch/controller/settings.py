"""Settings of the operator, from its environment."""

import os
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from zerotouch.api.types import parse_duration
from zerotouch.qualys.platforms import parse_allowed

# Names of queues have no dots; the default bus is not the operator's own.
_BUS: Final = r"arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/(?!default$)[A-Za-z0-9_-]{1,64}"
_ORGANIZATION: Final = r"o-[a-z0-9]{10,32}"
_DURATION: Final = r"[1-9][0-9]{0,2}s|[1-9][0-9]?m"
_NAMESPACE_FILE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True)
class Settings:
    """`events_bus_arn`: the bus for drift by event, in the operator's own account; `events_organization`: whose accounts
    may put events on it, instead of the declared ones by name.

    `namespace`: the operator's own, for its Lease and key. `owner_id`: first part of every ownership mark.

    Times are in seconds. `accounts_at_once`: account passes side by side; `signals_at_once`: those beside them that events ask
    for; `searches_at_once`: searches for authors beside both. `parent_status_every`: least time between two writes of a
    parent's status. `secrets_every`: time between two looks at the referenced Secrets. `sweep_every`: time between two lists
    that find deletions which the watch has missed. `retry_base`, `retry_cap`: back-off of one object.
    `settle`: time between two steps of leading events to another route.
    """

    namespace: str = "zerotouch-system"
    identity: str = field(default_factory=lambda: _identity(socket.gethostname()))
    owner_id: str = "default"
    allowed_gateways: frozenset[str] = frozenset()
    gateway_ca_file: str | None = None
    events_bus_arn: str | None = None
    events_organization: str | None = None
    accounts_at_once: int = 8
    signals_at_once: int = 4
    searches_at_once: int = 2
    parents_at_once: int = 2
    parent_status_every: float = 10.0
    secrets_every: float = 10.0
    sweep_every: float = 600.0
    retry_base: float = 5.0
    retry_cap: float = 300.0
    settle: float = 30.0

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Settings as the Deployment gives them."""
        return cls(
            namespace=env.get("POD_NAMESPACE") or _own_namespace(),
            identity=_identity(env.get("POD_NAME") or socket.gethostname()),
            owner_id=env.get("ZEROTOUCH_OWNER_ID") or "default",
            allowed_gateways=parse_allowed(env.get("ZEROTOUCH_ALLOWED_GATEWAYS", "")),
            gateway_ca_file=env.get("ZEROTOUCH_GATEWAY_CA_FILE") or None,
            events_bus_arn=_matching(env, "ZEROTOUCH_EVENTS_BUS_ARN", _BUS, "the ARN of an event bus of its own"),
            events_organization=_matching(env, "ZEROTOUCH_EVENTS_ORGANIZATION_ID", _ORGANIZATION, "o-…"),
            settle=parse_duration(
                _matching(env, "ZEROTOUCH_SETTLE", _DURATION, "a duration of seconds or minutes, such as 30s or 2m")
                or "30s"
            ).total_seconds(),
        )


def _matching(env: Mapping[str, str], name: str, pattern: str, what: str) -> str | None:
    value = env.get(name) or None
    if value is not None and not re.fullmatch(pattern, value):
        raise ValueError(f"{name}: {value} is not {what}")
    return value


def _own_namespace() -> str:
    return _NAMESPACE_FILE.read_text().strip() if _NAMESPACE_FILE.exists() else "zerotouch-system"


def _identity(host: str) -> str:
    """Of this very process: a container that was started again in the same pod is another candidate."""
    return f"{host}_{secrets.token_hex(4)}"

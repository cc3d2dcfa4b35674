"""Whether deliveries from a region work: what tells, as far as AWS says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from zerotouch.aws.calls import RegionAPI
from zerotouch.desired.context import Context
from zerotouch.resources.base import Observed


@dataclass(frozen=True)
class DeliveryFinding:
    """One region. None where there is no such resource of ours."""

    connection_state: str | None
    rule_state: str | None


class DeliverySurvey:
    """Survey `delivery`."""

    name = "delivery"

    def run(self, api: RegionAPI, context: Context, seen: Mapping[str, Observed], now: datetime) -> DeliveryFinding:
        return DeliveryFinding(_state(seen, "Connection"), _state(seen, "Rule"))


def _state(seen: Mapping[str, Observed], kind: str) -> str | None:
    observed = seen.get(kind)
    return None if observed is None else observed.fields.get("state")

"""An operator that has seen a fleet, without a cluster or AWS."""

import itertools
from datetime import UTC, datetime
from typing import Any

from zerotouch.api.account import DifferenceDetail, QualysZeroTouchAccountStatus, RegionState, State
from zerotouch.api.conditions import Condition, Reason
from zerotouch.api.coverage import CoverageStatus, Gap, GapCount, RegionCoverage
from zerotouch.api.delivery import Answer, DeliveryStatus, RegionDelivery
from zerotouch.api.meta import ACCOUNT_PLURAL, API_VERSION
from zerotouch.controller.conditions import now
from zerotouch.controller.index import record_of
from zerotouch.controller.kube import KubeAPI
from zerotouch.controller.objects import dump
from zerotouch.controller.operator import Operator
from zerotouch.controller.settings import Settings
from zerotouch.resources.registry import REGION_KINDS

REGIONS = [f"us-east-{number}" for number in range(1, 18)]
_MOST_DETAILS = 20
_MOST_REPAIRS = 20
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def operator_with_fleet(accounts: int, drifting: int = 0) -> Operator:
    """Call it inside an event loop. `drifting`: accounts where every kind differs in every region, and many are fought over."""
    kube: Any = object.__new__(KubeAPI)
    operator = Operator(kube, Settings.from_env({}))
    for number in range(accounts):
        record = record_of(ACCOUNT_PLURAL, _body(number, number < drifting))
        assert not hasattr(record, "plural"), "the body is not valid"
        operator.shared.index.put(record)  # type: ignore[arg-type]
        operator.shared.stats.last_pass[f"{number:012d}"] = 1.0
    operator.shared.index.complete = True
    return operator


def _body(number: int, drifting: bool) -> dict[str, Any]:
    account = f"{number:012d}"
    return {
        "apiVersion": API_VERSION,
        "metadata": {"name": f"production-{account}", "namespace": "security", "uid": account, "generation": 1,
                     "resourceVersion": "1"},
        "spec": {
            "accountID": account,
            "parent": {"name": "production", "uid": "u"},
            "access": {"roleARN": f"arn:aws:iam::{account}:role/zerotouch", "stsRegion": "us-east-1"},
            "gatewayURL": "https://gateway.example",
            "regions": {"selection": "Listed", "names": REGIONS},
            "inventory": {},
            "delivery": {},
            "deletionPolicy": "Retain",
            "interval": "5m",
            "namePrefix": "qualys-zerotouch",
        },
        "status": dump(_status(drifting)),
    }  # fmt: skip


def _status(drifting: bool) -> QualysZeroTouchAccountStatus:
    at = now()
    places = list(itertools.product(REGIONS, [kind.name for kind in REGION_KINDS])) if drifting else []
    fought = {(region, kind) for region, kind in places[:_MOST_REPAIRS]}
    details = [
        DifferenceDetail(region=region, kind=kind, name="n", field="state", wanted="a", found="b", since=at)
        for region, kind in places[:_MOST_DETAILS]
    ]
    state = State.NOT_READY if drifting else State.READY
    reason = Reason.DRIFTED.value if drifting else None
    ready = Condition(
        type="Ready",
        status="False" if drifting else "True",
        reason=Reason.DRIFTED if drifting else Reason.SUCCEEDED,
        message="",
        last_transition_time=at,
        observed_generation=1,
    )
    return QualysZeroTouchAccountStatus(
        observed_generation=1,
        conditions=[ready],
        regions=[
            RegionState(
                name=r,
                state=state,
                reason=reason,
                ready=0,
                total=4,
                drifted_fields={kind: 2 for region, kind in places if region == r},
                fought_fields={kind: 1 for region, kind in fought if region == r},
            )
            for r in ["global", *REGIONS]
        ],
        drifted=2 * len(places),
        truncated=drifting or None,
        details=details,
        coverage=CoverageStatus(surveyed_at=at, regions=[_coverage(region, drifting) for region in REGIONS]),
        delivery=DeliveryStatus(surveyed_at=at, regions=[_delivery(region, drifting) for region in REGIONS]),
    )


def _delivery(region: str, failing: bool) -> RegionDelivery:
    if not failing:
        return RegionDelivery(name=region, delivering=Answer.TRUE, last_success_at=AT)
    reason = Reason.DEAD_LETTERS.value
    return RegionDelivery(name=region, delivering=Answer.FALSE, reason=reason, last_failure_at=AT, dead_letters=2)


def _coverage(region: str, lacking: bool) -> RegionCoverage:
    gaps = [GapCount(reason=gap, instances=1) for gap in Gap] if lacking else []
    return RegionCoverage(name=region, running=9, starting=0, online=9, inventoried=9, covered=9 - len(gaps), gaps=gaps)

"""Surveys in the controller: which are due, and what becomes of their findings in the account object's status. Pure."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, Protocol

from zerotouch.api.account import QualysZeroTouchAccountSpec, QualysZeroTouchAccountStatus
from zerotouch.api.types import parse_duration
from zerotouch.aws.errors import Retry
from zerotouch.controller.conditions import Judgement, make
from zerotouch.controller.coverage import CoverageReader
from zerotouch.controller.delivery import DeliveryReader
from zerotouch.reconcile.report import AccountReport, Surveyed


class Reader(Protocol):
    """Turns the findings of one survey into a part of the status and a condition."""

    name: str
    condition: str

    def interval(self, spec: QualysZeroTouchAccountSpec) -> str | None:
        """How often the survey runs; None where it is switched off."""

    def surveyed_at(self, spec: QualysZeroTouchAccountSpec, status: QualysZeroTouchAccountStatus) -> datetime | None:
        """When it last ran, as the status remembers it; None also where the spec now asks for something else."""

    def part(
        self,
        spec: QualysZeroTouchAccountSpec,
        report: AccountReport,
        previous: QualysZeroTouchAccountStatus,
        at: datetime | None,
    ) -> dict[str, Any]:
        """Fields of the status. What did not run in this pass is as in `previous`. `at`: when it last ran, to remember."""

    def judge(self, report: AccountReport, status: QualysZeroTouchAccountStatus) -> Judgement:
        """The condition, from the status with this survey's part in it. Called after every pass."""


READERS: Final[tuple[Reader, ...]] = (DeliveryReader(), CoverageReader())
"""The one place that lists them, as `reconcile/survey.py` lists the surveys."""


def due_surveys(
    spec: QualysZeroTouchAccountSpec, status: QualysZeroTouchAccountStatus, requested_at: str | None, now: datetime
) -> frozenset[str]:
    """Those whose interval is over, all of them where a person asked for a look, and deliveries while a token is on trial."""
    asked = requested_at is not None and requested_at != status.last_handled_reconcile_at
    due = frozenset(r.name for r in READERS if _due(r.interval(spec), r.surveyed_at(spec, status), now, asked))
    return due | {DeliveryReader.name} if spec.token_trial is not None else due


def with_surveys(
    status: QualysZeroTouchAccountStatus,
    previous: QualysZeroTouchAccountStatus,
    spec: QualysZeroTouchAccountSpec,
    report: AccountReport,
    now: datetime,
) -> QualysZeroTouchAccountStatus:
    """The status of a finished pass, with what the surveys gave. One that is switched off leaves nothing."""
    generation = status.observed_generation or 0
    for reader in READERS:
        if reader.interval(spec) is None:
            continue
        at = _ran_at(report.surveyed(reader.name).values(), reader.surveyed_at(spec, previous), now)
        status = status.model_copy(update=reader.part(spec, report, previous, at))
        answer, reason, message = reader.judge(report, status)
        said = make(reader.condition, answer, reason, message, previous.conditions, generation, now)
        status = status.model_copy(update={"conditions": [*status.conditions, said]})
    return status


def _ran_at(ran: Collection[Surveyed], before: datetime | None, now: datetime) -> datetime | None:
    """As before where nothing ran, or where another look may soon give more."""
    soon = any(s.problem is not None and s.problem.retry is Retry.SOON for s in ran)
    return now if ran and not soon else before


def _due(interval: str | None, at: datetime | None, now: datetime, asked: bool) -> bool:
    if interval is None:
        return False
    return asked or at is None or now - at >= parse_duration(interval)

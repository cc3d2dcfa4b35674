"""Surveys: looks at a region that only read, on an interval of their own, after that region's pass."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

import structlog

from zerotouch.api.conditions import Reason
from zerotouch.aws.calls import Interrupted, RegionAPI
from zerotouch.aws.errors import AWSError, Retry
from zerotouch.desired.context import Context
from zerotouch.reconcile.coverage import CoverageSurvey
from zerotouch.reconcile.delivery import DeliverySurvey
from zerotouch.reconcile.report import Problem, Surveyed
from zerotouch.resources.base import Observed

_log = structlog.get_logger()


class Survey(Protocol):
    """One sort of look. Writes nothing, in any mode. Thread-safe: regions are surveyed side by side."""

    @property
    def name(self) -> str:
        """By which it is due, and reported."""

    def run(self, api: RegionAPI, context: Context, seen: Mapping[str, Observed], now: datetime) -> Any:
        """The finding in one region. `seen`: kind → what the pass left there. May raise AWSError or Interrupted."""


SURVEYS: Final[tuple[Survey, ...]] = (DeliverySurvey(), CoverageSurvey())
"""The one place that lists them; what becomes of their findings is in `controller/surveys.py`."""


def run_surveys(
    due: frozenset[str], api: RegionAPI, context: Context, seen: Mapping[str, Observed], now: datetime
) -> dict[str, Surveyed]:
    """Survey → its finding, or why there is none: a failed survey is no failure of the region. Raises Interrupted only."""
    return dict(_run_each(due, api, context, seen, now))


def _run_each(
    due: frozenset[str], api: RegionAPI, context: Context, seen: Mapping[str, Observed], now: datetime
) -> Iterator[tuple[str, Surveyed]]:
    for survey in SURVEYS:
        if survey.name in due:
            yield survey.name, run_survey(survey, api, context, seen, now)


def run_survey(
    survey: Survey, api: RegionAPI, context: Context, seen: Mapping[str, Observed], now: datetime
) -> Surveyed:
    """Raises Interrupted only."""
    try:
        return Surveyed(survey.run(api, context, seen, now))
    except AWSError as error:
        return Surveyed(problem=Problem(error.reason, str(error), error.retry))
    except Interrupted:
        raise
    except Exception as error:  # noqa: BLE001 - told in the status, without a traceback
        _log.exception("a survey failed", survey=survey.name, account=context.account_id, region=context.scope)
        text = f"internal error ({type(error).__name__}): see the operator's log, and report it"
        return Surveyed(problem=Problem(Reason.INTERNAL_ERROR, text, Retry.BUG))

"""When a survey is due, and what becomes of what it found, of its failures, and of what did not run."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.controller.accounts import account_spec, surveyed_report
from zerotouch.api.account import QualysZeroTouchAccountSpec, QualysZeroTouchAccountStatus
from zerotouch.api.conditions import Reason
from zerotouch.api.delivery import DeliveryStatus
from zerotouch.api.token import TokenTrial
from zerotouch.aws.errors import Retry
from zerotouch.controller.account_status import account_status
from zerotouch.controller.conditions import condition
from zerotouch.controller.objects import dump
from zerotouch.controller.surveys import due_surveys, with_surveys
from zerotouch.reconcile.delivery import Activity, DeliveryFinding, Letter
from zerotouch.reconcile.report import AccountReport, Problem, Surveyed

T0 = datetime(2026, 1, 1, tzinfo=UTC)
EMPTY = QualysZeroTouchAccountStatus()
FOUND = Surveyed(DeliveryFinding("AUTHORIZED", "ENABLED"))
DISABLED = Surveyed(DeliveryFinding("AUTHORIZED", "DISABLED"))
SOON = Surveyed(problem=Problem(Reason.THROTTLED, "slow down", Retry.SOON))
DENIED = Surveyed(problem=Problem(Reason.ACCESS_DENIED, "denied", Retry.PERSON))


def spec(**delivery: Any) -> QualysZeroTouchAccountSpec:
    return account_spec(delivery=delivery, coverage={"enabled": False})


def report(problem: Problem | None = None, **regions: Surveyed | None) -> AccountReport:
    return surveyed_report("delivery", problem, regions)


def status(
    given: AccountReport, previous: QualysZeroTouchAccountStatus = EMPTY, at: datetime = T0, **delivery: Any
) -> QualysZeroTouchAccountStatus:
    return with_surveys(account_status(given, previous, 3, None, at), previous, spec(**delivery), given, at)


def delivering(found: QualysZeroTouchAccountStatus) -> tuple[str, str]:
    told = condition(found.conditions, "Delivering")
    assert told is not None
    return told.status, told.reason


@pytest.mark.parametrize(
    ("last", "asked", "due"),
    [
        (None, None, True),
        (timedelta(minutes=59), None, False),
        (timedelta(hours=1), None, True),
        (timedelta(days=400), None, True),
        (timedelta(minutes=1), "answered", False),
        (timedelta(minutes=1), "again", True),
    ],
)
def test_due(last: timedelta | None, asked: str | None, due: bool) -> None:
    known = QualysZeroTouchAccountStatus(
        delivery=DeliveryStatus(surveyed_at=T0 - last if last else None), last_handled_reconcile_at="answered"
    )
    assert due_surveys(spec(), known, asked, T0) == (frozenset({"delivery"}) if due else frozenset())


def test_an_interval_of_its_own() -> None:
    known = QualysZeroTouchAccountStatus(delivery=DeliveryStatus(surveyed_at=T0 - timedelta(minutes=10)))
    assert due_surveys(spec(evidence={"interval": "10m"}), known, None, T0)
    assert not due_surveys(spec(evidence={"interval": "11m"}), known, None, T0)


def test_deliveries_are_looked_at_in_each_pass_while_a_token_is_on_trial() -> None:
    known = QualysZeroTouchAccountStatus(delivery=DeliveryStatus(surveyed_at=T0))
    trial = TokenTrial(region="us-east-1", fingerprint="1" * 12)
    assert due_surveys(spec().model_copy(update={"token_trial": trial}), known, None, T0) == {"delivery"}


def test_what_did_not_run_stays_as_it_was() -> None:
    first = status(report(us_east_1=DISABLED, eu_west_1=FOUND))
    later = T0 + timedelta(minutes=5)
    second = status(report(us_east_1=None, eu_west_1=None), first, later)
    assert second.delivery == first.delivery
    assert second.delivery is not None
    assert second.delivery.surveyed_at == T0
    assert delivering(second) == ("False", "RuleDisabled")
    third = status(report(us_east_1=FOUND, eu_west_1=FOUND), second, later)
    assert third.delivery is not None
    assert (third.delivery.surveyed_at, delivering(third)[0]) == (later, "Unknown")


def test_a_failed_survey_is_unknown_and_never_not_ready() -> None:
    found = status(report(us_east_1=FOUND, eu_west_1=DENIED))
    ready = condition(found.conditions, "Ready")
    assert ready is not None
    assert (ready.status, delivering(found)) == ("True", ("Unknown", "AccessDenied"))
    assert found.delivery is not None
    assert found.delivery.surveyed_at == T0


def test_a_passing_fault_is_looked_at_again_with_the_next_pass() -> None:
    found = status(report(us_east_1=FOUND, eu_west_1=SOON))
    assert found.delivery is not None
    assert found.delivery.surveyed_at is None
    assert delivering(found) == ("Unknown", "Throttled")
    assert due_surveys(spec(), found, None, T0)


def test_an_account_that_cannot_be_entered_is_unknown_and_keeps_what_was_found() -> None:
    first = status(report(us_east_1=DISABLED))
    second = status(report(DENIED.problem), first)
    assert (second.delivery, delivering(second)) == (first.delivery, ("Unknown", "AccessDenied"))


def test_a_region_that_is_not_declared_any_more_leaves() -> None:
    first = status(report(us_east_1=FOUND, eu_west_1=DISABLED))
    second = status(report(us_east_1=None), first)
    assert second.delivery is not None
    assert [r.name for r in second.delivery.regions] == ["us-east-1"]
    assert delivering(second) == ("Unknown", "NoEvents")


def test_a_region_that_hands_its_events_on_delivers_only_if_the_other_does() -> None:
    handed = Surveyed(DeliveryFinding(None, "ENABLED", "us-east-1", Activity(last_success_at=T0), seen_at=T0))
    works = Surveyed(DeliveryFinding("AUTHORIZED", "ENABLED", activity=Activity(last_success_at=T0), seen_at=T0))
    found = status(report(us_east_1=works, eu_west_1=handed))
    assert delivering(found) == ("True", "Succeeded")
    found = status(report(us_east_1=DISABLED, eu_west_1=handed))
    assert found.delivery is not None
    other = found.delivery.regions[0]
    assert (other.name, other.delivering, other.reason) == ("eu-west-1", "False", "RuleDisabled")
    assert (other.message or "").startswith("handed to us-east-1, where: the rule is disabled")


def test_the_status_stays_slim_however_much_fails() -> None:
    letters = tuple(Letter(T0, f"CODE_{n}", "x" * 200) for n in range(10))
    failing = Surveyed(
        DeliveryFinding("AUTHORIZED", "ENABLED", activity=Activity(given_up=1), waiting=10, letters=letters)
    )
    found = status(report(**{f"us_east_{n}": failing for n in range(1, 35)}))
    assert found.delivery is not None
    assert len(json.dumps(dump(found.delivery))) < 20_000
    assert all(r.reason == "DeadLetters" for r in found.delivery.regions)
    assert sum(bool(r.letter_reasons) for r in found.delivery.regions) == 10


def test_the_conditions_time_stays_while_its_status_stays() -> None:
    first = status(report(us_east_1=DISABLED))
    second = status(report(us_east_1=DISABLED), first, T0 + timedelta(hours=1))
    told = condition(second.conditions, "Delivering")
    assert told is not None
    assert told.last_transition_time == T0

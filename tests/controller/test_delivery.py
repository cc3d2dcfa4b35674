"""From evidence to a verdict: the last delivery seen decides, in doubt it failed, and what is missing is never fine."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from zerotouch.api.conditions import Reason
from zerotouch.api.delivery import Answer, RegionDelivery
from zerotouch.aws.errors import Retry
from zerotouch.controller.delivery import letter_reasons, region_delivery, verdict
from zerotouch.reconcile.delivery import Activity, DeliveryFinding, Letter
from zerotouch.reconcile.report import Problem, Surveyed

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
T0 = NOW - timedelta(days=2)
T1, T2 = NOW - timedelta(minutes=30), NOW - timedelta(minutes=10)
RIGHT = DeliveryFinding("AUTHORIZED", "ENABLED", activity=Activity(), waiting=0)
LETTER = Letter(T2, "SDK_CLIENT_ERROR", "it answered 500")
LETTERS = replace(RIGHT, waiting=3, letters=(LETTER,))
FORWARDING = replace(RIGHT, connection_state=None, forwards_to="us-east-1")


def counted(**counts: Any) -> DeliveryFinding:
    return replace(RIGHT, activity=Activity(**counts), seen_at=NOW)


@pytest.mark.parametrize(
    ("found", "succeeded", "failed", "answer", "reason"),
    [
        (RIGHT, None, None, "Unknown", "NoEvents"),
        (replace(RIGHT, activity=None), None, None, "Unknown", "NoEvents"),
        (RIGHT, T1, None, "True", "Succeeded"),
        (counted(matched=2, last_matched_at=T2), None, None, "Unknown", "DeliveryUnproven"),
        (counted(matched=2, last_matched_at=T1), T1, None, "True", "Succeeded"),
        # Its delivery may still be counted.
        (counted(matched=2, last_matched_at=T2), T0, None, "True", "Succeeded"),
        (counted(matched=2, last_matched_at=T1), T0, None, "Unknown", "DeliveryUnproven"),
        (counted(matched=2, last_matched_at=T1), T0, T1, "False", "DeliveryFailing"),
        (counted(retried=3), None, T1, "False", "DeliveryFailing"),
        (counted(given_up=1), T1, T2, "False", "DeliveryFailing"),
        (counted(lost=1), T1, T1, "False", "DeliveryFailing"),
        (counted(given_up=1), T2, T1, "True", "Succeeded"),
        (LETTERS, None, T2, "False", "DeadLetters"),
        (LETTERS, T1, T2, "False", "DeadLetters"),
        (LETTERS, NOW, T2, "True", "Succeeded"),
        (replace(RIGHT, rule_state="DISABLED"), T1, None, "False", "RuleDisabled"),
        (replace(RIGHT, connection_state="DEAUTHORIZED"), T1, None, "False", "ConnectionDeauthorized"),
        (replace(RIGHT, connection_state="DEAUTHORIZING"), T1, None, "False", "ConnectionDeauthorized"),
        (replace(RIGHT, rule_state=None), T1, None, "Unknown", "Pending"),
        (replace(RIGHT, connection_state=None), T1, None, "Unknown", "Pending"),
        (FORWARDING, T1, None, "True", "Succeeded"),
    ],
)
def test_verdict(
    found: DeliveryFinding, succeeded: datetime | None, failed: datetime | None, answer: str, reason: str
) -> None:
    assert verdict(found, succeeded, failed)[:2] == (Answer(answer), Reason(reason))


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (LETTERS, "3 dead letters wait, the newest of 2026-01-01T11:50:00Z: SDK_CLIENT_ERROR: it answered 500"),
        (counted(lost=2), "2 events were given up and could not be put into the dead-letter queue"),
        (counted(given_up=4), "4 deliveries were given up, the last about 2026-01-01T11:50:00Z"),
        (counted(retried=7), "tried again: 7 times lately"),
        (RIGHT, "the last delivery seen, about 2026-01-01T11:50:00Z, failed"),
    ],
)
def test_a_failure_is_explained(found: DeliveryFinding, text: str) -> None:
    assert text in verdict(found, T1, T2)[2]


def seen(found: DeliveryFinding, before: RegionDelivery | None = None, now: datetime = NOW) -> RegionDelivery:
    return region_delivery("us-east-1", Surveyed(replace(found, seen_at=now)), before)


def test_what_was_seen_is_remembered_as_long_as_a_letter_lives() -> None:
    first = seen(counted(last_success_at=T1))
    assert (first.delivering, first.last_success_at, first.reason, first.counts) == (Answer.TRUE, T1, None, None)
    quiet = seen(RIGHT, first, NOW + timedelta(days=13))
    assert (quiet.delivering, quiet.last_success_at) == (Answer.TRUE, T1)
    forgotten = seen(RIGHT, quiet, NOW + timedelta(days=15))
    assert (forgotten.delivering, forgotten.last_success_at) == (Answer.UNKNOWN, None)


def test_a_letter_is_a_failure_whatever_cloudwatch_says() -> None:
    found = seen(replace(LETTERS, activity=None), seen(counted(last_success_at=T1)))
    assert (found.delivering, found.reason, found.last_failure_at) == (Answer.FALSE, "DeadLetters", T2)
    assert (found.dead_letters, found.letter_reasons[0].code) == (3, "SDK_CLIENT_ERROR")


def test_a_failed_look_keeps_what_is_known_and_says_unknown() -> None:
    known = seen(LETTERS)
    problem = Problem(Reason.ACCESS_DENIED, "no GetMetricData", Retry.PERSON)
    found = region_delivery("us-east-1", Surveyed(problem=problem), known)
    assert (found.delivering, found.reason, found.message) == (Answer.UNKNOWN, "AccessDenied", "no GetMetricData")
    assert (found.dead_letters, found.last_failure_at) == (known.dead_letters, known.last_failure_at)


def test_reasons_of_letters_are_grouped_and_bounded() -> None:
    letters = [Letter(T1, code, f"of {code}") for code in "ABCDE"]
    letters += [Letter(T2, "E", "the newest of E"), Letter(T1, "E", "")]
    found = letter_reasons(letters)
    assert [(r.code, r.count) for r in found] == [("E", 3), ("A", 1), ("B", 1)]
    assert (found[0].message, found[0].newest_at) == ("the newest of E", T2)


def test_an_event_of_which_nothing_was_told_is_not_forgotten_with_the_window() -> None:
    before = seen(counted(last_success_at=T0))
    lost = seen(counted(matched=1, last_matched_at=T1), before)
    assert (lost.delivering, lost.reason) == (Answer.UNKNOWN, "DeliveryUnproven")
    quiet = seen(RIGHT, lost, NOW + timedelta(hours=5))
    assert (quiet.delivering, quiet.reason, quiet.message) == (Answer.UNKNOWN, "DeliveryUnproven", lost.message)
    again = seen(counted(last_success_at=NOW + timedelta(hours=6)), quiet, NOW + timedelta(hours=7))
    assert again.delivering is Answer.TRUE

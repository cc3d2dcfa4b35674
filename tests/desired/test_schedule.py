"""How far apart two collections lie at most."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotouch.desired.schedule import period

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("rate(30 minutes)", HOUR / 2),
        ("rate(1 hour)", HOUR),
        ("rate(12 hours)", 12 * HOUR),
        ("rate(7 days)", 7 * DAY),
        ("cron(0/30 * * * ? *)", HOUR),
        ("cron(0 * ? * * *)", HOUR),
        ("cron(0 0/6 * * ? *)", 6 * HOUR),
        ("cron(0 */2 ? * * *)", 2 * HOUR),
        ("cron(0 */0 ? * * *)", HOUR),
        ("cron(15 3 * * ? *)", DAY),
        ("cron(0 2 ? * SUN *)", 7 * DAY),
        ("cron(0 2 ? * SUN#2 *)", 31 * DAY),
        ("cron(0 2 ? * 5L *)", 31 * DAY),
        ("cron(0 0 1 * ? *)", 31 * DAY),
        ("cron(0 0 * 1 ? *)", 31 * DAY),
        ("cron(0 2 ? * SUN)", 7 * DAY),
        ("at(2026-01-01T00:00:00)", 31 * DAY),
        ("", 31 * DAY),
        ("cron(what)", 31 * DAY),
    ],
)
def test_period(schedule: str, expected: timedelta) -> None:
    assert period(schedule) == expected


@given(st.text(max_size=40))
def test_it_is_total(schedule: str) -> None:
    assert timedelta(0) <= period(schedule)

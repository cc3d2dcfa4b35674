from datetime import UTC, datetime, timedelta

import pytest

from zerotouch.plan.version import make_version, written_by_others

ARN = "arn:aws:events:us-east-1:111111111111:connection/c/{}"
T0 = datetime(2026, 1, 1, tzinfo=UTC)


def version(uuid: str = "u-1", minutes: float = 0) -> str:
    return make_version(ARN.format(uuid), T0 + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("remembered", "found", "others"),
    [
        (None, version(), False),
        (version(), None, False),
        (version(), version(), False),
        (version(), version(minutes=1), False),
        (version(), version(minutes=3), True),
        (version(), version("u-2"), True),
        ("spoilt", version(), True),
    ],
)
def test_written_by_others(remembered: str | None, found: str | None, others: bool) -> None:
    assert written_by_others(remembered, found) is others


def test_form() -> None:
    assert version() == "u-1@2026-01-01T00:00:00+00:00"

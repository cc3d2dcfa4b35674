"""How far apart two runs of a State Manager schedule lie at most.

Source: AWS Systems Manager user guide, "Reference: Cron and rate expressions for Systems Manager".
"""

import re
from datetime import timedelta
from typing import Final

_RATE: Final = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_UNITS: Final = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_EVERY: Final = frozenset({"*", "?"})
_LONGEST: Final = timedelta(days=31)


def period(schedule: str) -> timedelta:
    """An upper bound: exact for `rate(…)`; of `cron(…)` the coarsest field that restricts it decides."""
    if rate := _RATE.fullmatch(schedule):
        return int(rate[1]) * _UNITS[rate[2]]
    fields = schedule.removeprefix("cron(").removesuffix(")").split()
    # Minutes, hours, day of month, month, day of week, and a year where there is one.
    if not schedule.startswith("cron(") or len(fields) not in (5, 6):
        return _LONGEST
    _, hours, day, month, weekday, *_ = fields
    if day not in _EVERY or month not in _EVERY:
        return _LONGEST
    if weekday not in _EVERY:
        # `SUN#2` and `5L` name one week of a month.
        return _LONGEST if re.search("[#L]", weekday) else timedelta(days=7)
    if step := re.fullmatch(r"(?:\*|0)/(\d+)", hours):
        return timedelta(hours=min(24, max(1, int(step[1]))))
    return timedelta(hours=1) if hours in _EVERY else timedelta(days=1)

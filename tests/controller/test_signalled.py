"""Signals that come before their account is known."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from tests.controller.test_signals import NAME, Clock, signal
from zerotouch.controller.detection_stats import DetectionStats
from zerotouch.controller.objects import account_key
from zerotouch.controller.signalled import SignalHandler
from zerotouch.controller.signals import Signals
from zerotouch.plan.signal import Sort

KEY = account_key("n", "a")


@pytest.mark.parametrize(
    ("declared", "deleting", "early"), [(None, False, True), (None, True, False), ("another spec", False, False)]
)
def test_a_leader_that_has_just_begun_looks_at_the_account_once_it_knows_it(
    declared: str | None, deleting: bool, early: bool
) -> None:
    async def current(_: Any) -> None:
        return None

    async def inside() -> None:
        stats, signals = DetectionStats(), Signals(Clock())
        record = SimpleNamespace(trigger=SimpleNamespace(deleting=deleting))
        shared: Any = SimpleNamespace(
            lock=lambda _: asyncio.Lock(),
            signals=signals,
            index=SimpleNamespace(account=lambda _: record),
            expected={} if declared is None else {KEY: declared},
            stats=SimpleNamespace(detection=stats),
        )
        accounts: Any = SimpleNamespace(current=current)
        signals.add(KEY, signal((Sort.RULE, NAME)))
        await SignalHandler(shared, accounts).handle(KEY)
        assert stats.events["ours" if early else "foreign"] == 1
        assert signals.take_early(KEY) is early
        assert not signals.take_early(KEY)

    asyncio.run(inside())

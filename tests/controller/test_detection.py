"""What is read, and what is said of it, as looks at the bus and at the queue come out."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from zerotouch.api.conditions import Reason
from zerotouch.aws.errors import AWSError, Call, Retry
from zerotouch.controller.detection import Detection
from zerotouch.controller.detection_stats import DetectionStats
from zerotouch.reconcile.report import Problem
from zerotouch.resources.central import Central

USED = Central("arn:aws:events:us-east-1:111111111111:event-bus/zerotouch", "default", ("222222222222",))
UNUSED = Central(USED.bus_arn, USED.owner, ())
SOON = Problem(Reason.THROTTLED, "throttled", Retry.SOON)
TAKEN = Problem(Reason.CONFLICT, "taken", Retry.PERSON)


def denied(request: str) -> AWSError:
    call = Call("111111111111", "us-east-1", "sqs", "receive_message")
    return AWSError(call, Reason.ACCESS_DENIED, Retry.PERSON, "AccessDenied", "no", request)


class World:
    """A detection whose calls come out as the test says."""

    def __init__(self) -> None:
        self.stats, self.told = DetectionStats(), list[Any]()
        parents = SimpleNamespace(add=lambda _: self.told.append(self.shared.detection_problem))
        self.shared: Any = SimpleNamespace(
            reconciler=SimpleNamespace(home=None),
            stop=None,
            fence=None,
            loop=asyncio.get_running_loop(),
            stats=SimpleNamespace(detection=self.stats),
            index=SimpleNamespace(parents=lambda: [SimpleNamespace(key="one")]),
            parents=parents,
            detection_problem=None,
            detection_known=False,
        )
        self.detection = Detection(self.shared)

    @property
    def reads(self) -> bool:
        return self.detection._central is not None


def run(test: Callable[[World], None]) -> None:
    async def inside() -> None:
        test(World())

    asyncio.run(inside())


def test_a_long_poll_that_ends_after_events_were_turned_off_says_nothing() -> None:
    def test(world: World) -> None:
        world.detection._plumbed(USED, None)
        world.detection._read()
        assert world.stats.queue_reachable is True
        world.detection._plumbed(UNUSED, None)
        world.detection._read()
        assert world.stats.queue_reachable is None
        world.detection._unreadable(denied("1"))
        assert (world.stats.queue_reachable, world.shared.detection_problem) == (None, None)

    run(test)


def test_a_queue_of_ours_is_read_while_its_bus_cannot_be_looked_after() -> None:
    def test(world: World) -> None:
        world.detection._plumbed(USED, SOON)
        assert (world.reads, world.stats.queue_reachable) == (False, False)
        world.detection._plumbed(USED, None)
        world.detection._plumbed(USED, SOON)
        assert world.reads
        world.detection._read()
        assert (world.stats.queue_reachable, world.shared.detection_problem) == (True, SOON)

    run(test)


def test_an_account_that_was_never_entered_is_not_admitted() -> None:
    def account(number: int, states: tuple[tuple[str, int], ...], told: bool = True, deleting: bool = False) -> Any:
        return SimpleNamespace(
            account_id=str(number) * 12,
            told_by_events=told,
            view=SimpleNamespace(states=states),
            trigger=SimpleNamespace(deleting=deleting),
        )

    def test(world: World) -> None:
        ready = (("Ready", 2),)
        known = [account(1, ready), account(2, ()), account(3, ready, told=False), account(4, ready, deleting=True)]
        world.shared.index.accounts = lambda: known
        world.shared.settings = SimpleNamespace(owner_id="default", events_organization=None)
        assert world.detection._wanted(USED.bus_arn).accounts == ("111111111111",)

    run(test)


def test_a_queue_of_somebody_else_is_not_read() -> None:
    def test(world: World) -> None:
        world.detection._plumbed(USED, None)
        world.detection._plumbed(USED, TAKEN)
        assert (world.reads, world.stats.queue_reachable) == (False, False)
        world.detection._plumbed(USED, SOON)
        assert not world.reads

    run(test)


def test_what_stays_wrong_is_told_once_and_has_the_bus_looked_at_once() -> None:
    def test(world: World) -> None:
        world.detection._plumbed(USED, None)
        for request in "123":
            world.detection._unreadable(denied(request))
            assert world.detection._mend.is_set() is (request == "1")
            world.detection._mend.clear()
            world.detection._plumbed(USED, None)
        assert [problem and problem.reason for problem in world.told] == [None, Reason.ACCESS_DENIED]
        assert world.stats.queue_errors == 3
        world.detection._read()
        assert [problem and problem.reason for problem in world.told] == [None, Reason.ACCESS_DENIED, None]

    run(test)

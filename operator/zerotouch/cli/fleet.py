"""Work on several accounts side by side, with progress, and a Ctrl-C that lets the calls under way end."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final, Generic, TypeVar

from zerotouch.cli.exits import Exit

_AT_ONCE: Final = 8
_LOOK_SECONDS: Final = 0.2

_In = TypeVar("_In")
_Out = TypeVar("_Out")


@dataclass(frozen=True)
class Worked(Generic[_Out]):
    """Results in the order of the items, without those that an interruption left out."""

    results: tuple[_Out, ...]
    interrupted: bool


def work(
    title: str,
    items: Sequence[_In],
    job: Callable[[_In, threading.Event], _Out],
    latest: Callable[[], str] = str,
) -> Worked[_Out]:
    """Run the job for each item. The job ends early, before its next call, when the event is set.

    `latest`: what is shown beside the bar, asked again and again.
    """
    stop = threading.Event()
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="account")
    futures = [pool.submit(job, item, stop) for item in items]
    try:
        with _signals(stop), _progress(title, len(items)) as show:
            _wait(futures, stop, lambda done: show(done, latest()))
    finally:
        stop_all = stop.is_set()
        pool.shutdown(wait=True, cancel_futures=stop_all)
    results = tuple(future.result() for future in futures if not future.cancelled())
    return Worked(results, stop_all)


def _wait(futures: Sequence[Future[Any]], stop: threading.Event, show: Callable[[int], None]) -> None:
    left = set(futures)
    while left:
        _, left = wait(left, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
        show(len(futures) - len(left))
        if stop.is_set():
            for future in left:
                future.cancel()


@contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM asks for an end, so that what was done can be told; the second one gets it."""

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            # Threads that wait for an answer would keep the process until they have it.
            os._exit(Exit.INTERRUPTED)
        stop.set()
        print("zerotouch: stopping after the calls under way", file=sys.stderr)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _progress(title: str, total: int) -> Iterator[Callable[[int, str], None]]:
    """A bar on a terminal, nothing elsewhere; it is told how many are done, and the latest."""
    if not sys.stderr.isatty():
        yield lambda done, text: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[latest]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total, latest="")
        yield lambda done, text: bar.update(task, completed=done, latest=text)

"""Processes of a sandbox: started in the background, found again by pid and start time, told why they died."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

_TAIL_LINES: Final = 25
_STOP_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.05


class PartFailed(RuntimeError):
    """A part of the sandbox died or did not get ready; the message ends with the tail of its log."""


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Process:
    """A started part. `started` is the kernel's start time, so that a recycled pid is never mistaken for it."""

    name: str
    pid: int
    started: int
    log: str

    def alive(self) -> bool:
        """Whether that very process still runs."""
        return self.started == _start_time(self.pid)

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end, insist after ten seconds, and return when it is gone."""
        if not self.alive():
            return
        os.killpg(self.pid, with_signal)
        try:
            wait_until(lambda: not self.alive(), _STOP_SECONDS)
        except TimeoutError:
            os.killpg(self.pid, signal.SIGKILL)
            wait_until(lambda: not self.alive(), _STOP_SECONDS)

    def tail(self) -> str:
        """The last lines of its log."""
        path = Path(self.log)
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        return "\n".join(lines[-_TAIL_LINES:])


def start(name: str, command: Sequence[str], directory: Path, env: Mapping[str, str] | None = None) -> Process:
    """Start a part in a session of its own; its output goes to `directory/NAME.log`."""
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / f"{name}.log"
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=None if env is None else dict(env),
        )
    process = Process(name, child.pid, _start_time(child.pid) or 0, str(log))
    (directory / f"{name}.pid").write_text(json.dumps(asdict(process)))
    return process


def recorded(directory: Path) -> list[Process]:
    """The parts that were started with this state directory, the last first."""
    files = sorted(directory.glob("*.pid"), key=lambda f: f.stat().st_mtime_ns, reverse=True)
    return [Process(**json.loads(f.read_text())) for f in files]


def forget(directory: Path, process: Process) -> None:
    """Remove the record of a part that has ended."""
    (directory / f"{process.name}.pid").unlink(missing_ok=True)


def wait_ready(process: Process, ready: Callable[[], bool], timeout: float) -> None:
    """Return when `ready`. Raises PartFailed with the tail of the log where the part dies first or takes too long."""
    deadline = time.monotonic() + timeout
    while not ready():
        if not process.alive():
            raise PartFailed(f"{process.name} ended; the end of {process.log}:\n{process.tail()}")
        if time.monotonic() > deadline:
            raise PartFailed(f"{process.name} is not ready after {timeout:.0f} s; {process.log}:\n{process.tail()}")
        time.sleep(_POLL_SECONDS)


def wait_until(condition: Callable[[], bool], timeout: float = 90.0) -> None:
    """Return when the condition holds. Raises TimeoutError."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(_POLL_SECONDS)


def _start_time(pid: int) -> int | None:
    """Field 22 of /proc/PID/stat, None where the process is gone or only waits to be reaped."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])

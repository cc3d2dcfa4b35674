"""Parts of a sandbox as processes: crashes are told, nothing is left behind."""

import os
import sys
from pathlib import Path

import pytest

from sandbox import processes
from sandbox.processes import PartFailed
from sandbox.state import Sandbox

SLEEPER = [sys.executable, "-c", "import time; print('here I am', flush=True); time.sleep(600)"]
CRASHER = [sys.executable, "-c", "raise SystemExit('port taken, alas')"]


def test_a_crash_is_told_with_the_end_of_the_log(tmp_path: Path) -> None:
    process = processes.start("crasher", CRASHER, tmp_path)
    with pytest.raises(PartFailed, match=r"crasher ended(.|\n)*port taken, alas"):
        processes.wait_ready(process, lambda: False, 30)


def test_what_is_not_ready_in_time_is_told(tmp_path: Path) -> None:
    process = processes.start("sleeper", SLEEPER, tmp_path)
    with pytest.raises(PartFailed, match="not ready"):
        processes.wait_ready(process, lambda: False, 0.2)
    process.stop()


def test_stop_ends_it_and_is_repeatable(tmp_path: Path) -> None:
    process = processes.start("sleeper", SLEEPER, tmp_path)
    assert process.alive()
    process.stop()
    assert not process.alive()
    process.stop()


def test_a_recycled_pid_is_nobody_we_know(tmp_path: Path) -> None:
    record = processes.Process("other", os.getpid(), 1, str(tmp_path / "log"))
    assert not record.alive()
    record.stop()


def test_two_gateways_at_once_and_none_after(tmp_path: Path) -> None:
    one, other = Sandbox(tmp_path / "one"), Sandbox(tmp_path / "other")
    with one.up(["gateway"]), other.up(["gateway"]):
        assert one.gateway_url != other.gateway_url
        started = one.processes() + other.processes()
        assert all(p.alive() for p in started)
        with pytest.raises(PartFailed, match="already"):
            Sandbox(tmp_path / "one").up(["gateway"])
        assert all(p.alive() for p in started)
    assert not any(p.alive() for p in started)


def test_the_control_plane_is_kubernetes(control_plane: Sandbox) -> None:
    control_plane.kubectl("create", "namespace", "first")
    assert "first" in control_plane.kubectl("get", "namespaces", "-o", "name")
    assert "v1.37.2" in control_plane.kubectl("version")
    control_plane.kubectl("delete", "namespace", "first", "--timeout=60s")

"""A sandbox: its parts, its state directory, and what its users need to know of it."""

import json
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Self

from sandbox import processes
from sandbox.controlplane import run as controlplane
from sandbox.processes import PartFailed, Process, free_port

PARTS: Final = ("controlplane", "aws", "gateway")
_READY_SECONDS: Final = 90.0


def silent(_: str) -> None:
    """No progress."""


class Sandbox:
    """One sandbox. Several may run at once, each with a directory of its own. Also a context manager."""

    def __init__(self, directory: Path, progress: Callable[[str], None] = silent) -> None:
        self.directory, self._progress = directory.resolve(), progress
        self._known: dict[str, str] = {}
        record = self.directory / "sandbox.json"
        if record.exists():
            self._known = json.loads(record.read_text())

    def up(self, parts: Iterable[str] = PARTS) -> Self:
        """Start the parts, afresh. What was started is stopped again where one of them fails."""
        if any(process.alive() for process in self.processes()):
            raise PartFailed(f"a sandbox runs already in {self.directory}: use another --state, or stop it first")
        shutil.rmtree(self.directory, ignore_errors=True)
        try:
            for part in parts:
                self._start(part)
        except BaseException:
            self.down()
            raise
        return self

    def down(self) -> None:
        """Stop everything, the last started first."""
        for process in self.processes():
            process.stop()
            processes.forget(self.directory, process)
        (self.directory / "sandbox.json").unlink(missing_ok=True)
        self._known = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def processes(self) -> list[Process]:
        """What was started, whether or not it still runs."""
        return processes.recorded(self.directory)

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return Path(self._known["KUBECONFIG"])

    @property
    def aws_endpoint(self) -> str:
        """URL of the emulated AWS."""
        return self._known["AWS_ENDPOINT_URL"]

    @property
    def gateway_url(self) -> str:
        """URL of the Qualys gateway."""
        return self._known["QUALYS_GATEWAY_URL"]

    def base_credentials(self) -> dict[str, str]:
        """The operator's own identity in AWS: access_key_id, secret_access_key, account_id."""
        credentials: dict[str, str] = json.loads((self.directory / "aws" / "base-credentials.json").read_text())
        return credentials

    def gateway_credentials(self) -> dict[str, str]:
        """The gateway's user: username, password."""
        credentials: dict[str, str] = json.loads((self.directory / "gateway" / "credentials.json").read_text())
        return credentials

    def env(self) -> dict[str, str]:
        """Environment variables with which kubectl, boto3 and the operator find the sandbox."""
        env = {**self._known, "ZEROTOUCH_SANDBOX_STATE": str(self.directory)}
        if "AWS_ENDPOINT_URL" in env:
            base = self.base_credentials()
            env |= {
                "AWS_ACCESS_KEY_ID": base["access_key_id"],
                "AWS_SECRET_ACCESS_KEY": base["secret_access_key"],
                "AWS_DEFAULT_REGION": "us-east-1",
            }
        return env

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        """Run kubectl as the administrator; `timeout` in seconds."""
        return controlplane.kubectl(self.kubeconfig, *arguments, stdin=stdin, timeout=timeout)

    def _start(self, part: str) -> None:
        if part == "controlplane":
            self._remember("KUBECONFIG", str(controlplane.up(self.directory, self._progress)))
        elif part == "aws":
            self._remember("AWS_ENDPOINT_URL", self._serve("aws"))
        elif part == "gateway":
            self._remember("QUALYS_GATEWAY_URL", self._serve("gateway"))
        else:
            raise ValueError(f"no such part: {part}")

    def _serve(self, part: str) -> str:
        self._progress(f"starting {part}")
        port, state = free_port(), self.directory / part
        command = [sys.executable, "-m", f"sandbox.{part}", "--port", str(port), "--state", str(state)]
        process = processes.start(part, command, self.directory)
        url = f"http://127.0.0.1:{port}"
        processes.wait_ready(process, lambda: _healthy(url), _READY_SECONDS)
        return url

    def _remember(self, name: str, value: str) -> None:
        self._known[name] = value
        (self.directory / "sandbox.json").write_text(json.dumps(self._known, indent=1))


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_zerotouch/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False

"""A person at a shell, who runs the installed command."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.e2e.tenant import Tenant

COMMAND: Final = str(Path(sys.executable).parent / "zerotouch")
CANARIES: Final = ("canary-external-id", "canary-connector-id")
TIMEOUT: Final = 300
_READS: Final = ("Describe", "Get", "List", "Assume")


@dataclass
class User:
    """With the operator's base identity and a file."""

    tenant: Tenant
    directory: Path
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = self.tenant.world.env()
        kept = {name: value for name, value in known.items() if name.startswith("AWS_")}
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "ZEROTOUCH_ALLOWED_GATEWAYS": self.tenant.world.gateway_url,
            **kept,
        }

    @property
    def file(self) -> str:
        return str(self.directory / "object.yaml")

    def write(self, *accounts: str, secrets: tuple[dict[str, Any], ...] = (), **spec: Any) -> None:
        """The file: one object, and Secrets beside it."""
        body = self.tenant.manifest(*accounts, **spec)
        body["metadata"]["namespace"] = self.tenant.namespace
        (self.directory / "object.yaml").write_text("\n---\n".join(json.dumps(b) for b in (*secrets, body)))

    def run(self, *arguments: str, status: int | None = None, stdin: str = "", **env: str) -> str:
        """Answers the standard output; `status` is what it has to be."""
        result = self.result(*arguments, stdin=stdin, **env)
        assert status is None or result.returncode == status, result.stdout + result.stderr
        return result.stdout

    def result(self, *arguments: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [COMMAND, *arguments],
            input=stdin,
            env={**self.env, **env},
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        for canary in CANARIES:
            assert canary not in result.stdout + result.stderr
        assert "Traceback" not in result.stderr
        return result

    def everything(self) -> int:
        """How many resources the file asks for."""
        return made(self.run("plan", "-f", self.file, "--assume-empty", "-o", "json"))["create"]

    def mint_by(self) -> dict[str, str]:
        """The environment in which a token can be minted."""
        known = self.tenant.world.gateway_credentials()
        return {"ZEROTOUCH_QUALYS_USERNAME": known["username"], "ZEROTOUCH_QUALYS_PASSWORD": known["password"]}

    def forget_calls(self) -> None:
        self.tenant.aws.forget_calls()

    def writes(self, account: str) -> list[str]:
        calls = self.tenant.aws.calls(account)
        return [c["operation"] for c in calls if not c["operation"].startswith(_READS)]


def made(output: str) -> dict[str, int]:
    """Of JSON output of plan: the numbers that are not 0."""
    found: dict[str, int] = json.loads(output)["summary"]
    return {name: number for name, number in found.items() if number and name != "accounts"}

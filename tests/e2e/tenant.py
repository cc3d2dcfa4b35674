"""What a tenant does: make accounts, Secrets and objects, and look at what came of it."""

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from sandbox.aws.admin import Admin
from sandbox.aws.inventory import held
from sandbox.controlplane.run import kubectl_path
from sandbox.deployment import ROOT
from sandbox.gateway.admin import GatewayAdmin
from sandbox.processes import start, wait_until
from sandbox.state import Sandbox
from zerotouch.aws.policy import account_policy

EXTERNAL_ID: Final = "canary-external-id"
TIMEOUT: Final = 90.0
OBJECT: Final = "production"


class Tenant:
    """One namespace. `number` makes its accounts' ids its own."""

    def __init__(self, world: Sandbox, aws: Admin, qualys: GatewayAdmin, number: int) -> None:
        self.world, self.aws, self.qualys = world, aws, qualys
        self.namespace = f"tenant-{number}"
        self._base = 300_000_000_000 + number * 10_000
        self.kubectl("create", "namespace", self.namespace)
        self.kubectl("apply", "-k", str(ROOT / "deploy" / "tenant"))

    def end(self) -> None:
        """Leave nothing that keeps the operator busy."""
        self.kubectl("annotate", "--overwrite", "qzt,qzta", "--all", "zerotouch.dev/abandon=true", timeout=600)
        self.kubectl("delete", "qzt,qzta", "--all", "--wait=false")
        self.wait(lambda: not self._names("qzt") and not self._names("qzta"), timeout=600)

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        return self.world.kubectl("-n", self.namespace, *arguments, stdin=stdin, timeout=timeout)

    def account(self, number: int = 1, **options: Any) -> str:
        """An account with the operator's role under the documented policy; answers its id."""
        account = f"{self._base + number:012d}"
        connector = options.pop("existing_connector_role", None)
        policy = account_policy("aws", account, "qualys-zerotouch", connector)
        self.aws.create_account(account, policy, options.pop("external_id", EXTERNAL_ID), **options)
        return account

    def credentials(self, name: str = "qualys-api", **changes: str) -> None:
        """The gateway user's Secret."""
        self.secret(name, {**self.world.gateway_credentials(), **changes})

    def secret(self, name: str, data: dict[str, str]) -> None:
        manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))

    def apply(self, *accounts: str, name: str = OBJECT, server_side: bool = False, **spec: Any) -> None:
        """Apply an object that declares the accounts; one of many accounts needs `server_side`.

        A client-side apply stores it all in an annotation of at most 256 KiB.
        """
        how = ["--server-side"] if server_side else []
        self.kubectl("apply", *how, "-f", "-", stdin=json.dumps(self.manifest(*accounts, name=name, **spec)))

    def manifest(self, *accounts: str, name: str = OBJECT, **spec: Any) -> dict[str, Any]:
        """An object that declares the accounts."""
        return {
            "apiVersion": "zerotouch.dev/v1alpha1",
            "kind": "QualysZeroTouch",
            "metadata": {"name": name},
            "spec": {
                "qualys": {
                    "gatewayURL": self.world.gateway_url,
                    "auth": {"credentialsSecretRef": {"name": "qualys-api"}},
                    "token": {"trial": "1s"},
                },
                "access": {"externalID": EXTERNAL_ID},
                "accounts": [{"id": account} for account in accounts],
                "regions": {"names": ["us-east-1", "eu-west-1"]},
                "deletionPolicy": "Delete",
                "interval": "30s",
                **spec,
            },
        }

    def patch(self, spec: dict[str, Any], name: str = OBJECT) -> None:
        self.kubectl("patch", "qzt", name, "--type=merge", "-p", json.dumps({"spec": spec}))

    def annotate(self, kind: str, name: str, annotation: str) -> None:
        self.kubectl("annotate", "--overwrite", kind, name, annotation)

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """The object, None where there is none."""
        text = self.kubectl("get", kind, name, "-o", "json", "--ignore-not-found")
        return json.loads(text) if text.strip() else None

    def object(self, name: str = OBJECT) -> dict[str, Any]:
        found = self.get("qzt", name)
        assert found is not None
        return found

    def child(self, account: str, name: str = OBJECT) -> dict[str, Any]:
        found = self.get("qzta", f"{name}-{account}")
        assert found is not None
        return found

    def ready(self, name: str = OBJECT, kind: str = "qzt", timeout: float = TIMEOUT) -> None:
        """Wait as a pipeline would."""
        try:
            for_ready = ("--for=condition=Ready", f"--timeout={timeout:.0f}s")
            self.kubectl("wait", f"{kind}/{name}", *for_ready, timeout=timeout + 30)
        except subprocess.CalledProcessError as error:
            raise AssertionError(f"not Ready: {error.stderr}\n{self.kubectl('describe', 'qzt,qzta')}") from None

    def condition(self, body: dict[str, Any] | None, kind: str = "Ready") -> dict[str, Any]:
        """The condition, {} where there is none yet."""
        found = ((body or {}).get("status") or {}).get("conditions", [])
        return next((c for c in found if c["type"] == kind), {})

    def until(self, reason: str, says: str = "", kind: str = "qzt", name: str = OBJECT) -> dict[str, Any]:
        """Wait until Ready has this reason, and its message holds these words."""

        def met() -> bool:
            ready = self.condition(self.get(kind, name))
            return ready.get("reason") == reason and says in ready.get("message", "")

        try:
            wait_until(met, TIMEOUT)
        except TimeoutError:
            raise AssertionError(f"never {reason}: {says}\n{self.kubectl('describe', 'qzt,qzta')}") from None
        return self.condition(self.get(kind, name))

    def wait(self, condition: Callable[[], bool], timeout: float = TIMEOUT) -> None:
        """Wait, and show everything where it does not come."""
        try:
            wait_until(condition, timeout)
        except TimeoutError:
            raise AssertionError(self.kubectl("describe", "qzt,qzta")) from None

    @contextlib.contextmanager
    def history(self, kind: str, columns: str) -> Iterator[Callable[[], list[list[str]]]]:
        """Every version of every object of the kind from here on, as words of a jsonpath, in the order of the writes.

        To look again and again misses what is there for a moment.
        """
        known = len(self._names(kind))
        command = [
            kubectl_path(),
            f"--kubeconfig={self.world.kubeconfig}",
            "-n",
            self.namespace,
            "get",
            kind,
            "--watch",
        ]
        with tempfile.TemporaryDirectory() as directory:
            watch = start("watch", [*command, "-o", f'jsonpath={columns}{{"\\n"}}'], Path(directory))

            def versions() -> list[list[str]]:
                return [line.split() for line in Path(watch.log).read_text().splitlines()]

            try:
                self.wait(lambda: len(versions()) >= known)
                yield versions
            finally:
                watch.stop()

    def events(self, reason: str) -> list[str]:
        """Messages of the namespace's events of that reason."""
        found = json.loads(self.kubectl("get", "events", "-o", "json"))["items"]
        return [event["message"] for event in found if event["reason"] == reason]

    def told(self, reason: str) -> list[str]:
        """The same, once there are any: events are written after the status that they go with."""
        self.wait(lambda: bool(self.events(reason)))
        return self.events(reason)

    def held(self, account: str) -> list[str]:
        """What the account holds, as `kind region name`."""
        return held(self.aws, account)

    def _names(self, kind: str) -> list[str]:
        return self.kubectl("get", kind, "-o", "jsonpath={.items[*].metadata.name}").split()

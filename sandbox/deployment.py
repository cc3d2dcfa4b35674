"""Running the operator as its Deployment says, in place of a kubelet."""

import base64
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final

from sandbox import processes
from sandbox.aws.admin import BASE_ACCOUNT
from sandbox.controlplane.run import write_kubeconfig
from sandbox.processes import Process, free_port
from sandbox.state import Sandbox

ROOT: Final = Path(__file__).parents[1]
NAMESPACE: Final = "zerotouch-system"
NAME: Final = "zerotouch"
BUS_ARN: Final = f"arn:aws:events:us-east-1:{BASE_ACCOUNT}:event-bus/zerotouch"
_READY_SECONDS: Final = 90.0
_TOKEN_SECONDS: Final = "24h"


class Deployment:
    """The operator, installed from `deploy/` into a sandbox with all parts."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def install_crds(self) -> None:
        """Apply `deploy/crds`."""
        self._sandbox.kubectl("apply", "-k", str(ROOT / "deploy" / "crds"))
        established = ("--for=condition=Established", "crd", "-l", "app.kubernetes.io/part-of=zerotouch")
        self._sandbox.kubectl("wait", *established)

    def install(self) -> None:
        """Apply `deploy/operator`, with the sandbox's addresses as settings."""
        self._sandbox.kubectl("apply", "-k", str(ROOT / "deploy" / "operator"))
        base = self._sandbox.base_credentials()
        config = {
            "AWS_ENDPOINT_URL": self._sandbox.aws_endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "ZEROTOUCH_EVENTS_BUS_ARN": BUS_ARN,
            "ZEROTOUCH_ALLOWED_GATEWAYS": self._sandbox.gateway_url,
            "ZEROTOUCH_SETTLE": "2s",
        }
        credentials = {
            "AWS_ACCESS_KEY_ID": base["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": base["secret_access_key"],
        }
        self._apply("ConfigMap", NAME, {"data": config})
        self._apply("Secret", "zerotouch-aws", {"stringData": credentials})

    def start(self, replica: str = "operator", wait: bool = True) -> "Replica":
        """Start one replica, and wait until its readiness probe is content."""
        template = self._get("deployment", NAME)["spec"]["template"]["spec"]
        (container,) = template["containers"]
        port = free_port()
        env = {
            **self._env_from(container),
            **_env(container, replica),
            # There is no pod network: each replica listens on a loopback port of its own.
            "ZEROTOUCH_METRICS_BIND": f"127.0.0.1:{port}",
            "KUBECONFIG": str(self._kubeconfig(template["serviceAccountName"], replica)),
            "HOME": str(self._sandbox.directory),
        }
        command, *arguments = [*container["command"], *container.get("args", ())]
        executable = str(Path(sys.executable).parent / command)
        process = processes.start(replica, [executable, *arguments], self._sandbox.directory, env)
        started = Replica(process, f"http://127.0.0.1:{port}", container["readinessProbe"]["httpGet"]["path"])
        if wait:
            processes.wait_ready(process, started.ready, _READY_SECONDS)
        return started

    def _kubeconfig(self, service_account: str, replica: str) -> Path:
        kubectl = self._sandbox.kubectl
        token = kubectl("create", "token", service_account, "-n", NAMESPACE, f"--duration={_TOKEN_SECONDS}").strip()
        admin = json.loads(self._sandbox.kubeconfig.read_text())["clusters"][0]["cluster"]
        path = self._sandbox.directory / f"{replica}.kubeconfig"
        ca = base64.b64decode(admin["certificate-authority-data"]).decode()
        write_kubeconfig(path, admin["server"], ca, token, NAMESPACE)
        return path

    def _env_from(self, container: dict[str, Any]) -> dict[str, str]:
        env: dict[str, str] = {}
        for source in container.get("envFrom", ()):
            if "configMapRef" in source:
                env |= self._get("configmap", source["configMapRef"]["name"]).get("data") or {}
            else:
                data = self._get("secret", source["secretRef"]["name"]).get("data") or {}
                env |= {key: base64.b64decode(value).decode() for key, value in data.items()}
        return env

    def _get(self, kind: str, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._sandbox.kubectl("get", kind, name, "-n", NAMESPACE, "-o", "json"))
        return found

    def _apply(self, kind: str, name: str, content: dict[str, Any]) -> None:
        manifest = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, **content}
        self._sandbox.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))


class Replica:
    """A running operator."""

    def __init__(self, process: Process, url: str, readiness: str) -> None:
        self.process, self.url, self._readiness = process, url, readiness

    def ready(self) -> bool:
        """As its readiness probe sees it."""
        return self.get(self._readiness)[0] == 200

    def metrics(self) -> str:
        """What Prometheus would scrape."""
        status, text = self.get("/metrics")
        if status != 200:
            raise RuntimeError(f"/metrics answered {status}")
        return text

    def get(self, path: str) -> tuple[int, str]:
        """Status, 0 where nobody answers, and text."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except (urllib.error.URLError, OSError):
            return 0, ""

    def log(self) -> str:
        """Everything that it wrote."""
        return Path(self.process.log).read_text(errors="replace")


def _env(container: dict[str, Any], replica: str) -> dict[str, str]:
    fields = {"metadata.namespace": NAMESPACE, "metadata.name": f"{NAME}-{replica}"}
    return {
        entry["name"]: entry["value"] if "value" in entry else fields[entry["valueFrom"]["fieldRef"]["fieldPath"]]
        for entry in container.get("env", ())
    }

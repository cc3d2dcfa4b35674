"""Starting the control plane with a state directory of its own, on free loopback ports."""

import base64
import json
import secrets
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.controlplane.build import Binaries, find
from sandbox.processes import Process, free_port, start, wait_ready

_ETCD_SECONDS: Final = 60.0
_API_SECONDS: Final = 180.0
_CONTROLLERS: Final = (
    "namespace-controller,garbage-collector-controller,serviceaccount-controller,serviceaccount-token-controller,"
    "clusterrole-aggregation-controller"
)
_SERVICE_CIDR: Final = "10.0.0.0/24"


def up(directory: Path, progress: Callable[[str], None]) -> Path:
    """Start etcd, the API server and the controller manager; answers the administrator's kubeconfig."""
    directory.mkdir(parents=True, exist_ok=True)
    binaries = find(progress)
    progress("starting etcd")
    etcd = _etcd(binaries, directory)
    progress("starting kube-apiserver")
    kubeconfig = _api_server(binaries, directory, etcd)
    if binaries.controller_manager:
        progress("starting kube-controller-manager")
        _controller_manager(binaries.controller_manager, directory, kubeconfig)
    return kubeconfig


def _etcd(binaries: Binaries, directory: Path) -> str:
    client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    command = [
        *binaries.etcd,
        f"--data-dir={directory / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]
    process = start("etcd", command, directory)
    wait_ready(process, lambda: _answers(f"{client}/health"), _ETCD_SECONDS)
    return client


def _api_server(binaries: Binaries, directory: Path, etcd: str) -> Path:
    port, token = free_port(), secrets.token_hex(16)
    key = _service_account_key(directory)
    tokens = directory / "tokens.csv"
    tokens.write_text(f"{token},admin,admin,system:masters\n")
    tokens.chmod(0o600)
    certificates = directory / "certificates"
    command = [
        *binaries.api_server,
        f"--etcd-servers={etcd}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--cert-dir={certificates}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--authorization-mode=RBAC,Node",
        f"--token-auth-file={tokens}",
        f"--service-cluster-ip-range={_SERVICE_CIDR}",
        "--endpoint-reconciler-type=none",
        "--event-ttl=1h",
    ]
    process = start("kube-apiserver", command, directory)
    url = f"https://127.0.0.1:{port}"
    wait_ready(process, lambda: _answers(f"{url}/readyz", token), _API_SECONDS)
    kubeconfig = directory / "kubeconfig"
    write_kubeconfig(kubeconfig, url, (certificates / "apiserver.crt").read_text(), token)
    return kubeconfig


def _controller_manager(command: list[str], directory: Path, kubeconfig: Path) -> Process:
    port = free_port()
    process = start(
        "kube-controller-manager",
        [
            *command,
            f"--kubeconfig={kubeconfig}",
            f"--service-account-private-key-file={directory / 'service-account.key'}",
            f"--root-ca-file={directory / 'certificates' / 'apiserver.crt'}",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            f"--controllers={_CONTROLLERS}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--cert-dir={directory / 'controller-manager-certificates'}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
        ],
        directory,
    )
    wait_ready(process, lambda: _answers(f"https://127.0.0.1:{port}/healthz"), _API_SECONDS)
    return process


def write_kubeconfig(path: Path, server: str, ca: str, token: str, namespace: str = "default") -> None:
    """A kubeconfig with one context and a bearer token, readable by its owner only. JSON is YAML."""
    content: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "sandbox",
        "clusters": [
            {
                "name": "sandbox",
                "cluster": {"server": server, "certificate-authority-data": base64.b64encode(ca.encode()).decode()},
            }
        ],
        "users": [{"name": "sandbox", "user": {"token": token}}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "sandbox", "namespace": namespace}}],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=1))


def kubectl(kubeconfig: Path, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
    """Run kubectl; answers what it printed. Raises subprocess.CalledProcessError and TimeoutExpired."""
    return subprocess.run(
        [kubectl_path(), f"--kubeconfig={kubeconfig}", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=True,
        timeout=timeout,
    ).stdout


def kubectl_path() -> str:
    """The pinned kubectl of the virtual environment: the one on the PATH may be years older than the server."""
    own = Path(sys.executable).parent / "kubectl"
    return str(own) if own.exists() else shutil.which("kubectl") or "kubectl"


def _service_account_key(directory: Path) -> Path:
    path = directory / "service-account.key"
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    return path


def _answers(url: str, token: str | None = None) -> bool:
    """Whether it answers 200. The certificate is the server's own, made a moment ago, and is not checked here."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    context = ssl._create_unverified_context() if url.startswith("https") else None
    try:
        with urllib.request.urlopen(request, timeout=5, context=context) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False

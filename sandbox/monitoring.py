"""A real Prometheus, in place of the Prometheus operator: scrapes zerotouch and evaluates what `deploy/monitoring` ships."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from sandbox import processes
from sandbox.deployment import NAMESPACE, ROOT
from sandbox.processes import Process, free_port
from sandbox.tools import PROMETHEUS

_SHIPPED: Final = ROOT / "deploy" / "monitoring"
_READY_SECONDS: Final = 60.0
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_RANGE: Final = re.compile(r"\[(\d+)([smhd])\]")


class Prometheus:
    """One server, in `directory`. `pace` divides every duration of the shipped rules, so that a test need not wait for them."""

    def __init__(self, directory: Path, pace: float = 1.0, progress: Callable[[str], None] = print) -> None:
        self._directory, self._pace, self._progress = directory.resolve(), pace, progress
        self._url = f"http://127.0.0.1:{free_port()}"
        self._process: Process | None = None

    def start(self, replicas: Mapping[str, str]) -> None:
        """`replicas`: pod name → URL of the replica."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._configure(replicas)
        command = [
            str(PROMETHEUS.binary(self._progress)),
            f"--config.file={self._directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._directory / 'data'}",
            f"--web.listen-address={self._url.removeprefix('http://')}",
            "--web.enable-lifecycle",
        ]
        self._process = processes.start("prometheus", command, self._directory)
        processes.wait_ready(self._process, self._ready, _READY_SECONDS)

    def follow(self, replicas: Mapping[str, str]) -> None:
        """Scrape these from now on."""
        self._configure(replicas)
        urllib.request.urlopen(urllib.request.Request(f"{self._url}/-/reload", method="POST"), timeout=10).close()

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series that the expression has now."""
        found = self._get(f"query?{urllib.parse.urlencode({'query': expression})}")
        if found["resultType"] == "scalar":
            return [({}, float(found["result"][1]))]
        return [(series["metric"], float(series["value"][1])) for series in found["result"]]

    def alerts(self, name: str, state: str = "firing") -> list[dict[str, str]]:
        """Labels of the alerts of that name that are in this state."""
        alerts = self._get("alerts")["alerts"]
        return [a["labels"] for a in alerts if a["labels"]["alertname"] == name and a["state"] == state]

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self._url}/api/v1/{path}", timeout=30) as answer:
            return json.load(answer)["data"]

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._url}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _configure(self, replicas: Mapping[str, str]) -> None:
        (endpoint,) = _spec("servicemonitor.yaml")["endpoints"]
        interval = "1s" if self._pace > 1 else endpoint["interval"]
        job = {
            # What jobLabel makes of the Service's labels.
            "job_name": "zerotouch",
            "honor_labels": endpoint["honorLabels"],
            "static_configs": [
                {"targets": [url.removeprefix("http://")], "labels": {"pod": pod, "namespace": NAMESPACE}}
                for pod, url in sorted(replicas.items())
            ],
        }
        rules = {"groups": [_quickened(group, self._pace) for group in _spec("prometheusrule.yaml")["groups"]]}
        (self._directory / "rules.yml").write_text(yaml.safe_dump(rules))
        config = {
            "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
            "rule_files": ["rules.yml"],
            "scrape_configs": [job],
        }
        (self._directory / "prometheus.yml").write_text(yaml.safe_dump(config))


def _spec(name: str) -> Any:
    return yaml.safe_load((_SHIPPED / name).read_text())["spec"]


def _quickened(group: dict[str, Any], pace: float) -> dict[str, Any]:
    rules = []
    for rule in group["rules"]:
        waits = {key: _shorter(rule[key], pace) for key in ("for", "keep_firing_for") if key in rule}
        expr = _RANGE.sub(lambda found: f"[{_shorter(found[1] + found[2], pace)}]", rule["expr"])
        rules.append({**rule, **waits, "expr": expr})
    return {**group, "rules": rules}


def _shorter(duration: str, pace: float) -> str:
    """`5m` → `5000ms` at a pace of 60."""
    return f"{int(duration[:-1]) * _UNITS[duration[-1]] * 1000 / pace:.0f}ms"

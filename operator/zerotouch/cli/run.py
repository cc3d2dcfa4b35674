"""`zerotouch run`: the operator, set up by its environment."""

import argparse
import asyncio
import os
import sys

from kubernetes.aio.config import ConfigException

from zerotouch.controller.kube import KubeAPI
from zerotouch.controller.operator import Operator
from zerotouch.controller.settings import Settings
from zerotouch.telemetry.logs import configure_logs
from zerotouch.telemetry.server import TelemetryServer


def configure(parser: argparse.ArgumentParser) -> None:
    """Every setting is an environment variable; docs/settings.md lists them."""
    parser.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Until it is told to stop."""
    try:
        configure_logs(os.environ.get("ZEROTOUCH_LOG_LEVEL", "info"), os.environ.get("ZEROTOUCH_LOG_FORMAT", "json"))
        return asyncio.run(_run())
    except ConfigException as error:
        print(f"zerotouch: no API server: this is no pod, and there is no usable KUBECONFIG ({error})", file=sys.stderr)
        return 2
    except (OSError, ValueError) as error:
        print(f"zerotouch: {error}", file=sys.stderr)
        return 2


async def _run() -> int:
    kube = await KubeAPI.connect()
    operator = Operator(kube, Settings.from_env())
    server = TelemetryServer(operator, os.environ.get("ZEROTOUCH_METRICS_BIND", "0.0.0.0:8080"))
    try:
        await server.start()
        return await operator.run()
    finally:
        await server.stop()
        await kube.close()

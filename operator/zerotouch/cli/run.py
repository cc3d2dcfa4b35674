"""`zerotouch run`: the operator, set up by its environment."""

import asyncio
import os

import click

from zerotouch.cli.exits import CommandError, Exit


@click.command()
def command() -> int:
    """Run the operator until it is told to stop.

    Every setting is an environment variable: docs/settings.md lists them.
    """
    from kubernetes.aio.config import ConfigException

    from zerotouch.telemetry.logs import configure_logs

    try:
        configure_logs(os.environ.get("ZEROTOUCH_LOG_LEVEL", "info"), os.environ.get("ZEROTOUCH_LOG_FORMAT", "json"))
        return asyncio.run(_run())
    except ConfigException as error:
        text = f"no API server: this is no pod, and there is no usable KUBECONFIG ({error})"
        raise CommandError(Exit.NO_CONTEXT, text) from None
    except (OSError, ValueError) as error:
        raise CommandError(Exit.SETTINGS, str(error)) from None


async def _run() -> int:
    from zerotouch.controller.kube import KubeAPI
    from zerotouch.controller.operator import Operator
    from zerotouch.controller.settings import Settings
    from zerotouch.telemetry.server import TelemetryServer

    kube = await KubeAPI.connect()
    operator = Operator(kube, Settings.from_env())
    server = TelemetryServer(operator, os.environ.get("ZEROTOUCH_METRICS_BIND", "0.0.0.0:8080"))
    try:
        await server.start()
        return await operator.run()
    finally:
        await server.stop()
        await kube.close()

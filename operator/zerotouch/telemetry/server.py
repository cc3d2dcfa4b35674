"""`/metrics`, `/healthz` and `/readyz`."""

from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from zerotouch.controller.operator import Operator
from zerotouch.telemetry.collector import OperatorCollector


class TelemetryServer:
    """Serves one operator's metrics and probes on `bind`, `HOST:PORT`."""

    def __init__(self, operator: Operator, bind: str) -> None:
        self._operator = operator
        host, _, port = bind.rpartition(":")
        self._host, self._port = host.strip("[]") or None, int(port)
        self._registry = CollectorRegistry(auto_describe=False)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._registry.register(OperatorCollector(operator))
        app = web.Application()
        app.add_routes(
            [
                web.get("/metrics", self._metrics),
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self) -> None:
        """Raises OSError where the address cannot be used."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _metrics(self, _: web.Request) -> web.Response:
        """503 until every object was seen: a gauge at 0 that means "not known yet" would resolve alerts."""
        if not self._operator.shared.index.complete:
            return web.Response(status=503, text="not every object has been seen yet\n")
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _healthz(self, _: web.Request) -> web.Response:
        """That the event loop answers is the whole test: what else may fail ends the process by itself."""
        return web.Response(text="ok\n")

    async def _readyz(self, _: web.Request) -> web.Response:
        ready = self._operator.ready
        return web.Response(status=200 if ready else 503, text="ok\n" if ready else "waiting for the API server\n")

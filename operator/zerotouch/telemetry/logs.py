"""Logs: one JSON object a line, or text for people; those of libraries in the same form."""

import logging
import sys
from typing import Any, Final

import structlog

_LEVELS: Final = ("debug", "info", "warning", "error")
# Below warning these tell about every request and object.
_NOISY: Final = ("aiohttp", "asyncio", "botocore", "kopf", "kubernetes", "urllib3")


def configure_logs(level: str, form: str) -> None:
    """`level`: debug, info, warning, error. `form`: json or text. Raises ValueError."""
    if level not in _LEVELS:
        raise ValueError(f"log level {level!r}: use one of {', '.join(_LEVELS)}")
    if form not in ("json", "text"):
        raise ValueError(f"log format {form!r}: use json or text")
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last: list[Any] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    if form == "text":
        last = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    # That signals are not Kopf's own: they are the operator's. That there is no kubeconfig: the operator says so itself.
    for name in ("kopf._core.reactor.running", "kubernetes.aio.config.kube_config"):
        logging.getLogger(name).setLevel(logging.ERROR)

"""No log on the screen of a command."""

import logging

import structlog

from zerotouch.cli.main import debugging
from zerotouch.telemetry.logs import configure_logs


def quiet_logs() -> None:
    """What went wrong is told by the command itself; --debug shows the log as well."""
    configure_logs("debug" if debugging() else "error", "text")
    if not debugging():
        logging.disable(logging.CRITICAL)
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

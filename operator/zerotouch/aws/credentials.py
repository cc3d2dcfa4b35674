"""Credentials chosen by context, so that one client per service and region serves all accounts.

botocore clients cost about 0.2 to 1.5 MB each; one per account would need gigabytes at a thousand accounts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from botocore.credentials import Credentials, ReadOnlyCredentials

_current: ContextVar[ReadOnlyCredentials | None] = ContextVar("zerotouch_aws_credentials", default=None)


class NoAccountContext(RuntimeError):
    """An AWS call was made outside of every account's context."""


@contextmanager
def acting_as(credentials: ReadOnlyCredentials) -> Iterator[None]:
    """Let the calls of this thread or task be signed with these credentials."""
    token = _current.set(credentials)
    try:
        yield
    finally:
        _current.reset(token)


class ContextCredentials(Credentials):
    """Answers the credentials of the current context, and raises NoAccountContext outside of one."""

    def __init__(self) -> None:
        super().__init__(
            access_key="context",
            secret_key="context",
            token=None,
            method="zerotouch-context",
        )

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        current = _current.get()
        if current is None:
            raise NoAccountContext("an AWS call outside of an account's context")
        return current

    def get_deferred_property(self, property_name: str) -> Any:
        return lambda: None

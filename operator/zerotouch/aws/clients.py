"""boto3 clients: one per service and region, shared by all accounts."""

import threading
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import NoCredentialsError

from zerotouch.aws.credentials import ContextCredentials
from zerotouch.aws.settings import AWSSettings


class Clients:
    """Makes and keeps clients. Creating one is not thread-safe in botocore, using one is; hence the lock."""

    def __init__(self, settings: AWSSettings) -> None:
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str, bool], Any] = {}
        # A client's own retries keep one quota for all accounts that share it, so retrying is done per account instead.
        self._config = Config(
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
            max_pool_connections=max(10, settings.region_workers),
            user_agent_extra="zerotouch",
        )
        shared = botocore.session.Session(profile=settings.profile)
        shared._credentials = ContextCredentials()  # type: ignore[attr-defined]
        self._shared: Any = boto3.Session(botocore_session=shared)
        self._base: Any = boto3.Session(profile_name=settings.profile, region_name=settings.region)

    def get(self, service: str, region: str) -> Any:
        """A client whose calls are signed by the context's credentials."""
        return self._get(service, region, base=False)

    def base(self, service: str, region: str) -> Any:
        """A client of the operator's own identity, for assuming roles."""
        return self._get(service, region, base=True)

    def base_credentials(self) -> ReadOnlyCredentials:
        """The operator's own, fresh. Raises NoCredentialsError."""
        found = self._base.get_credentials()
        if found is None:
            raise NoCredentialsError
        frozen: ReadOnlyCredentials = found.get_frozen_credentials()
        return frozen

    def _get(self, service: str, region: str, base: bool) -> Any:
        key = (service, region, base)
        found = self._clients.get(key)
        if found is not None:
            return found
        with self._lock:
            if key not in self._clients:
                session = self._base if base else self._shared
                self._clients[key] = session.client(service, region_name=region, config=self._config)
            return self._clients[key]

"""The Qualys gateway: authenticate, then mint a subscription token.

Source: Qualys, "Configure Zero-touch API Based Scan": POST /auth (form) and POST /qas/subscription-token (JSON). The
shape of the latter's answer is not documented, so bare text, a JSON string and a JSON object are accepted.
"""

import json
import math
import re
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp

from zerotouch.qualys.errors import (
    GatewayAnswerInvalid,
    GatewayRateLimited,
    GatewayTLSFailed,
    GatewayTokenUnusable,
    GatewayUnauthorized,
    GatewayUnavailable,
)
from zerotouch.qualys.tokens import SubscriptionToken, TokenInvalid, parse_token

_MOST_BYTES: Final = 64 * 1024
_LONGEST_WAIT: Final = 3600.0
_DEFAULT_WAIT: Final = 60.0
_JWT: Final = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)
# An answer that unpacks to a thousand times its size would get past the limit on bytes.
_PLAIN: Final = {"Accept-Encoding": "identity"}
_TOKEN_KEYS: Final = ("token", "subscriptionToken", "subscription_token", "access_token", "data")


class GatewayClient:
    """One gateway. `base_url` comes from `resolve_gateway`; times are in seconds."""

    def __init__(
        self,
        base_url: str,
        ca_file: str | None = None,
        total_timeout: float = 30.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._base, self._ca_file, self._now = base_url.rstrip("/"), ca_file, now
        self._timeout = aiohttp.ClientTimeout(total=total_timeout, connect=min(10.0, total_timeout))

    async def mint(self, username: str, password: str, expiry: int) -> SubscriptionToken:
        """A new subscription token. Raises GatewayError."""
        connector = aiohttp.TCPConnector(ssl=self._tls())
        async with aiohttp.ClientSession(
            connector=connector, timeout=self._timeout, headers=_PLAIN, auto_decompress=False
        ) as session:
            form = {"username": username, "password": password, "token": "true"}
            bearer = _token(await self._post(session, "/auth", data=form), "/auth")
            answer = await self._post(
                session,
                "/qas/subscription-token",
                json={"expiry": expiry},
                headers={"Authorization": f"Bearer {bearer}"},
            )
        return self._usable(_token(answer, "/qas/subscription-token"))

    def _usable(self, minted: str) -> SubscriptionToken:
        where = f"{self._base}/qas/subscription-token"
        try:
            token = parse_token(minted)
        except TokenInvalid as error:
            raise GatewayTokenUnusable(f"{where}: the token {error.problem}") from None
        now = self._now()
        if token.expires_at is not None and token.expired(now):
            raise GatewayTokenUnusable(
                f"{where}: the token has expired already, {token.expires_at:%Y-%m-%dT%H:%M:%SZ} by its exp: ask for more in "
                "spec.qualys.token.expiry, and see that the operator's clock is right"
            )
        return token

    def _tls(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._ca_file)
        except OSError as error:
            raise GatewayTLSFailed(
                f"the CA file {self._ca_file} cannot be read ({type(error).__name__}): correct ZEROTOUCH_GATEWAY_CA_FILE"
            ) from None

    async def _post(self, session: aiohttp.ClientSession, path: str, **arguments: Any) -> str:
        url = self._base + path
        try:
            async with session.post(url, allow_redirects=False, **arguments) as response:
                _raise_for_status(response.status, response.headers, url)
                return await _bounded_text(response, url)
        # What aiohttp raises may hold the request with its headers: nothing of it is passed on.
        except aiohttp.ClientConnectorCertificateError:
            raise GatewayTLSFailed(
                f"{url}: the certificate does not verify: give the CA of a private gateway"
            ) from None
        except aiohttp.ClientSSLError:
            raise GatewayTLSFailed(f"{url}: TLS failed") from None
        except (aiohttp.ClientPayloadError, aiohttp.ClientResponseError):
            raise GatewayAnswerInvalid(f"{url}: the answer broke off or is no HTTP") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise GatewayUnavailable(f"{url}: {type(error).__name__}") from None


def _raise_for_status(status: int, headers: Mapping[str, str], url: str) -> None:
    if status in {200, 201}:
        return
    if status in {401, 403}:
        raise GatewayUnauthorized(f"{url}: answered {status}: check user, password and the user's API permission")
    if status in {409, 429}:
        wait = _wait(headers)
        raise GatewayRateLimited(f"{url}: answered {status}, asks to wait {wait:.0f} s", wait)
    if status >= 500:
        raise GatewayUnavailable(f"{url}: answered {status}")
    if 300 <= status < 400:
        raise GatewayAnswerInvalid(f"{url}: answered {status}, a redirect; it is not followed: correct the gateway")
    raise GatewayAnswerInvalid(f"{url}: answered {status}")


def _wait(headers: Mapping[str, str]) -> float:
    """Source: Qualys API limits, `X-RateLimit-ToWait-Sec`; `Retry-After` is HTTP's own, in seconds or as a date."""
    for name in ("X-RateLimit-ToWait-Sec", "Retry-After"):
        asked = _seconds(headers.get(name, ""))
        # NaN compares false with everything, so it falls through to the default.
        if asked >= 0:
            return min(max(asked, 1.0), _LONGEST_WAIT)
    return _DEFAULT_WAIT


def _seconds(asked: str) -> float:
    """NaN where it is neither a number nor a date."""
    try:
        return float(asked)
    except ValueError:
        pass
    try:
        return (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return math.nan


async def _bounded_text(response: aiohttp.ClientResponse, url: str) -> str:
    body = bytearray()
    async for chunk in response.content.iter_chunked(8192):
        body += chunk
        if len(body) > _MOST_BYTES:
            raise GatewayAnswerInvalid(f"{url}: the answer is longer than {_MOST_BYTES} bytes")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise GatewayAnswerInvalid(f"{url}: the answer is no text") from None


def _token(body: str, path: str) -> str:
    """The token in a bare text, a JSON string or a JSON object."""
    text = body.strip()
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError):
        decoded = text
    if isinstance(decoded, dict):
        decoded = next((decoded[key] for key in _TOKEN_KEYS if isinstance(decoded.get(key), str)), None)
    if not isinstance(decoded, str) or not _JWT.fullmatch(decoded):
        raise GatewayAnswerInvalid(f"{path}: the answer holds no token")
    return decoded

"""The Qualys gateway: authenticate, then mint a subscription token.

Source: Qualys, "Configure Zero-touch API Based Scan": POST /auth (form) and POST /qas/subscription-token (JSON). The
shape of the latter's answer is not documented, so bare text, a JSON string and a JSON object are accepted.
"""

import json
import ssl
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

from zerotouch.qualys.errors import (
    GatewayAnswerInvalid,
    GatewayRateLimited,
    GatewayTLSFailed,
    GatewayUnauthorized,
    GatewayUnavailable,
)
from zerotouch.qualys.tokens import SubscriptionToken, TokenInvalid, parse_token

_MOST_BYTES: Final = 64 * 1024
_LONGEST_WAIT: Final = 3600.0
_DEFAULT_WAIT: Final = 60.0
_TOKEN_KEYS: Final = ("token", "subscriptionToken", "subscription_token", "access_token", "data")


class GatewayClient:
    """One gateway. `base_url` comes from `resolve_gateway`; times are in seconds."""

    def __init__(self, base_url: str, ca_file: str | None = None, total_timeout: float = 30.0) -> None:
        self._base, self._ca_file = base_url.rstrip("/"), ca_file
        self._timeout = aiohttp.ClientTimeout(total=total_timeout, connect=min(10.0, total_timeout))

    async def mint(self, username: str, password: str, expiry: int) -> SubscriptionToken:
        """A new subscription token. Raises GatewayError."""
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=self._ca_file))
        async with aiohttp.ClientSession(connector=connector, timeout=self._timeout) as session:
            form = {"username": username, "password": password, "token": "true"}
            bearer = _token(await self._post(session, "/auth", data=form), "/auth")
            answer = await self._post(
                session,
                "/qas/subscription-token",
                json={"expiry": expiry},
                headers={"Authorization": f"Bearer {bearer}"},
            )
        minted = _token(answer, "/qas/subscription-token")
        try:
            return parse_token(minted)
        except TokenInvalid as error:
            raise GatewayAnswerInvalid(f"{self._base}/qas/subscription-token: the token {error.problem}") from None

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
    """Source: Qualys API limits, `X-RateLimit-ToWait-Sec`; `Retry-After` is HTTP's own."""
    for name in ("X-RateLimit-ToWait-Sec", "Retry-After"):
        try:
            asked = float(headers.get(name, ""))
        except ValueError:
            continue
        # NaN compares false with everything, so it falls through to the default.
        if asked >= 0:
            return min(max(asked, 1.0), _LONGEST_WAIT)
    return _DEFAULT_WAIT


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
    if not isinstance(decoded, str) or decoded.count(".") != 2 or not decoded.isascii() or len(decoded.split()) != 1:
        raise GatewayAnswerInvalid(f"{path}: the answer holds no token")
    return decoded

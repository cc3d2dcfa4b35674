"""Qualys platforms and the hosts that may be given credentials.

Source: https://www.qualys.com/platform-identification/ (US1 to US3 confirmed there; GOV1 is uncertain).
"""

from typing import Final
from urllib.parse import urlsplit

GATEWAYS: Final[dict[str, str]] = {
    "US1": "https://gateway.qg1.apps.qualys.com",
    "US2": "https://gateway.qg2.apps.qualys.com",
    "US3": "https://gateway.qg3.apps.qualys.com",
    "US4": "https://gateway.qg4.apps.qualys.com",
    "EU1": "https://gateway.qg1.apps.qualys.eu",
    "EU2": "https://gateway.qg2.apps.qualys.eu",
    "EU3": "https://gateway.qg3.apps.qualys.it",
    "IN1": "https://gateway.qg1.apps.qualys.in",
    "CA1": "https://gateway.qg1.apps.qualys.ca",
    "AE1": "https://gateway.qg1.apps.qualys.ae",
    "UK1": "https://gateway.qg1.apps.qualys.co.uk",
    "AU1": "https://gateway.qg1.apps.qualys.com.au",
    "KSA1": "https://gateway.qg1.apps.qualysksa.com",
    "GOV1": "https://gateway.gov1.qualys.us",
}


class GatewayNotAllowed(ValueError):
    """Credentials must not be sent there. The message says what to do."""


def resolve_gateway(platform: str | None, gateway_url: str | None, allowed: frozenset[str]) -> str:
    """The gateway's origin, without a trailing slash. Raises GatewayNotAllowed.

    `allowed` holds origins (`https://host`, `http://127.0.0.1:8080`) that the operator's administrator trusts. Without
    it anyone who may write the object could have credentials sent to a host of his choice.
    """
    if platform is not None:
        found = GATEWAYS.get(platform)
        if found is None:
            raise GatewayNotAllowed(f"unknown Qualys platform {platform}: use one of {', '.join(GATEWAYS)}")
        return found
    origin = _origin(gateway_url or "")
    if origin not in allowed and origin not in GATEWAYS.values():
        raise GatewayNotAllowed(
            f"gateway {origin} is neither a Qualys platform's nor allowed: use spec.qualys.platform, or have the "
            "operator's administrator add it to ZEROTOUCH_ALLOWED_GATEWAYS"
        )
    return origin


def parse_allowed(text: str) -> frozenset[str]:
    """`ZEROTOUCH_ALLOWED_GATEWAYS`: origins joined by commas."""
    return frozenset(item.strip().rstrip("/").lower() for item in text.split(",") if item.strip())


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise GatewayNotAllowed("spec.qualys.gatewayURL is no URL: write https://HOST") from None
    extra = parts.username or parts.password or parts.query or parts.fragment or parts.path.strip("/")
    if parts.scheme not in {"https", "http"} or not parts.hostname or extra:
        raise GatewayNotAllowed("spec.qualys.gatewayURL must be https://HOST, without user, path or query")
    return f"{parts.scheme}://{parts.hostname}{port}"

"""What may go wrong at the gateway. No message holds credentials, tokens or any part of an answer."""

from typing import ClassVar

from zerotouch.api.conditions import Reason


class GatewayError(Exception):
    """Base. `person` tells that waiting does not help; `wait` is how many seconds the gateway asked for."""

    reason: ClassVar[Reason] = Reason.GATEWAY_UNAVAILABLE
    person: ClassVar[bool] = False

    def __init__(self, message: str, wait: float | None = None) -> None:
        self.wait = wait
        super().__init__(message)


class GatewayUnauthorized(GatewayError):
    """User or password refused, or the user lacks the permission."""

    reason = Reason.GATEWAY_UNAUTHORIZED
    person = True


class GatewayRateLimited(GatewayError):
    """409 or 429."""

    reason = Reason.GATEWAY_RATE_LIMITED


class GatewayUnavailable(GatewayError):
    """5xx, no connection, or too slow."""

    reason = Reason.GATEWAY_UNAVAILABLE


class GatewayAnswerInvalid(GatewayError):
    """An answer that is no token: HTML, an error body with 200, half a body, a redirect."""

    reason = Reason.GATEWAY_ANSWER_INVALID


class GatewayTokenUnusable(GatewayAnswerInvalid):
    """A token that cannot be used, however often another one is asked for: too long, or expired already."""

    person = True


class GatewayTLSFailed(GatewayError):
    """The certificate does not verify."""

    reason = Reason.GATEWAY_TLS_FAILED
    person = True

"""What the gateway knows: its user, its tokens, the events that it got, the faults that it was told to have."""

import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import jwt

API_KEY = "QFLOW-SSM-EVALUATION"
AUTH_TOKEN_SECONDS = 4 * 3600


def fingerprint(token: str) -> str:
    """12 hex digits that stand for a token in what tests read."""
    return hashlib.sha256(token.encode()).hexdigest()[:12]


@dataclass
class Fault:
    """A fault of `kind` for the next `count` requests to `path`. `location`: where a redirect leads."""

    path: str
    kind: str
    count: int = 1
    seconds: float = 1.0
    location: str = "http://localhost:1/elsewhere"


@dataclass
class State:
    """All of the gateway's state; lives in its process."""

    username: str
    password: str
    key: str = field(default_factory=lambda: secrets.token_hex(32))
    answer_shape: str = "text"
    auth_tokens: dict[str, float] = field(default_factory=dict)
    subscription_tokens: dict[str, float | None] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    minted: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def authenticate(self, username: str, password: str) -> str | None:
        """An auth token of four hours, or None."""
        if (username, password) != (self.username, self.password):
            return None
        token = jwt.encode({"sub": username, "jti": secrets.token_hex(4)}, self.key, "HS256")
        self.auth_tokens[token] = time.time() + AUTH_TOKEN_SECONDS
        return token

    def authenticated(self, token: str) -> bool:
        return self.auth_tokens.get(token, 0.0) > time.time()

    def mint(self, expiry: float | None, padding: int = 0) -> str:
        """A subscription token that ends `expiry` seconds from now, or has no `exp`."""
        payload: dict[str, Any] = {"sub": "subscription", "jti": secrets.token_hex(4)}
        end = None
        if expiry is not None:
            end = time.time() + expiry
            payload["exp"] = int(end)
        if padding:
            payload["pad"] = "x" * padding
        token = jwt.encode(payload, self.key, "HS256")
        self.subscription_tokens[token] = end
        return token

    def accepts(self, token: str) -> bool:
        """Whether an event with this bearer token is accepted."""
        if token not in self.subscription_tokens or fingerprint(token) in self.revoked:
            return False
        end = self.subscription_tokens[token]
        return end is None or end > time.time()

    def take_fault(self, path: str) -> Fault | None:
        """The first fault that is due for the path, used up once."""
        for fault in self.faults:
            if fault.path == path and fault.count > 0:
                fault.count -= 1
                return fault
        return None

"""In front of the emulator: recording, faults, regions that are not enabled, and the administration."""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs

from ministack.core.iam_evaluator import find_iam_access_key_account
from ministack.core.responses import _account_from_sts_session

from sandbox.aws import deliveries, ec2, instances, queues, refusals, states, trail, validation
from sandbox.aws.caller import access_key, request

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
_CREDENTIAL: Final = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/")
_QUERY_SERVICES: Final = frozenset({"iam", "sts", "ec2"})


@dataclass
class Fault:
    """A fault for the next `count` calls that match; empty fields match everything."""

    kind: str
    service: str = ""
    operation: str = ""
    account: str = ""
    region: str = ""
    count: int = 1
    seconds: float = 1.0

    def matches(self, call: dict[str, str]) -> bool:
        wanted = {"service": self.service, "operation": self.operation, "account": self.account, "region": self.region}
        return self.count > 0 and all(not value or call[key] == value for key, value in wanted.items())


@dataclass
class Edge:
    """The ASGI application around ministack's."""

    app: Any
    calls: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = await _read(receive)
        if scope["path"].startswith("/_zerotouch/"):
            await self._administer(scope["path"].rsplit("/", 1)[1], body, send)
            return
        call = _identify(scope, body)
        if call is None:
            await self.app(scope, _replay(body), send)
            return
        access_key.set(call.pop("access_key"))
        request.set((_headers(scope), body))
        await self._serve(call, scope, body, send)

    async def _serve(self, call: dict[str, Any], scope: Scope, body: bytes, send: Send) -> None:
        fault = next((f for f in self.faults if f.matches(call)), None)
        if fault is not None:
            fault.count -= 1
        if fault is not None and fault.kind in refusals.KINDS:
            told = refusals.refusal(fault.kind, call["service"], call["operation"], call["account"])
            await self._refuse(call, told.code, told.message, told.status, send)
            return
        if fault is not None and fault.kind == "entry":
            self._record(call, "OK")
            answered = refusals.failed_entry(call["service"], call["operation"], call["account"])
            await _send(send, 200, json.dumps(answered).encode(), _request_id())
            return
        if fault is not None and fault.kind in {"delay", "hang"}:
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.kind == "drop":
            self._record(call, "dropped")
            raise ConnectionResetError("dropped, on demand")
        if call["service"] != "sts" and call["region"] not in {*ec2.enabled_in(call["account"]), "aws-global"}:
            code = "AuthFailure" if call["service"] == "ec2" else "UnrecognizedClientException"
            await self._refuse(call, code, "The security token included in the request is invalid.", 403, send)
            return
        if problem := validation.problem(call["service"], call["operation"], body):
            await self._refuse(call, "ValidationException", problem, 400, send)
            return
        answer = _Capture(send, withhold=fault is not None and fault.kind == "lost")
        await self.app(scope, _replay(body), answer)
        self._record(call, answer.code())
        if fault is not None and fault.kind == "lost":
            raise ConnectionResetError("applied, but the answer is lost, on demand")

    async def _refuse(self, call: dict[str, Any], code: str, message: str, status: int, send: Send) -> None:
        self._record(call, code)
        name, identity = _request_id()
        error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        if call["service"] == "ec2":
            text = f"<Response><Errors>{error}</Errors><RequestID>{identity.decode()}</RequestID></Response>"
        elif call["service"] in _QUERY_SERVICES:
            text = f"<ErrorResponse>{error}<RequestId>{identity.decode()}</RequestId></ErrorResponse>"
        else:
            text = json.dumps({"__type": code, "message": message})
        await _send(send, status, text.encode(), (name, identity))

    def _record(self, call: dict[str, Any], code: str) -> None:
        self.calls.append({**call, "code": code, "at": time.time()})
        if code == "dropped":
            return
        headers, body = request.get()
        trail.record(call, access_key.get(), headers, body, code)
        if code == "OK":
            states.after(call, body)

    async def _administer(self, command: str, body: bytes, send: Send) -> None:
        data = json.loads(body or b"{}")
        answer: Any = {}
        match command:
            case "health":
                pass
            case "calls":
                answer = self.calls
            case "forget":
                self.calls.clear()
            case "fault":
                self.faults.append(Fault(**data))
            case "mend":
                self.faults.clear()
            case "regions":
                ec2.enabled[data["account"]] = tuple(data["regions"])
            case "agent":
                where = (data.pop("account"), data.pop("region"), data.pop("instance"))
                instances.agents[where] = instances.Agent(**data)
            case "trail":
                account = data.pop("account")
                trail.trails[account] = trail.Trail(**data)
            case "emit":
                trail.emit(**data)
            case "age":
                ec2.set_age(**data)
            case "deliveries":
                answer = deliveries.attempts
            case "queues":
                account = data.pop("account")
                queues.times[account] = queues.Times(**data)
            case _:
                await _send(send, 404, b"{}")
                return
        await _send(send, 200, json.dumps(answer).encode())


class _Capture:
    """Passes an answer on (or withholds it) and remembers enough to know its error code."""

    def __init__(self, send: Send, *, withhold: bool) -> None:
        self._send, self._withhold = send, withhold
        self._status, self._body = 0, b""

    async def __call__(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        elif self._status >= 300:
            self._body += message.get("body", b"")
        if not self._withhold:
            await self._send(message)

    def code(self) -> str:
        """OK, or the error code of the answer."""
        if self._status < 300:
            return "OK"
        match = re.search(
            r'<Code>([^<]+)</Code>|"__type":\s*"(?:[^"#]*#)?([^"]+)"', self._body.decode(errors="replace")
        )
        return (match[1] or match[2]) if match else str(self._status)


def _identify(scope: Scope, body: bytes) -> dict[str, Any] | None:
    headers = _headers(scope)
    match = _CREDENTIAL.search(headers.get("authorization", ""))
    if match is None:
        return None
    key, region, service = match.groups()
    target = headers.get("x-amz-target", "")
    path = re.search(r"/operation/(\w+)", scope["path"])
    if path is not None:
        operation = path[1]
    else:
        operation = target.split(".")[-1] if target else parse_qs(body.decode("latin-1")).get("Action", ["?"])[0]
    return {"access_key": key, "account": _account(key), "region": region, "service": service, "operation": operation}


def _headers(scope: Scope) -> dict[str, str]:
    return {k.decode().lower(): v.decode("latin-1") for k, v in scope["headers"]}


def _account(key: str) -> str:
    if re.fullmatch(r"\d{12}", key):
        return key
    return str(find_iam_access_key_account(key) or _account_from_sts_session(key) or "unknown")


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


def _replay(body: bytes) -> Receive:
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


def _request_id() -> tuple[bytes, bytes]:
    return b"x-amzn-requestid", str(uuid.uuid4()).encode()


async def _send(send: Send, status: int, body: bytes, *more: tuple[bytes, bytes]) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

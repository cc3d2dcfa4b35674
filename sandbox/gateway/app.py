"""The gateway's routes: the three that Qualys documents, and the sandbox's own under `/_zerotouch/`."""

import asyncio
import contextlib
import json
import time
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from sandbox.gateway.state import API_KEY, Fault, State, fingerprint

STATE = web.AppKey("state", State)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(state: State) -> web.Application:
    """The aiohttp application."""
    app = web.Application(middlewares=[_faults])
    app[STATE] = state
    app.router.add_post("/auth", _auth)
    app.router.add_post("/qas/subscription-token", _subscription_token)
    app.router.add_post("/qflow/aws-eb", _event)
    app.router.add_get("/_zerotouch/health", _health)
    app.router.add_get("/_zerotouch/state", _show)
    app.router.add_post("/_zerotouch/{command}", _command)
    return app


@web.middleware
async def _faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path.startswith("/_zerotouch/"):
        return await handler(request)
    state = request.app[STATE]
    fault = state.take_fault(request.path)
    response = await (_faulty(request, fault) if fault else handler(request))
    state.requests.append({"path": request.path, "status": response.status, "at": time.time()})
    return response


async def _faulty(request: web.Request, fault: Fault) -> web.StreamResponse:
    match fault.kind:
        case "html":
            return web.Response(text="<html><body>Welcome</body></html>", content_type="text/html")
        case "error_body":
            return web.json_response({"errorCode": "E1", "message": "no"})
        case "409" | "429":
            wait = str(int(fault.seconds))
            limits = {"X-RateLimit-Limit": "300", "X-RateLimit-Window-Sec": "3600", "X-RateLimit-ToWait-Sec": wait}
            return web.Response(status=int(fault.kind), headers={**limits, "X-RateLimit-Remaining": "0"})
        case "204" | "400" | "401" | "403" | "404" | "500":
            return web.Response(status=int(fault.kind))
        case "301" | "302" | "303" | "307" | "308":
            return web.Response(status=int(fault.kind), headers={"Location": fault.location})
        case "empty":
            return web.Response(text="")
        case "binary":
            return web.Response(body=b"\xff\xfe\x00.\x00.\x00")
        case "bomb":
            packed = zlib.compress(b"a" * 10_000_000, wbits=31)
            return web.Response(body=packed, headers={"Content-Encoding": "gzip"})
        case "no_exp" | "past" | "long":
            wanted = {"no_exp": (None, 0), "past": (-3600.0, 0), "long": (3600.0, 600)}[fault.kind]
            return web.Response(text=request.app[STATE].mint(*wanted))
        case "trickle" | "endless":
            return await _stream(request, fault)
        case "big":
            return web.Response(text="x" * 1_000_000)
        case "slow":
            await asyncio.sleep(fault.seconds)
            return web.Response(status=503)
        case "half":
            return await _half(request)
        case _:
            raise web.HTTPBadRequest(text=f"no such fault: {fault.kind}")


async def _stream(request: web.Request, fault: Fault) -> web.StreamResponse:
    """A body without an end, or one whose bytes come one by one, so many seconds apart."""
    response = web.StreamResponse(status=200)
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        while fault.kind == "endless":
            await response.write(b"x" * 4096)
        for character in b"eyJhbGciOiJIUzI1NiJ9":
            await response.write(bytes([character]))
            await asyncio.sleep(fault.seconds)
    return response


async def _half(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(status=200, headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"eyJh")
    if request.transport is not None:
        request.transport.close()
    return response


async def _auth(request: web.Request) -> web.Response:
    form = await request.post()
    token = None
    if form.get("token") == "true":
        token = request.app[STATE].authenticate(str(form.get("username", "")), str(form.get("password", "")))
    if token is None:
        return web.Response(status=401, text="unauthorized")
    return web.Response(status=201, text=token)


async def _subscription_token(request: web.Request) -> web.Response:
    state = request.app[STATE]
    if not state.authenticated(_bearer(request)):
        return web.Response(status=401, text="unauthorized")
    try:
        expiry = int((await request.json())["expiry"])
    except (ValueError, KeyError, TypeError):
        return web.Response(status=400, text="expiry is needed")
    token = state.mint(expiry)
    state.minted += 1
    if state.answer_shape == "string":
        return web.json_response(token)
    if state.answer_shape == "object":
        return web.json_response({"token": token})
    return web.Response(text=token)


async def _event(request: web.Request) -> web.Response:
    state = request.app[STATE]
    token = _bearer(request)
    if not state.accepts(token) or request.headers.get("X-API-KEY") != API_KEY:
        return web.Response(status=401, text="unauthorized")
    try:
        event = await request.json()
    except ValueError:
        return web.Response(status=400, text="not JSON")
    detail = event.get("detail", {})
    state.events.append(
        {
            "account": event.get("account"),
            "region": event.get("region"),
            "instance": detail.get("instance-id"),
            "state": detail.get("state"),
            "token": fingerprint(token),
            "api_key": request.headers.get("X-API-KEY"),
            "at": time.time(),
        }
    )
    return web.Response(status=202)


async def _health(_: web.Request) -> web.Response:
    return web.Response(text="ok")


async def _show(request: web.Request) -> web.Response:
    state = request.app[STATE]
    shown: dict[str, Any] = {
        "events": state.events,
        "requests": state.requests,
        "minted": state.minted,
        "tokens": [fingerprint(t) for t in state.subscription_tokens],
        "faults": [asdict(f) for f in state.faults],
    }
    return web.json_response(shown)


async def _command(request: web.Request) -> web.Response:
    state = request.app[STATE]
    body = json.loads(await request.text() or "{}")
    match request.match_info["command"]:
        case "mint":
            return web.json_response({"token": state.mint(body.get("expiry"), int(body.get("padding", 0)))})
        case "revoke":
            state.revoked.add(body["fingerprint"])
        case "fault":
            state.faults.append(Fault(**body))
        case "clear":
            state.faults.clear()
            state.events.clear()
            state.requests.clear()
        case "shape":
            state.answer_shape = body["shape"]
        case _:
            raise web.HTTPNotFound
    return web.json_response({})


def _bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme == "Bearer" else ""

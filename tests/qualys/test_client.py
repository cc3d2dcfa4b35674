"""The client against the sandbox's gateway: every documented shape, and every bad answer."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sandbox.gateway.app import make_app
from sandbox.gateway.state import Fault, State
from zerotouch.qualys.client import GatewayClient
from zerotouch.qualys.errors import (
    GatewayAnswerInvalid,
    GatewayError,
    GatewayRateLimited,
    GatewayTLSFailed,
    GatewayTokenUnusable,
    GatewayUnauthorized,
    GatewayUnavailable,
)

USER, PASSWORD = "canary-user-51", "canary-password-52"


@pytest.fixture
def state() -> State:
    return State(USER, PASSWORD)


@pytest.fixture
async def url(state: State) -> AsyncIterator[str]:
    async with TestServer(make_app(state), host="127.0.0.1") as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.mark.parametrize("shape", ["text", "string", "object"])
async def test_minting(state: State, url: str, shape: str) -> None:
    state.answer_shape = shape
    token = await GatewayClient(url).mint(USER, PASSWORD, 3600)
    assert state.accepts(token.reveal())
    assert token.expires_at is not None
    left = token.expires_at - datetime.datetime.now(datetime.UTC)
    assert abs(left.total_seconds() - 3600) < 60
    assert state.minted == 1


async def test_a_wrong_password(state: State, url: str) -> None:
    with pytest.raises(GatewayUnauthorized) as caught:
        await GatewayClient(url).mint(USER, "canary-wrong", 3600)
    assert "canary" not in str(caught.value)
    assert caught.value.person


@pytest.mark.parametrize("path", ["/auth", "/qas/subscription-token"])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("html", GatewayAnswerInvalid),
        ("error_body", GatewayAnswerInvalid),
        ("409", GatewayRateLimited),
        ("429", GatewayRateLimited),
        ("500", GatewayUnavailable),
        ("401", GatewayUnauthorized),
        ("204", GatewayAnswerInvalid),
        ("400", GatewayAnswerInvalid),
        ("404", GatewayAnswerInvalid),
        ("empty", GatewayAnswerInvalid),
        ("binary", GatewayAnswerInvalid),
        ("big", GatewayAnswerInvalid),
        ("endless", GatewayAnswerInvalid),
        ("bomb", GatewayAnswerInvalid),
        ("half", GatewayAnswerInvalid),
        ("slow", GatewayUnavailable),
        ("trickle", GatewayUnavailable),
    ],
)
async def test_bad_answers(state: State, url: str, path: str, kind: str, expected: type[GatewayError]) -> None:
    state.faults.append(Fault(path, kind, seconds=17))
    client = GatewayClient(url, total_timeout=0.5 if kind in {"slow", "trickle"} else 10.0)
    with pytest.raises(expected) as caught:
        await client.mint(USER, PASSWORD, 3600)
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    for secret in (USER, PASSWORD, *state.auth_tokens, *state.subscription_tokens):
        assert secret not in str(error)
    if kind == "bomb":
        assert "is no text" in str(error), "it must not be unpacked"
    if expected is GatewayRateLimited:
        assert error.wait == 17.0
    state.faults.clear()
    # Only the bad answer is to run into the short timeout, however busy the machine.
    await GatewayClient(url).mint(USER, PASSWORD, 3600)


@pytest.mark.parametrize("path", ["/auth", "/qas/subscription-token"])
@pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
async def test_a_redirect_to_another_host_gets_no_credentials(state: State, url: str, path: str, status: str) -> None:
    other = State(USER, PASSWORD)
    async with TestServer(make_app(other), host="127.0.0.1") as server:
        state.faults.append(Fault(path, status, location=str(server.make_url(path))))
        with pytest.raises(GatewayAnswerInvalid, match="redirect"):
            await GatewayClient(url).mint(USER, PASSWORD, 3600)
    assert other.requests == []


async def test_a_token_without_exp_is_used(state: State, url: str) -> None:
    state.faults.append(Fault("/qas/subscription-token", "no_exp"))
    token = await GatewayClient(url).mint(USER, PASSWORD, 3600)
    assert token.expires_at is None
    assert state.accepts(token.reveal())


@pytest.mark.parametrize(("kind", "says"), [("past", "expired already"), ("long", "EventBridge admits 505")])
async def test_a_token_that_cannot_be_used_needs_a_person(state: State, url: str, kind: str, says: str) -> None:
    """Another one would be as bad: asking on and on would leave ever more valid tokens behind."""
    state.faults.append(Fault("/qas/subscription-token", kind))
    with pytest.raises(GatewayTokenUnusable, match=says) as caught:
        await GatewayClient(url).mint(USER, PASSWORD, 3600)
    assert caught.value.person
    for secret in (USER, PASSWORD, *state.auth_tokens, *state.subscription_tokens):
        assert secret not in str(caught.value)


async def test_whether_it_has_expired_is_asked_of_our_clock(url: str) -> None:
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=2)
    with pytest.raises(GatewayTokenUnusable, match=r"token\.expiry.*clock"):
        await GatewayClient(url, now=lambda: later).mint(USER, PASSWORD, 3600)


@pytest.mark.parametrize("status", [409, 429])
@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"X-RateLimit-ToWait-Sec": "17"}, 17.0),
        ({"X-RateLimit-ToWait-Sec": "17", "Retry-After": "5"}, 17.0),
        ({"Retry-After": "5"}, 5.0),
        ({"X-RateLimit-ToWait-Sec": "0"}, 1.0),
        ({"X-RateLimit-ToWait-Sec": "86400"}, 3600.0),
        ({"X-RateLimit-ToWait-Sec": "inf"}, 3600.0),
        ({"X-RateLimit-ToWait-Sec": "-3"}, 60.0),
        ({"X-RateLimit-ToWait-Sec": "nan"}, 60.0),
        ({"X-RateLimit-ToWait-Sec": "soon", "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 60.0),
        ({"Retry-After": "Thu, 21 Oct 2126 07:28:00 GMT"}, 3600.0),
        ({"Retry-After": "Thu, 21 Oct 2126 07:28:00 -0000"}, 60.0),
        ({}, 60.0),
    ],
)
async def test_what_the_gateway_asks_to_wait(status: int, headers: dict[str, str], wait: float) -> None:
    async def limited(_: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers)

    app = web.Application()
    app.router.add_post("/auth", limited)
    async with TestServer(app, host="127.0.0.1") as server:
        with pytest.raises(GatewayRateLimited) as caught:
            await GatewayClient(str(server.make_url(""))).mint(USER, PASSWORD, 3600)
    assert caught.value.wait == wait


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\neyJh",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400\r\neyJh",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
    ],
    ids=["another protocol", "nothing", "half a body", "half a chunk", "an endless header", "no status"],
)
async def test_what_is_no_http(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises((GatewayAnswerInvalid, GatewayUnavailable)) as caught:
            await GatewayClient(f"http://127.0.0.1:{port}").mint(USER, PASSWORD, 3600)
    assert "canary" not in str(caught.value)


async def test_nobody_there(unused_tcp_port: int) -> None:
    with pytest.raises(GatewayUnavailable):
        await GatewayClient(f"http://127.0.0.1:{unused_tcp_port}").mint(USER, PASSWORD, 3600)


@asynccontextmanager
async def https(state: State, directory: Path, **certificate: Any) -> AsyncIterator[tuple[str, Path]]:
    """URL of the gateway behind TLS, and its certificate."""
    paths = _self_signed(directory, **certificate)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*paths)
    server = TestServer(make_app(state), host="127.0.0.1", scheme="https")
    await server.start_server(ssl=context)
    try:
        yield f"https://127.0.0.1:{server.port}", paths[0]
    finally:
        await server.close()


async def test_an_unknown_certificate_is_refused_and_a_private_ca_accepted(state: State, tmp_path: Path) -> None:
    async with https(state, tmp_path) as (url, certificate):
        with pytest.raises(GatewayTLSFailed, match="does not verify"):
            await GatewayClient(url).mint(USER, PASSWORD, 3600)
        assert not state.requests
        token = await GatewayClient(url, ca_file=str(certificate)).mint(USER, PASSWORD, 3600)
        assert state.accepts(token.reveal())


@pytest.mark.parametrize("certificate", [{"days": -1}, {"address": "127.0.0.2"}], ids=["expired", "of another host"])
async def test_a_certificate_of_a_known_ca_is_refused_too(
    state: State, tmp_path: Path, certificate: dict[str, Any]
) -> None:
    async with https(state, tmp_path, **certificate) as (url, path):
        with pytest.raises(GatewayTLSFailed, match="does not verify") as caught:
            await GatewayClient(url, ca_file=str(path)).mint(USER, PASSWORD, 3600)
    assert caught.value.person
    assert not state.requests


async def test_a_gateway_without_tls_is_not_talked_to_in_clear(state: State, url: str) -> None:
    with pytest.raises(GatewayTLSFailed):
        await GatewayClient(url.replace("http://", "https://")).mint(USER, PASSWORD, 3600)
    assert not state.requests


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_a_ca_file_that_cannot_be_read_is_told_by_its_setting(
    url: str, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(GatewayTLSFailed, match="ZEROTOUCH_GATEWAY_CA_FILE"):
        await GatewayClient(url, ca_file=str(path)).mint(USER, PASSWORD, 3600)


def _self_signed(directory: Path, days: int = 1, address: str = "127.0.0.1") -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=9))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    paths = directory / "cert.pem", directory / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths

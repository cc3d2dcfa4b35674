"""The client against the sandbox's gateway: every documented shape, and every bad answer."""

import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
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
        ("redirect", GatewayAnswerInvalid),
        ("big", GatewayAnswerInvalid),
        ("half", GatewayAnswerInvalid),
        ("slow", GatewayUnavailable),
    ],
)
async def test_bad_answers(state: State, url: str, path: str, kind: str, expected: type[GatewayError]) -> None:
    state.faults.append(Fault(path, kind, seconds=17))
    client = GatewayClient(url, total_timeout=0.5 if kind == "slow" else 10.0)
    with pytest.raises(expected) as caught:
        await client.mint(USER, PASSWORD, 3600)
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    for secret in (USER, PASSWORD, *state.auth_tokens, *state.subscription_tokens):
        assert secret not in str(error)
    if expected is GatewayRateLimited:
        assert error.wait == 17.0
    state.faults.clear()
    await client.mint(USER, PASSWORD, 3600)


async def test_nobody_there(unused_tcp_port: int) -> None:
    with pytest.raises(GatewayUnavailable):
        await GatewayClient(f"http://127.0.0.1:{unused_tcp_port}").mint(USER, PASSWORD, 3600)


async def test_an_unknown_certificate_is_refused_and_a_private_ca_accepted(state: State, tmp_path: Path) -> None:
    certificate, key = _self_signed(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    server = TestServer(make_app(state), host="127.0.0.1", scheme="https")
    await server.start_server(ssl=context)
    try:
        url = f"https://127.0.0.1:{server.port}"
        with pytest.raises(GatewayTLSFailed):
            await GatewayClient(url).mint(USER, PASSWORD, 3600)
        assert not state.requests
        token = await GatewayClient(url, ca_file=str(certificate)).mint(USER, PASSWORD, 3600)
        assert state.accepts(token.reveal())
    finally:
        await server.close()


def _self_signed(directory: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    paths = directory / "cert.pem", directory / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths

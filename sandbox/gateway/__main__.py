"""`python -m sandbox.gateway --port P --state DIR`: serve on loopback until told to stop."""

import argparse
import json
import os
import secrets
import ssl
from pathlib import Path

from aiohttp import web

from sandbox.gateway.app import make_app
from sandbox.gateway.state import State


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.gateway")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    arguments = parser.parse_args()
    arguments.state.mkdir(parents=True, exist_ok=True)
    credentials = {"username": "qualys_user", "password": secrets.token_urlsafe(18)}
    path = arguments.state / "credentials.json"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(credentials, file)
    context = None
    if arguments.tls_cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(arguments.tls_cert, arguments.tls_key)
    app = make_app(State(**credentials))
    web.run_app(app, host="127.0.0.1", port=arguments.port, ssl_context=context, print=None)


if __name__ == "__main__":
    main()

"""`python -m sandbox.aws --port P --state DIR`: serve on loopback until told to stop."""

import argparse
import asyncio
import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any

_SHIPPED = Path(__file__).parents[2] / "deploy" / "iam"
BASE_ACCOUNT = "999999999999"
# Each has an `install`; imported after the settings below are made.
_EXTENSIONS = (
    "associations",
    "buses",
    "cloudformation",
    "connections",
    "deliveries",
    "ec2",
    "instances",
    "permissions",
    "queues",
    "rules",
    "trail",
)
# ministack reads its settings when it is imported.
os.environ |= {"AUTH": "true", "MINISTACK_ACCOUNT_ID": BASE_ACCOUNT, "LOG_LEVEL": "WARNING"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.aws")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.state.mkdir(parents=True, exist_ok=True)
    os.environ["GATEWAY_PORT"] = str(arguments.port)
    edge = _assemble()
    _write_base_credentials(arguments.state / "base-credentials.json")
    asyncio.run(_serve(edge, arguments.port))


def _assemble() -> Any:
    from ministack.app import app

    from sandbox.aws.edge import Edge

    for name in _EXTENSIONS:
        import_module(f"sandbox.aws.{name}").install()
    return Edge(app)


def _write_base_credentials(path: Path) -> None:
    """The operator's own identity: a user that may assume roles, and keep its event bus, and nothing else."""
    from ministack.core.responses import request_scope
    from ministack.services import iam

    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:*:iam::*:role/*"}],
    }
    with request_scope(BASE_ACCOUNT, "us-east-1"):
        handlers = iam._IAM_HANDLERS
        handlers["CreateUser"]({"UserName": ["zerotouch-operator"]})
        document = {"PolicyName": ["assume"], "PolicyDocument": [json.dumps(policy)]}
        handlers["PutUserPolicy"]({"UserName": ["zerotouch-operator"], **document})
        events = (_SHIPPED / "events-policy.json").read_text()
        events = events.replace("REGION", "us-east-1").replace("ACCOUNT_ID", BASE_ACCOUNT)
        handlers["PutUserPolicy"](
            {"UserName": ["zerotouch-operator"], "PolicyName": ["events"], "PolicyDocument": [events]}
        )
        handlers["CreateAccessKey"]({"UserName": ["zerotouch-operator"]})
        ((key, record),) = iam._access_keys.items()
    credentials = {
        "access_key_id": key,
        "secret_access_key": record["SecretAccessKey"],
        "account_id": BASE_ACCOUNT,
    }
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(credentials, file)


async def _serve(edge: Any, port: int) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.keep_alive_timeout = 60
    await serve(edge, config)


if __name__ == "__main__":
    main()

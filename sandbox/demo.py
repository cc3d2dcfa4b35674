"""`python -m sandbox.demo`: the whole chain at work, from one object to a scan that is triggered, and drift mended."""

import base64
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml
from rich.console import Console
from rich.table import Table

from sandbox.aws.admin import Admin
from sandbox.deployment import ROOT, Deployment, Replica
from sandbox.gateway.admin import GatewayAdmin
from sandbox.gateway.state import fingerprint
from sandbox.processes import PartFailed, wait_until
from sandbox.state import Sandbox

NAMESPACE: Final = "security"
OBJECT: Final = "production"
EXTERNAL_ID: Final = "acme-7f3"
REGIONS: Final = ("us-east-1", "eu-west-1")
ACCOUNTS: Final = {"111111111111": "payments", "222222222222": "shop", "333333333333": "data"}
ALL_ENABLED: Final = "333333333333"
_SECONDS: Final = 90.0
_INTERVAL: Final = "30s"
_METRICS: Final = (
    "zerotouch_targets", "zerotouch_drift_seen_total", "zerotouch_drift_mended_total", "zerotouch_passes_total",
    "zerotouch_conflicts", "zerotouch_token_expiration_timestamp_seconds", "zerotouch_leader",
)  # fmt: skip


class NotShown(Exception):
    """Something that the demo promises did not hold."""


@dataclass
class Check:
    """One line of the table at the end."""

    what: str
    took: float


class Demo:
    """The steps, in order. Each raises NotShown."""

    def __init__(self, state: Path, console: Console) -> None:
        self._console = console
        self._sandbox = Sandbox(state, lambda text: console.print(f"  · {text}", style="dim"))
        self._checks: list[Check] = []
        self._replica: Replica | None = None

    def run(self) -> None:
        """Everything."""
        self._started = time.monotonic()
        self._set_up()
        self._apply()
        self._deliver()
        self._break_and_mend()
        self._metrics()

    def table(self) -> Table:
        """What was checked, and how long it took."""
        table = Table("checked", "seconds", title="What was shown")
        for check in self._checks:
            table.add_row(check.what, f"{check.took:.1f}")
        return table

    def down(self) -> None:
        """Stop everything."""
        self._sandbox.down()

    def _set_up(self) -> None:
        self._title("A control plane, an emulated AWS with IAM enforced, a Qualys gateway")
        self._sandbox.down()
        self._sandbox.up()
        self._aws, self._gateway = Admin(self._sandbox.aws_endpoint), GatewayAdmin(self._sandbox.gateway_url)
        self._title("The operator, as its Deployment says, under its ServiceAccount")
        deployment = Deployment(self._sandbox)
        deployment.install_crds()
        deployment.install()
        self._show_command("kubectl apply -k deploy/crds", "kubectl apply -k deploy/operator")
        self._replica = deployment.start()
        self._title("Three AWS accounts, each with a role that has exactly the documented policy, and an instance")
        for account, name in ACCOUNTS.items():
            policy = (ROOT / "deploy" / "iam" / "account-policy.json").read_text().replace("ACCOUNT_ID", account)
            self._aws.create_account(account, json.loads(policy), EXTERNAL_ID)
            instance = self._aws.start_instance(account, REGIONS[0])
            self._console.print(f"  {account} {name}: {instance} runs in {REGIONS[0]}")

    def _apply(self) -> None:
        self._title("One object")
        self._kubectl("create", "namespace", NAMESPACE)
        self._kubectl("apply", "-n", NAMESPACE, "-k", str(ROOT / "deploy" / "tenant"))
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "qualys-api"}}
        data = self._sandbox.gateway_credentials()
        self._kubectl("apply", "-n", NAMESPACE, "-f", "-", stdin=json.dumps({**secret, "stringData": data}))
        manifest = yaml.safe_dump(_manifest(self._sandbox.gateway_url), sort_keys=False)
        self._console.print(manifest.rstrip(), style="cyan", markup=False, highlight=False)
        began = time.monotonic()
        self._kubectl("apply", "-n", NAMESPACE, "-f", "-", stdin=manifest)
        self._show_command(f"kubectl wait -n {NAMESPACE} qzt/{OBJECT} --for=condition=Ready")
        self._kubectl("wait", "-n", NAMESPACE, f"qzt/{OBJECT}", "--for=condition=Ready", f"--timeout={_SECONDS:.0f}s")
        self._done(f"{len(ACCOUNTS)} accounts Ready after kubectl apply", began)
        self._done("from the command to Ready", self._started)
        self._show_kubectl("get", "qzt,qzta", "-n", NAMESPACE)

    def _deliver(self) -> None:
        self._title("An instance starts, and Qualys hears of it")
        began, account = time.monotonic(), "222222222222"
        instance = self._aws.start_instance(account, REGIONS[1])
        event = self._gateway.wait_for_event(lambda e: e["instance"] == instance)
        secret = self._json("get", "secret", f"{OBJECT}-zerotouch-token", "-n", NAMESPACE)
        ours = fingerprint(base64.b64decode(secret["data"]["token"]).decode())
        self._require(event["token"] == ours, "the event carried another token than the one that was minted")
        self._require(event["account"] == account and event["region"] == REGIONS[1], f"a wrong event: {event}")
        self._console.print(f"  {instance} in {account}/{REGIONS[1]} → POST {self._sandbox.gateway_url}/qflow/aws-eb")
        self._console.print(f"  Authorization: Bearer (token {ours}), X-API-KEY: {event['api_key']}")
        self._done("an instance start reached the gateway with the right token", began)

    def _break_and_mend(self) -> None:
        self._title("Four things are broken by hand in AWS")
        events = self._aws.client("events", "111111111111", REGIONS[0])
        ssm = self._aws.client("ssm", "222222222222", REGIONS[1])
        iam = self._aws.client("iam", "333333333333")
        target_of = self._aws.client("events", "333333333333", REGIONS[1])
        name, role = "qualys-zerotouch", "qualys-zerotouch-events"
        (association,) = ssm.list_associations()["Associations"]
        allowed = iam.get_role_policy(RoleName=role, PolicyName="invoke-qualys")["PolicyDocument"]
        wide = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

        events.disable_rule(Name=name)
        target_of.remove_targets(Rule=name, Ids=["qualys"])
        ssm.update_association(**_as_it_is(ssm, association["AssociationId"]) | {"ScheduleExpression": "rate(7 days)"})
        iam.put_role_policy(RoleName=role, PolicyName="invoke-qualys", PolicyDocument=json.dumps(wide))

        def schedule() -> str:
            return str(_as_it_is(ssm, association["AssociationId"])["ScheduleExpression"])

        def policy() -> Any:
            return iam.get_role_policy(RoleName=role, PolicyName="invoke-qualys")["PolicyDocument"]

        self._mended(
            {
                "a disabled rule": lambda: events.describe_rule(Name=name)["State"] == "ENABLED",
                "a removed target": lambda: bool(target_of.list_targets_by_rule(Rule=name)["Targets"]),
                "a changed association": lambda: schedule() == "rate(30 minutes)",
                "a widened role policy": lambda: policy() == allowed,
            }
        )
        self._await(lambda: len(self._drift_events()) >= len(ACCOUNTS), "no event told of the drift")
        for message in self._drift_events():
            self._console.print(f"  Warning Drifted: {message}", markup=False, highlight=False, soft_wrap=True)
        self._show_kubectl("get", "qzt,qzta", "-n", NAMESPACE)

    def _mended(self, broken: dict[str, Callable[[], bool]]) -> None:
        """Wait until all is right again, and tell each as it is."""
        began = time.monotonic()

        def look() -> bool:
            for what in [what for what, right in broken.items() if right()]:
                del broken[what]
                self._console.print(f"  {what}: found and mended after {time.monotonic() - began:.1f} s")
                self._done(f"{what} was found and mended (looked at every {_INTERVAL})", began)
            return not broken

        self._await(look, f"not mended: {', '.join(broken)}")

    def _drift_events(self) -> list[str]:
        found = self._json("get", "events", "-n", NAMESPACE)["items"]
        return [event["message"] for event in found if event["reason"] == "Drifted"]

    def _metrics(self) -> None:
        self._title("What an SRE would look at")
        began = time.monotonic()
        assert self._replica is not None
        shown = [
            line
            for line in self._replica.metrics().splitlines()
            if line.startswith(_METRICS) and not (line.startswith("zerotouch_drift_") and line.endswith(" 0.0"))
        ]
        for line in shown:
            self._console.print(f"  {line}", markup=False, highlight=False)
        mended = sum(float(re.split(r"\s", line)[-1]) for line in shown if line.startswith("zerotouch_drift_mended"))
        self._require(mended >= 4, f"the metrics tell of {mended:.0f} mended fields, and there were 4 at least")
        self._require(not any(line.startswith("zerotouch_drift{") for line in shown), "something is still drifted")
        self._done("the metrics tell of it", began)

    def _await(self, condition: Callable[[], bool], otherwise: str) -> None:
        try:
            wait_until(condition, _SECONDS)
        except TimeoutError:
            raise NotShown(otherwise) from None

    def _require(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise NotShown(otherwise)

    def _done(self, what: str, began: float) -> None:
        self._checks.append(Check(what, time.monotonic() - began))

    def _kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return self._sandbox.kubectl(*arguments, stdin=stdin)

    def _json(self, *arguments: str) -> Any:
        return json.loads(self._kubectl(*arguments, "-o", "json"))

    def _show_kubectl(self, *arguments: str) -> None:
        self._show_command(f"kubectl {shlex.join(arguments)}")
        self._console.print(self._kubectl(*arguments).rstrip(), markup=False, highlight=False, soft_wrap=True)

    def _show_command(self, *commands: str) -> None:
        for command in commands:
            self._console.print(f"$ {command}", style="bold", markup=False, highlight=False)

    def _title(self, text: str) -> None:
        self._console.print(f"\n{text}", style="bold green", markup=False)


def _as_it_is(ssm: Any, identity: str) -> dict[str, Any]:
    """What an update has to send so that it changes nothing: what it leaves out becomes null."""
    found = ssm.describe_association(AssociationId=identity)["AssociationDescription"]
    names = ("AssociationId", "AssociationName", "DocumentVersion", "ScheduleExpression", "Targets", "Parameters")
    return {name: found[name] for name in names if name in found}


def _manifest(gateway_url: str) -> dict[str, Any]:
    accounts: list[dict[str, Any]] = [{"id": account, "name": name} for account, name in ACCOUNTS.items()]
    accounts[-1]["regions"] = {"selection": "AllEnabled"}
    return {
        "apiVersion": "zerotouch.dev/v1alpha1",
        "kind": "QualysZeroTouch",
        "metadata": {"name": OBJECT},
        "spec": {
            "qualys": {"gatewayURL": gateway_url, "auth": {"credentialsSecretRef": {"name": "qualys-api"}}},
            "access": {"externalID": EXTERNAL_ID},
            "accounts": accounts,
            "regions": {"names": list(REGIONS)},
            "interval": _INTERVAL,
        },
    }


def main(
    state: Annotated[Path, typer.Option(help="Directory of the demo's sandbox.")] = Path(".sandbox/demo"),
    keep: Annotated[bool, typer.Option(help="Leave everything running.")] = False,
) -> None:
    """Show the whole chain at work; exits 1 where anything of it did not hold."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    demo = Demo(state, console)
    keep = keep or os.environ.get("KEEP", "") not in {"", "0"}
    try:
        demo.run()
    except (NotShown, PartFailed, TimeoutError) as error:
        console.print(f"\nfailed: {error}", style="bold red", markup=False)
        raise typer.Exit(1) from None
    except subprocess.CalledProcessError as error:
        console.print(f"\nfailed: {error.stderr.strip()}", style="bold red", markup=False)
        raise typer.Exit(1) from None
    finally:
        if not keep:
            demo.down()
    console.print()
    console.print(demo.table())
    if keep:
        console.print(f'\nIt is still up. In your shell:\n  eval "$(.venv/bin/python -m sandbox env --state {state})"')
        console.print(
            f"  kubectl get qzt,qzta -n {NAMESPACE}\nTo stop it: .venv/bin/python -m sandbox down --state {state}"
        )


if __name__ == "__main__":
    typer.run(main)

"""The emulated AWS seen from tests and the demo: accounts, an administrator's clients, calls, faults."""

import json
import threading
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any, Final

import boto3

_MOST_CLIENTS: Final = 200
BASE_ACCOUNT = "999999999999"
BASE_USER = f"arn:aws:iam::{BASE_ACCOUNT}:user/zerotouch-operator"


class Admin:
    """Talks to a running emulator, as root of every account."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint.rstrip("/")
        # One session: each would load the service models for itself.
        self._session = boto3.Session()
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._lock = threading.Lock()

    def client(self, service: str, account: str, region: str = "us-east-1") -> Any:
        """A boto3 client of the account's root user, which no policy limits."""
        key = (service, account, region)
        with self._lock:
            if key not in self._clients:
                if len(self._clients) >= _MOST_CLIENTS:
                    self._clients.clear()
                self._clients[key] = self._session.client(
                    service,
                    region,
                    endpoint_url=self.endpoint,
                    aws_access_key_id=account,
                    aws_secret_access_key="root",
                )
            return self._clients[key]

    def create_account(
        self,
        account: str,
        policy: Mapping[str, Any],
        external_id: str | None = None,
        role_name: str = "zerotouch",
        regions: Iterable[str] | None = None,
    ) -> str:
        """An account with the role that the operator assumes; answers the role's ARN."""
        statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"AWS": BASE_USER}, "Action": "sts:AssumeRole"}
        if external_id:
            statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
        trust = {"Version": "2012-10-17", "Statement": [statement]}
        if regions is not None:
            self.set_regions(account, regions)
        iam = self.client("iam", account)
        role = iam.create_role(RoleName=role_name, AssumeRolePolicyDocument=json.dumps(trust))
        self.set_policy(account, policy, role_name)
        return str(role["Role"]["Arn"])

    def set_policy(self, account: str, policy: Mapping[str, Any], role_name: str = "zerotouch") -> None:
        """Replace what the operator's role may do."""
        iam = self.client("iam", account)
        iam.put_role_policy(RoleName=role_name, PolicyName="zerotouch", PolicyDocument=json.dumps(policy))

    def start_instance(self, account: str, region: str, **options: Any) -> str:
        """Run one instance, with these options of RunInstances; answers its id."""
        ec2 = self.client("ec2", account, region)
        options = {"MinCount": 1, "MaxCount": 1, **options}
        answer = ec2.run_instances(ImageId="ami-12345678", InstanceType="t3.micro", **options)
        return str(answer["Instances"][0]["InstanceId"])

    def set_age(self, account: str, region: str, instance: str, seconds: float) -> None:
        """Let an instance have been launched so long ago."""
        self._post("age", account=account, region=region, instance=instance, seconds=seconds)

    def set_agent(self, account: str, region: str, instance: str, **agent: Any) -> None:
        """What SSM knows of an instance: see `instances.Agent`."""
        self._post("agent", account=account, region=region, instance=instance, **agent)

    def set_regions(self, account: str, regions: Iterable[str]) -> None:
        """The regions that are enabled in the account."""
        self._post("regions", account=account, regions=list(regions))

    def set_trail(self, account: str, **trail: Any) -> None:
        """Whether the account has a trail, and how late its events come: see `trail.Trail`."""
        self._post("trail", account=account, **trail)

    def emit(self, account: str, region: str, source: str, detail_type: str, detail: Mapping[str, Any]) -> None:
        """An event of AWS itself on the account's default bus."""
        self._post("emit", account=account, region=region, source=source, detail_type=detail_type, detail=dict(detail))

    def calls(self, account: str | None = None) -> list[dict[str, Any]]:
        """Calls so far: account, region, service, operation, code, at. The tests' own are by root, and among them."""
        calls: list[dict[str, Any]] = self._post("calls")
        return [c for c in calls if account in {None, c["account"]}]

    def forget_calls(self) -> None:
        """Count from now on."""
        self._post("forget")

    def add_fault(self, kind: str, **which: Any) -> None:
        """See `edge.Fault`: kind delay, hang, drop, lost, entry, or one of `refusals.KINDS`: throttle, deny, quota, scp, …"""
        self._post("fault", kind=kind, **which)

    def clear_faults(self) -> None:
        """No faults any more."""
        self._post("mend")

    def set_queue_times(self, account: str, **times: float) -> None:
        """How late SQS is: see `queues.Times`."""
        self._post("queues", account=account, **times)

    def deliveries(self) -> list[dict[str, Any]]:
        """Attempts to deliver to an API destination: account, region, destination, outcome, at."""
        deliveries: list[dict[str, Any]] = self._post("deliveries")
        return deliveries

    def _post(self, command: str, **body: Any) -> Any:
        request = urllib.request.Request(
            f"{self.endpoint}/_zerotouch/{command}", json.dumps(body).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

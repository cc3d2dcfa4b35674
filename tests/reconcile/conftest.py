"""One account in the emulated AWS, with the documented policy, and a reconciler that enters it."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

import pytest

from sandbox.aws.admin import Admin
from sandbox.gateway.admin import GatewayAdmin
from sandbox.state import Sandbox
from tests.conftest import new_account_id
from tests.reconcile.drift.model import SPEC, KindDrift
from zerotouch.api.account import QualysZeroTouchAccountSpec
from zerotouch.api.token import Healing
from zerotouch.aws.budget import RATES
from zerotouch.aws.policy import account_policy
from zerotouch.aws.settings import AWSSettings
from zerotouch.reconcile.reconciler import AccountInput, Reconciler
from zerotouch.reconcile.report import AccountReport
from zerotouch.resources.dead_letter_queue import DeadLetterQueue
from zerotouch.resources.registry import REGION_KINDS

EXTERNAL_ID = "canary-external-id"
REGIONS = ["us-east-1", "eu-west-1"]


@dataclass
class Account:
    """What a test needs of one account; the dictionaries are what the controller would keep in the status."""

    id: str
    admin: Admin
    reconciler: Reconciler
    input: AccountInput
    hashes: dict[str, str | None] = field(default_factory=dict)
    field_hashes: dict[str, Mapping[str, str]] = field(default_factory=dict)
    versions: dict[str, str | None] = field(default_factory=dict)
    carried: dict[str, str | None] = field(default_factory=dict)
    healings: dict[str, Healing | None] = field(default_factory=dict)
    stop: Event = field(default_factory=Event)

    @property
    def owner(self) -> str:
        return self.input.owner

    def reconcile(self) -> AccountReport:
        known = replace(
            self.input,
            previous=self.hashes,
            field_hashes=self.field_hashes,
            versions=self.versions,
            carried=self.carried,
            healings=self.healings,
        )
        report = self.reconciler.reconcile(known, self.stop)
        for scope in report.scopes:
            self.hashes[scope.name] = scope.hash
            self.field_hashes[scope.name] = scope.field_hashes
            self.versions[scope.name] = scope.version
            self.carried[scope.name], self.healings[scope.name] = scope.token, scope.healing
            if scope.gone:
                del self.hashes[scope.name]
        return report

    def remove(self) -> AccountReport:
        return self.reconciler.remove(replace(self.input, previous=self.hashes), self.stop)

    def change(self, **changes: Any) -> None:
        """Change the spec, in the API's words."""
        spec = self.input.spec.model_dump(by_alias=True, mode="json", exclude_none=True)
        self.input = replace(self.input, spec=QualysZeroTouchAccountSpec.model_validate({**spec, **changes}))

    def give(self, token: str, trial: str | None = None) -> None:
        """Other tokens, which the controller would take from the Secret."""
        self.input = replace(self.input, token=token, trial_token=trial)

    def client(self, service: str, region: str = "us-east-1") -> Any:
        return self.admin.client(service, self.id, region)

    def calls(self) -> list[dict[str, Any]]:
        """What the operator called since the last `forget`, assuming the role apart."""
        return [c for c in self.admin.calls(self.id) if c["service"] != "sts"]


@pytest.fixture(scope="session")
def reconciler(cloud: Sandbox) -> Iterator[Reconciler]:
    with pytest.MonkeyPatch.context() as environment:
        for name, value in cloud.env().items():
            environment.setenv(name, value)
        reconciler = Reconciler(AWSSettings(settle=0.0, regions_ttl=0.0))
        yield reconciler
        reconciler.close()


def declare(
    cloud: Sandbox,
    admin: Admin,
    gateway: GatewayAdmin,
    reconciler: Reconciler,
    account_id: str,
    existing_connector_role: str | None = None,
    **changes: Any,
) -> Account:
    """The account, with its role, and its declaration; further keyword arguments go into the spec."""
    policy = account_policy("aws", account_id, "qualys-zerotouch", existing_connector_role)
    role = admin.create_account(account_id, policy, EXTERNAL_ID)
    spec = {
        "accountID": account_id,
        "parent": {"name": "production", "uid": "u-1"},
        "access": {"roleARN": role, "externalID": EXTERNAL_ID, "stsRegion": "us-east-1"},
        "gatewayURL": cloud.gateway_url,
        "tokenFingerprint": "0123456789ab",
        "regions": {"selection": "Listed", "names": REGIONS},
        "inventory": {},
        "delivery": {},
        "deletionPolicy": "Delete",
        "interval": "5m",
        "namePrefix": "qualys-zerotouch",
        "tags": {"team": "secops"},
        **changes,
    }
    declared = QualysZeroTouchAccountSpec.model_validate(spec)
    given = AccountInput(declared, "default/security/production", token=gateway.mint())
    return Account(account_id, admin, reconciler, given)


@pytest.fixture
def make_account(
    cloud: Sandbox, admin: Admin, gateway: GatewayAdmin, reconciler: Reconciler, account_id: str
) -> Callable[..., Account]:
    """Makes the account; see `declare`."""

    def make(**options: Any) -> Account:
        return declare(cloud, admin, gateway, reconciler, account_id, **options)

    return make


@pytest.fixture
def an_hour_later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """For kinds that say nothing shortly after a write of ours."""
    (kind,) = (kind for kind in REGION_KINDS if isinstance(kind, DeadLetterQueue))
    passed = 0.0

    def pass_hour() -> None:
        nonlocal passed
        passed += 3600.0

    monkeypatch.setattr(kind, "clock", lambda: time.monotonic() + passed)
    return pass_hour


@pytest.fixture
def account(make_account: Callable[..., Account]) -> Account:
    return make_account()


RightAccount = Callable[[KindDrift], Account]


@pytest.fixture(scope="module")
def no_budget() -> Iterator[None]:
    """For tests whose matter is not the pace of calls."""
    with pytest.MonkeyPatch.context() as patch:
        for name in RATES:
            patch.setitem(RATES, name, 1e6)
        yield


@pytest.fixture(scope="module")
def no_grace() -> Iterator[None]:
    """An hour passes with every look at the clock: what a kind does not say shortly after a write of ours, it says."""
    (queue,) = (kind for kind in REGION_KINDS if isinstance(kind, DeadLetterQueue))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queue, "clock", itertools.count(step=3600.0).__next__)
        yield


@pytest.fixture(scope="module")
def right_account(cloud: Sandbox, admin: Admin, gateway: GatewayAdmin, reconciler: Reconciler) -> RightAccount:
    """An account of the spec that a kind needs, in which everything is right; the same again while tests leave it so."""
    known: dict[str, Account] = {}

    def right(drift: KindDrift) -> Account:
        which = str(drift.spec)
        if which not in known or not steady(known[which]):
            spec = {**SPEC, **drift.spec}
            known[which] = declare(cloud, admin, gateway, reconciler, new_account_id(), **spec)
            assert known[which].reconcile().ready
        return known[which]

    return right


def steady(account: Account) -> bool:
    """Whether a pass finds nothing to do."""
    report = account.reconcile()
    return report.ready and all(scope.changes == () for scope in report.scopes)

"""The subscription token: given or minted, wrong in every way, healed without a restart."""

import base64
import json
from typing import Any

import pytest

from sandbox.deployment import Replica
from sandbox.gateway.admin import GatewayAdmin
from tests.e2e.conftest import Operators
from tests.e2e.tenant import OBJECT, Tenant

CARRIED = "{.metadata.name} {.spec.tokenFingerprint} {.status.regions[*].token}"
GIVEN = {"subscriptionTokenSecretRef": {"name": "by-hand", "key": "token"}}


def jwt(**payload: Any) -> str:
    parts = ({"alg": "none"}, payload, {"x": 1})
    return ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts)


def apply_given(tenant: Tenant, account: str) -> None:
    qualys = {"gatewayURL": tenant.world.gateway_url, "auth": GIVEN, "token": {"trial": "1s"}}
    tenant.apply(account, qualys=qualys, interval="1h")


def fingerprint(tenant: Tenant) -> str:
    return str(tenant.object()["status"]["token"]["fingerprint"])


def test_a_token_given_in_a_secret_is_used_and_followed(
    operator: Replica, tenant: Tenant, qualys: GatewayAdmin
) -> None:
    account = tenant.account()
    tenant.secret("by-hand", {"token": qualys.mint()})
    apply_given(tenant, account)
    tenant.ready()
    first = fingerprint(tenant)
    old = tenant.qualys.wait_for_event(_of(tenant, account))["token"]
    tenant.secret("by-hand", {"token": qualys.mint()})
    tenant.wait(lambda: fingerprint(tenant) != first, timeout=20)
    tenant.wait(lambda: carried(tenant, account) == {fingerprint(tenant)})
    assert tenant.qualys.wait_for_event(_of(tenant, account))["token"] != old


def carried(tenant: Tenant, account: str) -> set[str]:
    """The tokens that the account's connections were last seen to carry."""
    return {r["token"] for r in tenant.child(account)["status"]["regions"] if "token" in r}


def _of(tenant: Tenant, account: str) -> Any:
    instance = tenant.aws.start_instance(account, "us-east-1")
    return lambda event: event["instance"] == instance


@pytest.mark.parametrize(
    ("data", "reason", "says"),
    [
        (None, "SecretNotFound", "there is no Secret by-hand in namespace tenant-"),
        ({"other": "x"}, "SecretNotFound", "Secret by-hand has no key token"),
        ({"token": ""}, "TokenInvalid", "Secret by-hand, key token: the token is empty"),
        ({"token": "canary-not-a-jwt"}, "TokenInvalid", "is no JWT"),
        ({"token": jwt(sub="canary") + "\n"}, "TokenInvalid", "ends in a newline"),
        ({"token": jwt(sub="canary", exp=1000)}, "TokenInvalid", "expired at 1970-01-01T00:16:40+00:00"),
        ({"token": jwt(sub="canary" * 100)}, "TokenInvalid", "EventBridge admits 505"),
    ],
)
def test_a_bad_token_is_told_by_name_and_healed(
    operator: Replica,
    tenant: Tenant,
    qualys: GatewayAdmin,
    data: dict[str, str] | None,
    reason: str,
    says: str,
) -> None:
    account = tenant.account()
    if data is not None:
        tenant.secret("by-hand", data)
    apply_given(tenant, account)
    told = tenant.until(reason, says)
    assert "canary" not in told["message"]
    assert not [r for r in tenant.held(account) if r.startswith("Connection")]
    tenant.kubectl("delete", "secret", "by-hand", "--ignore-not-found")
    tenant.secret("by-hand", {"token": qualys.mint()})
    tenant.ready(timeout=30)
    assert operator.metrics().count("canary") == 0


def test_a_minted_token_is_kept_and_not_minted_again(operators: Operators, tenant: Tenant) -> None:
    operators.running()
    before = tenant.qualys.mint_count()
    account = tenant.account()
    tenant.credentials()
    tenant.apply(account)
    tenant.ready()
    operators.running().process.stop()
    operators.running()
    tenant.annotate("qzt", OBJECT, "zerotouch.dev/requestedAt=now")
    tenant.wait(lambda: tenant.object()["status"].get("lastHandledReconcileAt") == "now")
    assert tenant.qualys.mint_count() == before + 1
    secret = tenant.get("secret", f"{OBJECT}-zerotouch-token")
    assert secret is not None
    assert secret["metadata"]["ownerReferences"][0]["kind"] == "QualysZeroTouch"


def test_wrong_credentials_are_told_and_healed(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.credentials(password="canary-wrong-password")
    tenant.apply(account, interval="1h")
    told = tenant.until("GatewayUnauthorized", "answered 401: check user, password")
    assert "canary" not in told["message"]
    tenant.credentials()
    tenant.ready(timeout=30)


@pytest.mark.parametrize("shape", ["text", "string", "object"])
def test_every_shape_of_the_answer(operator: Replica, tenant: Tenant, shape: str) -> None:
    account = tenant.account()
    tenant.qualys.answer_shape(shape)
    tenant.credentials()
    tenant.apply(account)
    tenant.ready()


def test_a_gateway_that_is_not_allowed_gets_nothing(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.credentials()
    before = len(tenant.qualys.requests())
    port = tenant.world.gateway_url.rpartition(":")[2]
    qualys = {"gatewayURL": f"http://localhost:{port}", "auth": {"credentialsSecretRef": {"name": "qualys-api"}}}
    tenant.apply(account, qualys=qualys)
    tenant.until("GatewayNotAllowed", "neither a Qualys platform's nor allowed")
    assert tenant.condition(tenant.object(), "TokenCurrent")["reason"] == "GatewayNotAllowed"
    assert len(tenant.qualys.requests()) == before
    assert tenant.held(account) == []


def test_a_namespace_without_the_tenant_binding_is_told(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.credentials()
    tenant.kubectl("delete", "rolebinding", "zerotouch")
    tenant.apply(account, interval="30s")
    tenant.until("SecretNotFound", "apply deploy/tenant to namespace")


def test_a_secret_of_others_under_our_name_is_not_overwritten(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.credentials()
    tenant.secret(f"{OBJECT}-zerotouch-token", {"theirs": "precious"})
    tenant.apply(account)
    tenant.until("Conflict", "exists and is not ours")
    kept = tenant.get("secret", f"{OBJECT}-zerotouch-token")
    assert kept is not None
    assert base64.b64decode(kept["data"]["theirs"]) == b"precious"


def test_a_rate_limit_is_honoured(operator: Replica, tenant: Tenant) -> None:
    account = tenant.account()
    tenant.qualys.add_fault("/auth", "429", seconds=7)
    tenant.credentials()
    tenant.apply(account)
    tenant.until("GatewayRateLimited", "asks to wait 7 s")
    tenant.ready()
    at = [r["at"] for r in tenant.qualys.requests() if r["path"] == "/auth"][-2:]
    assert at[1] - at[0] >= 7


def test_a_rotation_reaches_every_account_in_waves_and_no_event_is_lost(operator: Replica, tenant: Tenant) -> None:
    accounts = [tenant.account(n) for n in range(1, 6)]
    tenant.credentials()
    tenant.apply(*accounts, interval="1h")
    tenant.ready()
    old, minted = fingerprint(tenant), tenant.qualys.mint_count()
    started: list[str] = []

    def rotated() -> bool:
        account = accounts[len(started) % len(accounts)]
        started.append(tenant.aws.start_instance(account, "us-east-1"))
        return fingerprint(tenant) != old

    with tenant.history("qzta", CARRIED) as versions:
        tenant.annotate("qzt", OBJECT, "zerotouch.dev/rotateToken=leak-1")
        tenant.wait(rotated, timeout=120)
        told = versions()
    assert carriers_when_the_second_follows(told, old) == {fingerprint(tenant)}
    assert tenant.qualys.mint_count() == minted + 1
    new = fingerprint(tenant)
    assert all(tenant.child(a)["spec"]["tokenFingerprint"] == new for a in accounts)
    assert "next" not in tenant.object()["status"]["token"]
    tenant.wait(lambda: set(started) <= {e["instance"] for e in tenant.qualys.events()})
    secret = tenant.get("secret", f"{OBJECT}-zerotouch-token")
    assert secret is not None
    assert set(secret["data"]) == {"token", "gateway", "source", "mintedAt", "rotateHandled"}
    assert tenant.events("TokenRotationStarted")
    assert tenant.events("TokenRotated") == [f"token {new} took the place of {old}"]


def carriers_when_the_second_follows(versions: list[list[str]], old: str) -> set[str]:
    """The tokens that the first account's connections all carry when the second account is told of another than the old one."""
    seen: dict[str, set[str]] = {}
    for name, wanted, *carried in versions:
        if wanted != old:
            seen[name] = set(carried)
        if len(seen) == 2:
            first, _ = seen.values()
            return first
    raise AssertionError(f"never two: {versions}")


def test_a_token_made_by_hand_is_warned_of_in_time(operator: Replica, tenant: Tenant, qualys: GatewayAdmin) -> None:
    account = tenant.account()
    tenant.secret("by-hand", {"token": qualys.mint(expiry=3600)})
    apply_given(tenant, account)
    tenant.ready()
    assert tenant.condition(tenant.object(), "TokenCurrent")["reason"] == "TokenExpiring"
    (message,) = tenant.events("TokenExpiring")
    assert "store a new one in its Secret" in message
    tenant.secret("by-hand", {"token": qualys.mint(expiry=3_000_000)})
    tenant.wait(lambda: tenant.condition(tenant.object(), "TokenCurrent")["status"] == "True", timeout=30)
    tenant.annotate("qzt", OBJECT, "zerotouch.dev/rotateToken=leak")
    tenant.wait(lambda: "by hand" in tenant.condition(tenant.object(), "TokenCurrent")["message"])

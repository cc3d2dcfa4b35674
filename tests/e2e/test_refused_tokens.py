"""Qualys refuses the token: EventBridge de-authorizes the connections, and events arrive again without a person."""

import base64
import itertools

from sandbox.deployment import Replica
from sandbox.gateway.admin import GatewayAdmin
from sandbox.gateway.state import fingerprint
from tests.e2e.canaries import everything, shown
from tests.e2e.conftest import Operators
from tests.e2e.tenant import EXTERNAL_ID, OBJECT, Tenant

REGION = "us-east-1"
MINT = "/qas/subscription-token"
ONE_REGION = {"names": [REGION]}
WRONG_PASSWORD = "canary-wrong-password"

_stamps = itertools.count()


def kept(tenant: Tenant) -> set[str]:
    """The tokens in the operator's Secret."""
    data = (tenant.get("secret", f"{OBJECT}-zerotouch-token") or {}).get("data", {})
    return {base64.b64decode(data[name]).decode() for name in ("token", "next.token") if name in data}


def delivering_again(tenant: Tenant, account: str, old: str) -> bool:
    """Have the account looked at; an instance starts whenever its connection is authorized.

    Answers whether an event has arrived with another token.
    """
    connection = tenant.aws.client("events", account, REGION).describe_connection(Name="qualys-zerotouch")
    if connection["ConnectionState"] == "AUTHORIZED":
        tenant.aws.start_instance(account, REGION)
    asked, answered = tenant.child(account)["metadata"].get("annotations", {}), tenant.child(account)["status"]
    if asked.get("zerotouch.dev/requestedAt") == answered.get("lastHandledReconcileAt"):
        tenant.annotate("qzta", f"{OBJECT}-{account}", f"zerotouch.dev/requestedAt={next(_stamps)}")
    return any(e["account"] == account and e["token"] != old for e in tenant.qualys.events())


def meet_bad_answers(tenant: Tenant, *kinds: str) -> None:
    """Correct the password; the gateway answers so, one after the other, when it is asked for a token."""

    def asked() -> int:
        return sum(request["path"] == MINT for request in tenant.qualys.requests())

    before = asked()
    for kind in kinds:
        tenant.qualys.add_fault(MINT, kind)
    tenant.credentials()
    for number in range(1, len(kinds) + 1):
        tenant.wait(lambda number=number: asked() - before >= number)  # type: ignore[misc]
        # Another wish is asked for at once; the same one waits ever longer.
        tenant.patch({"qualys": {"token": {"expiry": 500_000 + number}}})


def test_a_revoked_token_is_replaced_and_no_secret_of_its_whole_life_shows_anywhere(
    operators: Operators, tenant: Tenant
) -> None:
    operator = operators.running()
    accounts = [tenant.account(1), tenant.account(2)]
    tenant.credentials(password=WRONG_PASSWORD)
    connector = {"role": {"name": "qualys", "trustedAccountID": "123456789012", "externalID": "canary-connector-id"}}
    tenant.apply(*accounts, regions=ONE_REGION, interval="30s", connector=connector)
    tenant.until("GatewayUnauthorized")
    meet_bad_answers(tenant, "html", "error_body", "500", "half")
    tenant.ready()
    secrets, minted = kept(tenant), tenant.qualys.mint_count()
    (first,) = secrets
    tenant.qualys.revoke(fingerprint(first))
    tenant.wait(lambda: delivering_again(tenant, accounts[0], fingerprint(first)), timeout=240)
    secrets |= kept(tenant)
    assert tenant.qualys.mint_count() == minted + 1
    assert any("Qualys refuses token" in message for message in tenant.told("TokenRefused"))
    # The other account met no event; it gets the new token all the same, and the old one is forgotten.
    tenant.wait(lambda: "next" not in tenant.object()["status"]["token"] and first not in kept(tenant))
    assert tenant.condition(tenant.object(), "TokenRolledOut")["status"] == "True"
    tenant.annotate("qzt", OBJECT, "zerotouch.dev/rotateToken=leak")
    tenant.wait(lambda: len(kept(tenant) - secrets) == 1)
    secrets |= kept(tenant)
    operator.process.stop()
    operator = operators.running()
    tenant.wait(lambda: len(kept(tenant)) == 1)
    tenant.ready()
    assert len(secrets) == 3
    places = everything(operator, tenant, accounts, [REGION])
    password, aws = tenant.world.gateway_credentials()["password"], tenant.world.base_credentials()
    assert shown(places, [*secrets, password, WRONG_PASSWORD, aws["secret_access_key"]]) == []
    told = places["log"] + places["metrics"] + tenant.world.kubectl("get", "events", "-A", "-o", "yaml")
    for external_id in (EXTERNAL_ID, "canary-connector-id"):
        assert external_id not in told


def test_a_refused_token_made_by_hand_is_told_and_the_next_one_heals(
    operator: Replica, tenant: Tenant, qualys: GatewayAdmin
) -> None:
    account, token = tenant.account(), qualys.mint(expiry=None)
    tenant.secret("by-hand", {"token": token})
    auth = {"subscriptionTokenSecretRef": {"name": "by-hand", "key": "token"}}
    given = {"gatewayURL": tenant.world.gateway_url, "auth": auth, "token": {"trial": "1s"}}
    tenant.apply(account, qualys=given, regions=ONE_REGION, interval="30s")
    tenant.ready()
    assert "has no exp" in tenant.condition(tenant.object(), "TokenCurrent")["message"]
    qualys.revoke(fingerprint(token))

    def told() -> bool:
        delivering_again(tenant, account, fingerprint(token))
        return tenant.condition(tenant.object(), "TokenCurrent").get("reason") == "TokenRefused"

    tenant.wait(told, timeout=180)
    assert "store a new one in its Secret" in tenant.condition(tenant.object(), "TokenCurrent")["message"]
    tenant.secret("by-hand", {"token": qualys.mint(expiry=3_000_000)})
    tenant.wait(lambda: delivering_again(tenant, account, fingerprint(token)), timeout=60)
    tenant.wait(lambda: tenant.condition(tenant.object(), "TokenCurrent")["status"] == "True")
    tenant.ready()

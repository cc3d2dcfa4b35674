"""Secret values of a connection cannot be read: that somebody wrote them is seen by version, and mended once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sandbox.gateway.admin import GatewayAdmin
from tests.reconcile.conftest import Account
from zerotouch.plan.version import make_version

NAME = "qualys-zerotouch"


def age(account: Account, region: str = "us-east-1", minutes: float = 10) -> None:
    """As if the connection had been written so long ago."""
    arn = account.client("events", region).describe_connection(Name=NAME)["ConnectionArn"]
    account.versions[region] = make_version(arn, datetime.now(UTC) - timedelta(minutes=minutes))


def tamper(account: Account) -> None:
    """Another token, and nothing else."""
    account.client("events").update_connection(
        Name=NAME,
        AuthorizationType="API_KEY",
        AuthParameters={
            "ApiKeyAuthParameters": {"ApiKeyName": "X-API-KEY", "ApiKeyValue": "other"},
            "InvocationHttpParameters": {
                "HeaderParameters": [{"Key": "Authorization", "Value": "Bearer other", "IsValueSecret": True}]
            },
        },
    )


def test_found_told_mended_once_and_delivering_again(
    make_account: Callable[..., Account], gateway: GatewayAdmin
) -> None:
    account = make_account(regions={"names": ["us-east-1"]})
    assert account.reconcile().ready
    age(account)
    tamper(account)
    report = account.reconcile()
    (drift,) = [d for s in report.scopes for d in s.drifts]
    assert (drift.resource.kind, drift.difference.path, drift.mended) == ("Connection", "secretValues", True)
    assert report.ready
    for _ in range(2):
        assert all(s.changes == () for s in account.reconcile().scopes)
    instance = account.admin.start_instance(account.id, "us-east-1")
    assert gateway.wait_for_event(lambda e: e["instance"] == instance)


def test_what_nobody_remembers_is_not_rewritten(account: Account) -> None:
    assert account.reconcile().ready
    account.versions.clear()
    assert all(s.changes == () for s in account.reconcile().scopes)


def test_in_mode_observe_it_is_told_every_time(make_account: Callable[..., Account]) -> None:
    account = make_account(regions={"names": ["us-east-1"]})
    assert account.reconcile().ready
    age(account)
    tamper(account)
    account.change(mode="Observe")
    for _ in range(2):
        report = account.reconcile()
        assert [d.difference.path for s in report.scopes for d in s.drifts] == ["secretValues"]


def renewed(account: Account) -> list[str]:
    """Paths of the differences that the next pass mends; the two after it must find none."""
    paths = [d.difference.path for s in account.reconcile().scopes for d in s.drifts if d.mended]
    for _ in range(2):
        assert all(s.changes == () and s.drifts == () for s in account.reconcile().scopes)
    return paths


def delivers(account: Account, gateway: GatewayAdmin) -> bool:
    instance = account.admin.start_instance(account.id, "us-east-1")
    return bool(gateway.wait_for_event(lambda e: e["instance"] == instance))


def test_recreated_by_somebody_with_our_mark_and_another_token(
    make_account: Callable[..., Account], gateway: GatewayAdmin
) -> None:
    """Nothing that can be read differs but the UUID, which is looked at whatever the time."""
    account = make_account(regions={"names": ["us-east-1"]})
    assert account.reconcile().ready
    events = account.client("events")
    description = events.describe_connection(Name=NAME)["Description"]
    arn = events.describe_api_destination(Name=NAME)["ApiDestinationArn"]
    events.delete_connection(Name=NAME)
    header = {"Key": "Authorization", "Value": "Bearer other", "IsValueSecret": True}
    made = events.create_connection(
        Name=NAME,
        Description=description,
        AuthorizationType="API_KEY",
        AuthParameters={
            "ApiKeyAuthParameters": {"ApiKeyName": "X-API-KEY", "ApiKeyValue": "other"},
            "InvocationHttpParameters": {"HeaderParameters": [header]},
        },
    )
    assert renewed(account) == ["secretValues", "connection"]
    destination = events.describe_api_destination(Name=NAME)
    assert (destination["ConnectionArn"], destination["ApiDestinationArn"]) == (made["ConnectionArn"], arn)
    assert delivers(account, gateway)


def test_another_header_and_another_key(make_account: Callable[..., Account], gateway: GatewayAdmin) -> None:
    account = make_account(regions={"names": ["us-east-1"]})
    assert account.reconcile().ready
    header = {"Key": "X-Other", "Value": "Bearer other", "IsValueSecret": False}
    account.client("events").update_connection(
        Name=NAME,
        AuthorizationType="API_KEY",
        AuthParameters={
            "ApiKeyAuthParameters": {"ApiKeyName": "X-OTHER", "ApiKeyValue": "other"},
            "InvocationHttpParameters": {"HeaderParameters": [header]},
        },
    )
    assert {path.split(".")[0] for path in renewed(account)} == {"apiKeyName", "headers"}
    assert delivers(account, gateway)


def test_a_token_that_we_wrote_and_could_not_remember_any_more_is_no_drift(
    make_account: Callable[..., Account], gateway: GatewayAdmin
) -> None:
    """Killed between UpdateConnection and the status: the next one finds a later time, and the token that it wants."""
    account = make_account(regions={"names": ["us-east-1"]})
    assert account.reconcile().ready
    remembered = (dict(account.hashes), dict(account.carried))
    account.change(tokenFingerprint="f" * 12)
    account.give(gateway.mint())
    assert account.reconcile().ready
    account.hashes, account.carried = remembered
    age(account)
    report = account.reconcile()
    assert report.ready
    assert all(s.changes == () and s.drifts == () for s in report.scopes)

"""A year of a minted token's life, on a clock that the test turns, with kills and faults in it."""

import asyncio
import base64
import copy
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from zerotouch.controller import tokens as module
from zerotouch.controller.kube import Body, KubeError
from zerotouch.controller.objects import Parent
from zerotouch.controller.secrets import SecretWatch
from zerotouch.controller.settings import Settings
from zerotouch.controller.stats import Stats
from zerotouch.controller.tokens import TokenResult, Tokens, Told
from zerotouch.qualys.errors import GatewayUnavailable
from zerotouch.qualys.tokens import SubscriptionToken, parse_token

START = datetime(2026, 1, 1, tzinfo=UTC)
LIFE = timedelta(days=30)
HOUR = timedelta(hours=1)


class Kube:
    """Secrets in a dictionary, with versions as the API server has them."""

    def __init__(self) -> None:
        self.objects: dict[str, Body] = {}
        self.version = 0

    async def find(self, path: str) -> Body | None:
        found = copy.deepcopy(self.objects.get(path))
        await asyncio.sleep(0)
        return found

    async def create(self, path: str, body: Body) -> Body:
        where = f"{path}/{body['metadata']['name']}"
        if where in self.objects:
            raise KubeError(409, "exists")
        return self.put(where, body)

    async def replace(self, path: str, body: Body) -> Body:
        if self.objects[path]["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            raise KubeError(409, "changed")
        return self.put(path, body)

    def put(self, path: str, body: Body) -> Body:
        self.version += 1
        namespace = path.split("/")[4]
        stored = copy.deepcopy(body)
        stored["metadata"] |= {"resourceVersion": str(self.version), "namespace": namespace}
        self.objects[path] = stored
        return copy.deepcopy(stored)


class World:
    """A clock, a gateway that mints, and operators that may be killed."""

    def __init__(self) -> None:
        self.now, self.minted, self.failing, self.killed_while_minting = START, 0, False, False
        self.kube, self.stats = Kube(), Stats()
        self.store("qualys", username="u", password="p")
        self.rotate: str | None = None
        self.mode, self.gateway = "Enforce", "https://gateway"
        self.restart()

    def restart(self) -> None:
        watch = SecretWatch(self.kube)  # type: ignore[arg-type]
        self.tokens = Tokens(self.kube, watch, Settings(), self.stats, lambda: self.now)  # type: ignore[arg-type]

    def store(self, name: str, **data: str) -> None:
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        self.kube.put(f"/api/v1/namespaces/n/secrets/{name}", {"metadata": {"name": name}, "data": encoded})

    async def mint(self, username: str, password: str, expiry: int) -> SubscriptionToken:
        if self.failing:
            raise GatewayUnavailable("away")
        self.minted += 1
        await asyncio.sleep(0)
        if self.killed_while_minting:
            raise KeyboardInterrupt
        payload = {"exp": (self.now + LIFE).timestamp(), "n": self.minted}
        parts = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in ({}, payload, {})]
        return parse_token(".".join(parts))

    async def look(self, carried: bool = True, refused: Iterable[str] = ()) -> TokenResult:
        annotations = {"zerotouch.dev/rotateToken": self.rotate} if self.rotate else {}
        body = {
            "metadata": {
                "name": "p", "namespace": "n", "uid": "u", "resourceVersion": "1", "annotations": annotations,
            },
            "spec": {
                "qualys": {"platform": "US2", "auth": {"credentialsSecretRef": {"name": "qualys"}}},
                "accounts": [{"id": "1" * 12}],
                "regions": {"names": ["us-east-1"]},
                "mode": self.mode,
            },
        }  # fmt: skip
        return await self.tokens.resolve(Parent.of(body), self.gateway, Told(lambda _: carried, frozenset(refused)))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()

    class Client:
        def __init__(self, *_: Any) -> None:
            self.mint = world.mint

    monkeypatch.setattr(module, "GatewayClient", Client)
    monkeypatch.setattr(module.time, "monotonic", lambda: world.now.timestamp())
    return world


async def test_a_year(world: World) -> None:
    """Every hour somebody looks; every fifth day the operator is killed; the gateway is away for a day each month."""
    seen: list[str] = []
    for hour in range(365 * 24):
        world.now = START + hour * HOUR
        if hour % 120 == 7:
            world.restart()
        world.failing = hour % 720 in range(540, 564)
        result = await world.look(carried=hour % 3 == 0)
        assert result.current is not None, f"no token at {world.now}"
        assert not result.current.token.expired(world.now)
        if result.current.fingerprint not in seen:
            seen.append(result.current.fingerprint)
    # It is rotated when 23 of its 30 days are over, or a day later where the gateway is away: 15 or 16 times a year.
    assert world.minted == len(seen) in range(15, 18)


async def test_a_token_is_minted_once_whatever_happens_afterwards(world: World) -> None:
    for _ in range(5):
        await world.look()
        world.restart()
    assert world.minted == 1


async def test_two_operators_mint_one(world: World) -> None:
    other = World.__new__(World)
    other.__dict__ |= world.__dict__
    other.restart()
    world_result = await world.look()
    other_result = await other.look()
    assert world.minted == 1
    assert world_result.current is not None
    assert other_result.current is not None
    assert world_result.current.fingerprint == other_result.current.fingerprint


async def test_two_operators_at_the_same_moment_mint_one(world: World) -> None:
    other = World.__new__(World)
    other.__dict__ |= world.__dict__
    await world.look()
    other.restart()
    await other.look()
    world.now = other.now = world.now + timedelta(days=24)
    results = await asyncio.gather(world.look(False), other.look(False), return_exceptions=True)
    assert sum(isinstance(r, KubeError) and r.conflict for r in results) == 1
    assert world.minted == 2


async def test_a_token_that_could_not_be_written_down_is_kept_later_and_not_minted_again(world: World) -> None:
    await world.look()
    world.now += timedelta(days=24)
    replace, writes = world.kube.replace, 0

    async def failing(path: str, body: Body) -> Body:
        nonlocal writes
        writes += 1
        if writes == 2:
            raise KubeError(503, "away")
        return await replace(path, body)

    world.kube.replace = failing  # type: ignore[method-assign]
    with pytest.raises(KubeError):
        await world.look(False)
    assert (await world.look(False)).next is not None
    assert world.minted == 2


async def test_killed_in_the_middle_of_a_mint_it_waits_before_it_mints_again(world: World) -> None:
    world.killed_while_minting = True
    with pytest.raises(KeyboardInterrupt):
        await world.look()
    world.killed_while_minting = False
    world.restart()
    waiting = await world.look()
    assert waiting.current is None
    assert waiting.problem is not None
    assert world.minted == 1
    world.now += timedelta(seconds=91)
    assert (await world.look()).current is not None
    assert world.minted == 2


async def test_the_old_token_serves_until_everyone_carries_the_new_one(world: World) -> None:
    first = await world.look()
    world.now += timedelta(days=24)
    rolling = await world.look(carried=False)
    assert rolling.current is not None
    assert rolling.next is not None
    assert rolling.fallback == first.target
    assert rolling.target == rolling.next.fingerprint
    assert world.tokens.held(KEY, rolling.fallback) is not None
    assert world.tokens.held(KEY, rolling.target) is not None
    done = await world.look(carried=True)
    assert (done.target, done.next) == (rolling.target, None)
    assert world.tokens.held(KEY, rolling.fallback) is None


async def test_a_gateway_that_fails_leaves_the_old_token_in_use_and_is_not_asked_in_a_hurry(world: World) -> None:
    await world.look()
    world.now += timedelta(days=24)
    world.failing = True
    for _ in range(10):
        result = await world.look()
        assert result.current is not None
        assert result.problem is not None
        assert result.problem.reason == "GatewayUnavailable"
    assert world.stats.mints["error"] == 1
    world.now += timedelta(seconds=10)
    await world.look()
    assert world.stats.mints["error"] == 2


@pytest.mark.parametrize("data", [None, {"username": "u"}, {"username": "u", "password": ""}])
async def test_what_was_minted_serves_on_without_credentials(world: World, data: dict[str, str] | None) -> None:
    first = await world.look()
    if data is None:
        del world.kube.objects["/api/v1/namespaces/n/secrets/qualys"]
    else:
        world.store("qualys", **data)
    world.restart()
    result = await world.look()
    assert (result.target, result.next) == (first.target, None)
    assert world.tokens.held(KEY, result.target) is not None
    assert result.problem is not None
    assert "Secret qualys" in result.problem.message
    world.now += timedelta(days=24)
    assert (await world.look()).target == first.target
    world.now += timedelta(days=7)
    expired = await world.look()
    assert expired.current is None
    assert expired.problem is not None
    assert world.minted == 1


async def test_a_rotation_goes_on_without_credentials(world: World) -> None:
    await world.look()
    world.rotate = "leak"
    rolling = await world.look(carried=False)
    del world.kube.objects["/api/v1/namespaces/n/secrets/qualys"]
    world.restart()
    assert (await world.look(carried=False)).target == rolling.target
    done = await world.look(carried=True)
    assert (done.target, done.next, world.minted) == (rolling.target, None, 2)


async def test_another_gateway_is_asked_at_once_though_the_last_one_asked_to_wait(world: World) -> None:
    world.failing = True
    assert (await world.look()).problem is not None
    world.failing, world.gateway = False, "https://another"
    assert (await world.look()).current is not None


async def test_mode_observe_says_that_a_token_is_not_rotated(world: World) -> None:
    await world.look()
    world.mode = "Observe"
    assert (await world.look()).expiring is None
    world.now += timedelta(days=24)
    assert "expires at 2026-01-31T00:00:00+00:00, and mode Observe" in str((await world.look()).expiring)
    world.now += timedelta(days=7)
    assert "has expired at" in str((await world.look()).expiring)
    assert world.minted == 1


async def test_an_expired_token_is_not_held(world: World) -> None:
    first = await world.look()
    world.now, world.failing = world.now + LIFE, True
    assert (await world.look()).current is None
    assert world.tokens.held(KEY, first.target) is None


async def test_changed_credentials_are_a_rotation(world: World) -> None:
    first = await world.look()
    world.store("qualys", username="u", password="another")
    second = await world.look(carried=False)
    assert second.fallback == first.target
    assert second.next is not None
    assert world.minted == 2


async def test_rotated_once_when_asked(world: World) -> None:
    await world.look()
    world.rotate = "leak-1"
    for _ in range(3):
        await world.look(carried=False)
    assert world.minted == 2
    world.rotate = "leak-2"
    await world.look(carried=False)
    assert world.minted == 3


async def test_an_unusable_secret_of_ours_is_minted_anew(world: World) -> None:
    await world.look()
    path = "/api/v1/namespaces/n/secrets/p-zerotouch-token"
    world.kube.objects[path]["data"]["token"] = base64.b64encode(b"spoilt").decode()
    world.restart()
    assert (await world.look()).current is not None
    assert world.minted == 2


KEY = Parent.of(
    {
        "metadata": {"name": "p", "namespace": "n", "uid": "u", "resourceVersion": "1"},
        "spec": {
            "qualys": {"platform": "US2", "auth": {"credentialsSecretRef": {"name": "qualys"}}},
            "accounts": [{"id": "1" * 12}],
            "regions": {"names": ["us-east-1"]},
        },
    }
).key

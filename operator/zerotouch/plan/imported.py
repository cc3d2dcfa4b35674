"""From what exists in accounts to the object that describes it, and what that object would make better. Pure and total."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from zerotouch.api.meta import API_VERSION, OWNER_TAG, TEMPLATE_OWNERS, ZEROTOUCH_KIND

_DEFAULT_PREFIX: Final = "qualys-zerotouch"
_PREFIX: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{2,31}")
_TOKEN_SECRET: Final = "qualys"
_NAME, _NAMESPACE = "production", "default"


@dataclass(frozen=True)
class FoundConnection:
    """`plain_headers`: names of the headers that DescribeConnection shows."""

    name: str
    state: str
    owner: str | None
    plain_headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundDelivery:
    """A target of a rule that hands starts of instances to Qualys, or to the bus of another region (`forwards_to`).

    `wide_role`: the role may do more than this. `endpoint`: origin of the gateway.
    """

    rule: str
    enabled: bool
    managed: bool
    owner: str | None
    tags: Mapping[str, str]
    narrowed: bool
    role: str | None
    wide_role: bool
    retry: Mapping[str, int]
    dead_letters: bool
    destination: str | None = None
    endpoint: str | None = None
    rate: int = 300
    connection: FoundConnection | None = None
    forwards_to: str | None = None


@dataclass(frozen=True)
class FoundAssociation:
    """An inventory association. `tags`: the instances' tags that it names, None where it covers all or others."""

    name: str | None
    owner: str | None
    schedule: str | None
    everything: bool
    tags: Mapping[str, Sequence[str]] | None
    collect: Mapping[str, bool]


@dataclass(frozen=True)
class FoundConnector:
    """The policy with the six actions, and a role that carries it. `ours`: the policy; `trust`: of a role that is ours as well,
    (trusted account, external id)."""

    policy: str
    role: str
    ours: bool
    trust: tuple[str, str] | None = None


@dataclass(frozen=True)
class FoundAccount:
    """`regions`: region → what was found there. `skipped`: region → why it could not be looked at."""

    id: str
    deliveries: Mapping[str, Sequence[FoundDelivery]]
    associations: Mapping[str, Sequence[FoundAssociation]]
    connectors: Sequence[FoundConnector] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def regions(self) -> tuple[str, ...]:
        """Where instance starts are told."""
        return tuple(sorted(region for region, found in self.deliveries.items() if found))


@dataclass(frozen=True)
class Imported:
    """`body`: the object. `improvements`: what it would make better, for people. `missing`: what nobody can read from AWS."""

    body: dict[str, Any]
    improvements: tuple[str, ...]
    missing: tuple[str, ...]


def imported(accounts: Sequence[FoundAccount], access: Mapping[str, Any], platforms: Mapping[str, str]) -> Imported:
    """`access`: of the spec. `platforms`: code → gateway. Accounts in which nothing is told are left out."""
    found = [account for account in accounts if account.regions]
    deliveries = [d for a in found for regional in a.deliveries.values() for d in regional]
    final = [d for d in deliveries if d.forwards_to is None]
    main = _main_region(found)
    namespace, name = _object_name(deliveries)
    prefix = _prefix(final)
    regions = _common_regions(found)
    spec = {
        "qualys": {
            **_gateway(final, platforms),
            "auth": {"subscriptionTokenSecretRef": {"name": _TOKEN_SECRET, "key": "token"}},
        },
        "access": dict(access),
        "accounts": [_entry(account, regions) for account in found],
        "regions": {"selection": "Listed", "names": list(regions)},
        **_inventory([x for a in found for regional in a.associations.values() for x in regional], prefix),
        **_delivery(final, main),
        **_connector([c for a in found for c in a.connectors]),
        **({} if _is_object(deliveries) else {"adoptionPolicy": "AdoptIdentical"}),
        **_tags(deliveries),
        "namePrefix": prefix,
    }
    body = {"apiVersion": API_VERSION, "kind": ZEROTOUCH_KIND, "metadata": {"name": name, "namespace": namespace}}
    return Imported({**body, "spec": spec}, tuple(_improvements(found, prefix, main)), tuple(_missing(found)))


def _object_name(deliveries: Iterable[FoundDelivery]) -> tuple[str, str]:
    """Namespace and name of the object that the marks name, where one of an operator's did it."""
    owners = [d.owner for d in deliveries if d.owner and d.owner not in TEMPLATE_OWNERS]
    if not owners:
        return _NAMESPACE, _NAME
    _, namespace, name = (*Counter(owners).most_common(1)[0][0].split("/", 2), "", "")[:3]
    return namespace or _NAMESPACE, name or _NAME


def _is_object(deliveries: Sequence[FoundDelivery]) -> bool:
    return all(d.owner and d.owner not in TEMPLATE_OWNERS for d in deliveries)


def _prefix(deliveries: Iterable[FoundDelivery]) -> str:
    """Ours where rule, destination and connection have one name and the role the one that goes with it."""
    names = Counter(d.rule for d in deliveries if _is_named_alike(d))
    return names.most_common(1)[0][0] if names else _DEFAULT_PREFIX


def _is_named_alike(d: FoundDelivery) -> bool:
    same = d.connection is not None and d.rule == d.destination == d.connection.name
    return same and d.role == f"{d.rule}-events" and bool(_PREFIX.fullmatch(d.rule))


def _common_regions(accounts: Sequence[FoundAccount]) -> tuple[str, ...]:
    """What most accounts have; the others get an entry of their own."""
    choices = Counter(account.regions for account in accounts)
    return choices.most_common(1)[0][0] if choices else ()


def _entry(account: FoundAccount, common: tuple[str, ...]) -> dict[str, Any]:
    own = account.regions != common
    return {"id": account.id, **({"regions": {"names": list(account.regions)}} if own else {})}


def _gateway(deliveries: Iterable[FoundDelivery], platforms: Mapping[str, str]) -> dict[str, str]:
    endpoints = Counter(d.endpoint for d in deliveries if d.endpoint)
    if not endpoints:
        return {}
    url = endpoints.most_common(1)[0][0]
    code = next((code for code, gateway in platforms.items() if gateway == url), None)
    return {"platform": code} if code else {"gatewayURL": url}


def _inventory(associations: Sequence[FoundAssociation], prefix: str) -> dict[str, Any]:
    """Of ours first, then of one that covers all instances, then of one that names tags."""
    order = sorted(associations, key=lambda a: (a.name != prefix, not a.everything, a.tags is None))
    chosen = next((a for a in order if a.everything or a.tags is not None), None)
    if chosen is None or (chosen.everything and chosen.name != prefix):
        # One for all instances that is not ours serves as it is, whatever it collects.
        return {}
    inventory: dict[str, Any] = {}
    if chosen.schedule:
        inventory["schedule"] = chosen.schedule
    if chosen.tags is not None:
        inventory["targets"] = {"tags": [{"key": k, "values": sorted(v)} for k, v in sorted(chosen.tags.items())]}
    left_out = {name: on for name, on in chosen.collect.items() if not on}
    if left_out:
        inventory["collect"] = left_out
    return {"inventory": inventory} if inventory else {}


def _main_region(accounts: Sequence[FoundAccount]) -> str | None:
    """The region that delivers for all: every other one hands its events there, and to none else, in every account."""
    mains = {d.forwards_to for a in accounts for found in a.deliveries.values() for d in found} - {None}
    if len(mains) != 1:
        return None
    (main,) = mains
    all_of_them = all(
        any(d.forwards_to == main for d in a.deliveries[region]) if region != main else True
        for a in accounts
        for region in a.regions
    )
    return main if all_of_them and all(main in a.regions for a in accounts) else None


def _delivery(deliveries: Sequence[FoundDelivery], main: str | None) -> dict[str, Any]:
    """What most have, where it is not the default."""
    delivery: dict[str, Any] = {"topology": "MainRegion", "mainRegion": main} if main else {}
    rate = _most_common([d.rate for d in deliveries], 300)
    if rate != 300:
        delivery["invocationRateLimitPerSecond"] = max(1, min(rate, 300))
    age = _most_common([d.retry.get("MaximumEventAgeInSeconds", 86400) for d in deliveries], 86400)
    attempts = _most_common([d.retry.get("MaximumRetryAttempts", 185) for d in deliveries], 185)
    retry = {
        **({"maximumEventAgeSeconds": age} if age != 86400 else {}),
        **({"maximumRetryAttempts": attempts} if attempts != 185 else {}),
    }
    if retry:
        delivery["retry"] = retry
    return {"delivery": delivery} if delivery else {}


def _most_common(values: Sequence[int], otherwise: int) -> int:
    return Counter(values).most_common(1)[0][0] if values else otherwise


def _connector(connectors: Sequence[FoundConnector]) -> dict[str, Any]:
    found = Counter(sorted(connectors, key=lambda c: not c.ours))
    if not found:
        return {}
    chosen = found.most_common(1)[0][0]
    if chosen.trust is None:
        return {"connector": {"existingRoleName": chosen.role}}
    account, external_id = chosen.trust
    return {"connector": {"role": {"name": chosen.role, "trustedAccountID": account, "externalID": external_id}}}


def _tags(deliveries: Sequence[FoundDelivery]) -> dict[str, Any]:
    """Those that all of ours have in common."""
    ours = [d.tags for d in deliveries if d.owner]
    common = dict(ours[0]) if ours else {}
    for tags in ours[1:]:
        common = {k: v for k, v in common.items() if tags.get(k) == v}
    common.pop(OWNER_TAG, None)
    return {"tags": common} if common else {}


def _improvements(accounts: Sequence[FoundAccount], prefix: str, main: str | None) -> Iterator[str]:
    for account in accounts:
        for region in account.regions:
            where = f"{account.id} {region}"
            deliveries = account.deliveries[region]
            for delivery in deliveries:
                yield from (f"{where}: {text}" for text in _faults(delivery, prefix, main))
            active = sorted({d.rule for d in deliveries if d.enabled})
            if len(active) > 1:
                yield f"{where}: rules {', '.join(active)} tell each start of an instance {len(active)} times"
        for connector in account.connectors:
            if not connector.ours:
                yield (
                    f"{account.id} global: policy {connector.policy} on role {connector.role} is not ours: ours is attached "
                    "beside it; detach it afterwards"
                )


def _faults(d: FoundDelivery, prefix: str, main: str | None) -> Iterator[str]:
    if d.rule != prefix:
        yield (
            f"rule {d.rule} is not ours and has another name: ours, {prefix}, is made beside it, and each start is told twice "
            f"until you remove {d.rule}"
        )
    if not d.enabled:
        yield f"rule {d.rule} is disabled: nothing is told"
    if not d.narrowed:
        yield f"rule {d.rule} matches events of any account and region that reach its bus: ours only its own"
    if not d.dead_letters:
        yield f"rule {d.rule} has no dead-letter queue: what EventBridge gives up is lost; ours keeps it"
    if d.forwards_to is not None and main is None:
        yield f"rule {d.rule} hands its events to {d.forwards_to}: ours tells Qualys from this region itself"
    if d.forwards_to is not None:
        return
    if d.wide_role:
        yield f"role {d.role} may do more than invoke API destination {d.destination}: ours may do nothing else"
    if d.connection is None:
        return
    if d.connection.plain_headers:
        headers = ", ".join(d.connection.plain_headers)
        yield f"connection {d.connection.name} shows the values of {headers} to whoever may describe it: ours keeps them secret"
    if d.connection.state != "AUTHORIZED":
        yield f"connection {d.connection.name} is {d.connection.state}: nothing arrives until it gets a token"


def _missing(accounts: Sequence[FoundAccount]) -> Iterator[str]:
    yield f"put the subscription token into the key token of a Secret {_TOKEN_SECRET}: AWS does not give it away"
    ends = [d for a in accounts for found in a.deliveries.values() for d in found]
    if not any(d.endpoint for d in ends):
        mains = ", ".join(sorted({d.forwards_to for d in ends if d.forwards_to}))
        yield f"spec.qualys: name the platform: what was found only hands events to {mains}, which was not looked at"
    if not all(a.connectors for a in accounts):
        yield "spec.connector: where the Qualys connector's role carries its permissions otherwise, name the role there"

"""Which account object carries which token: the new one in growing waves, each only after the one before went well. Pure.

The first wave is one target: one region of one account, on trial for a while. Whether a token is good shows only when
an event is delivered with it; a connection is authorized with a bad one as well.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from zerotouch.api.conditions import Reason
from zerotouch.api.token import TokenTrial
from zerotouch.controller.index import AccountRecord, Carrier
from zerotouch.controller.objects import Key

_MOST_UNWELL: Final = 0.5
# Where nobody can look at the region on trial, the others do not wait for ever.
_LOOK_WITHIN: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Wanted:
    """`target`: fingerprint of the token that all are to carry in the end, None where there is none that could be used.

    `fallback`: one that is known to work, for account objects that are made meanwhile. `refused`: those that Qualys refuses.
    `trial`: how long one target carries a token before the others get it.
    """

    target: str | None
    fallback: str | None
    refused: frozenset[str] = frozenset()
    trial: timedelta = timedelta(0)


@dataclass(frozen=True)
class Assigned:
    """What an account object is to carry, and one of its regions before the others."""

    token: str | None
    trial: TokenTrial | None = None


@dataclass(frozen=True)
class Assignment:
    """`wait`: time until the trial is over, where it is that which is waited for. `look`: whose trial is over, and is to be
    looked at before it counts.
    """

    tokens: dict[Key, Assigned] = field(default_factory=dict)
    wait: timedelta | None = None
    look: Key | None = None


def assign_tokens(
    wanted: Iterable[Key], records: Mapping[Key, AccountRecord], tokens: Wanted, now: datetime
) -> Assignment:
    """What each account object is to carry now."""
    keys = list(wanted)
    known = {key: records[key] for key in keys if key in records}
    target = tokens.target
    if target is None:
        return Assignment({k: _as_it_is(known[k]) if k in known else Assigned(None) for k in keys})
    behind = {k: r for k, r in known.items() if r.token_fingerprint not in {None, target}}
    carriers = [r for r in known.values() if r.token_fingerprint == target]
    wave = _wave(behind, carriers, tokens, now)
    serves = tokens.fallback is not None and tokens.fallback not in tokens.refused
    new = tokens.fallback if behind and serves else target
    assigned: dict[Key, Assigned] = {}
    for key in keys:
        if key not in known:
            assigned[key] = Assigned(new)
        elif key in behind and key not in wave.keys:
            assigned[key] = Assigned(known[key].token_fingerprint, wave.trial.get(key))
        else:
            assigned[key] = Assigned(target)
    return Assignment(assigned, wave.wait, wave.look)


def carried_by_all(wanted: Iterable[Key], records: Mapping[Key, AccountRecord], fingerprint: str) -> bool:
    """Whether nobody needs another token any more: every account was looked at, and none of its regions carries one."""
    keys = list(wanted)
    known = [records[key] for key in keys if key in records]
    complete = len(known) == len(keys) and all(r.token_fingerprint == fingerprint and r.looked_at for r in known)
    return complete and next(behind_targets(known, fingerprint), None) is None


def behind_targets(records: Iterable[AccountRecord], fingerprint: str) -> Iterator[tuple[AccountRecord, Carrier]]:
    """The targets that carry another token, as far as was seen; those that cannot be reached among them."""
    return ((record, c) for record in records for c in record.view.carriers if c.token != fingerprint)


def refused_by(records: Iterable[AccountRecord]) -> Iterator[tuple[AccountRecord, Carrier]]:
    """The targets whose token Qualys refuses."""
    return ((record, c) for record in records for c in record.view.carriers if c.refuses)


def _as_it_is(record: AccountRecord) -> Assigned:
    return Assigned(record.token_fingerprint, record.trial)


@dataclass(frozen=True)
class _Wave:
    """`keys`: who gets the token now. The rest as of `Assigned` and `Assignment`."""

    keys: set[Key]
    trial: dict[Key, TokenTrial] = field(default_factory=dict)
    wait: timedelta | None = None
    look: Key | None = None


def _wave(behind: Mapping[Key, AccountRecord], carriers: list[AccountRecord], tokens: Wanted, now: datetime) -> _Wave:
    """One target on trial, its account, then as many accounts as carry it already, so that the number doubles."""
    lost = {key for key, record in behind.items() if _nothing_to_lose(record)}
    left = sorted((key for key in behind if key not in lost), key=lambda key: (not behind[key].ready, key))
    if not left or (not carriers and lost):
        return _Wave(lost)
    if not carriers:
        return _first_wave(left, behind, tokens, now)
    if any(not r.looked_at for r in carriers):
        return _Wave(lost)
    unwell = sum(not _well(r) for r in carriers) / len(carriers)
    return _Wave(lost | set(left[: len(carriers)]) if unwell <= _MOST_UNWELL else lost)


def _first_wave(left: list[Key], behind: Mapping[Key, AccountRecord], tokens: Wanted, now: datetime) -> _Wave:
    target = tokens.target or ""
    if not tokens.trial or tokens.fallback in tokens.refused:
        return _Wave({left[0]})
    for key in left:
        trial = behind[key].trial
        if trial is None or trial.fingerprint != target:
            continue
        if not behind[key].looked_at:
            return _Wave(set(), {key: trial})
        carrier = next((c for c in behind[key].view.carriers if c.region == trial.region), None)
        if carrier is None or not _on_trial(carrier, target):
            continue
        over = (carrier.written_at or now) + tokens.trial
        well = carrier.ready and not carrier.failing
        if now < over:
            return _Wave(set(), {key: trial}, wait=over - now if well else None)
        if _unseen(carrier, over) and now < over + _LOOK_WITHIN:
            return _Wave(set(), {key: trial}, look=key)
        return _Wave({key}) if well else _Wave(set(), {key: trial})
    fit = [(key, carrier) for key in left for carrier in behind[key].view.carriers if carrier.ready]
    if not fit:
        return _Wave({left[0]})
    key, carrier = min(fit, key=lambda place: (not behind[place[0]].ready, _since_success(place[1], now)))
    return _Wave(set(), {key: TokenTrial(region=carrier.region, fingerprint=target)})


def _unseen(carrier: Carrier, over: datetime) -> bool:
    """Whether nobody has looked for failed deliveries at the end of the trial: without a look none is known of."""
    return carrier.surveyed_at is None or carrier.surveyed_at < over


def _since_success(carrier: Carrier, now: datetime) -> timedelta:
    """Where events arrive a token is tried in earnest."""
    return now - carrier.succeeded_at if carrier.succeeded_at is not None else timedelta.max


def _on_trial(carrier: Carrier, target: str) -> bool:
    """Whether the region carries the token; where it could not be written, another region is tried."""
    return carrier.token == target


def _nothing_to_lose(record: AccountRecord) -> bool:
    """Whether its token does not serve: Qualys refuses it, or nobody has it any more to authorize a connection."""
    refused = any(c.refuses and c.token == record.token_fingerprint for c in record.view.carriers)
    return refused or any(reason == Reason.TOKEN_INVALID for reason, _ in record.view.problems)


def _well(record: AccountRecord) -> bool:
    return record.view.ready and not any(c.refuses or c.failing for c in record.view.carriers)

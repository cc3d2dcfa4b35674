"""Which account object carries which token: the new one in growing waves, each only after the one before went well. Pure."""

from collections.abc import Iterable, Mapping

from zerotouch.controller.index import AccountRecord
from zerotouch.controller.objects import Key

_MOST_UNWELL = 0.5


def assign_tokens(
    wanted: Iterable[Key], records: Mapping[Key, AccountRecord], target: str | None, fallback: str | None
) -> dict[Key, str | None]:
    """Account object → fingerprint of the token that it is to carry.

    `target`: the token that all are to carry in the end, None where there is none that could be used. `fallback`: one that is
    known to work, for account objects that are made meanwhile.
    """
    keys = list(wanted)
    known = {key: records[key] for key in keys if key in records}
    if target is None:
        return {key: known[key].token_fingerprint if key in known else None for key in keys}
    behind = [k for k, r in known.items() if r.token_fingerprint not in {None, target}]
    carriers = [r for r in known.values() if r.token_fingerprint == target]
    wave = set(_wave(behind, carriers, known))
    new = target if not behind else fallback or target
    assigned: dict[Key, str | None] = {}
    for key in keys:
        if key not in known:
            assigned[key] = new
        elif key in behind and key not in wave:
            assigned[key] = known[key].token_fingerprint
        else:
            assigned[key] = target
    return assigned


def carried_by_all(wanted: Iterable[Key], records: Mapping[Key, AccountRecord], fingerprint: str) -> bool:
    """Whether nobody needs another token any more."""
    return all(key in records and records[key].token_fingerprint == fingerprint for key in wanted)


def _wave(behind: list[Key], carriers: list[AccountRecord], known: Mapping[Key, AccountRecord]) -> list[Key]:
    """One account first; then as many as carry it already, so that the number doubles."""
    if not behind:
        return []
    order = sorted(behind, key=lambda key: (not known[key].ready, key))
    if not carriers:
        return order[:1]
    if any(not _looked_at(r) for r in carriers):
        return []
    unwell = sum(not r.view.ready for r in carriers) / len(carriers)
    return order[: len(carriers)] if unwell <= _MOST_UNWELL else []


def _looked_at(record: AccountRecord) -> bool:
    return record.view.observed_generation == record.trigger.generation

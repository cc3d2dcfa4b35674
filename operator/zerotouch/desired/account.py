"""From what people declare to what one account object declares: every default resolved."""

import hashlib

from zerotouch.api.account import AccountAccess, ParentRef, QualysZeroTouchAccountSpec
from zerotouch.api.detection import AccountDetection, Detection
from zerotouch.api.meta import SLOTS
from zerotouch.api.partition import partition_of
from zerotouch.api.zerotouch import Access, AccountEntry, QualysZeroTouchSpec


def resolve_account(
    parent: ParentRef,
    spec: QualysZeroTouchSpec,
    entry: AccountEntry,
    gateway_url: str,
    token_fingerprint: str | None,
    bus_arn: str | None = None,
) -> QualysZeroTouchAccountSpec:
    """The account object's spec; it suffices to clean up without the parent.

    `bus_arn`: the operator's event bus, None where it has none.
    """
    access = _access(spec.access, entry)
    return QualysZeroTouchAccountSpec(
        account_id=entry.id,
        name=entry.name,
        parent=parent,
        access=access,
        gateway_url=gateway_url,
        token_fingerprint=token_fingerprint,
        regions=entry.regions or spec.regions,
        inventory=spec.inventory,
        delivery=spec.delivery,
        connector=spec.connector,
        coverage=spec.coverage,
        mode=spec.mode,
        adoption_policy=spec.adoption_policy,
        drift_policy=spec.drift_policy,
        deletion_policy=spec.deletion_policy,
        suspend=spec.suspend,
        interval=spec.interval,
        tags=spec.tags,
        name_prefix=spec.name_prefix,
        detection=_detection(spec.detection, access, bus_arn),
    )


def account_name(parent_name: str, account_id: str) -> str:
    """The account object's name."""
    return f"{parent_name}-{account_id}"


def slot_of(account_id: str) -> str:
    """Which of the slots, over which replicas share the accounts, an account belongs to."""
    digest = hashlib.sha256(account_id.encode()).digest()
    return str(int.from_bytes(digest[:4], "big") % SLOTS)


def _detection(declared: Detection | None, access: AccountAccess, bus_arn: str | None) -> AccountDetection | None:
    """None where nothing is asked for; a bus of another partition cannot be reached."""
    if declared is None:
        return None
    asked = declared.events is not None and declared.events.enabled
    reachable = bus_arn is not None and bus_arn.split(":")[1] == access.role_arn.split(":")[1]
    resolved = AccountDetection(bus_arn=bus_arn if asked and reachable else None, attribution=declared.attribution)
    return resolved if resolved.bus_arn or resolved.attribution else None


def _access(access: Access, entry: AccountEntry) -> AccountAccess:
    partition = entry.role_arn.split(":")[1] if entry.role_arn else partition_of(access.sts_region)
    account = f"arn:{partition}:iam::{entry.id}"
    boundary = access.permissions_boundary_name
    return AccountAccess(
        role_arn=entry.role_arn or f"{account}:role/{access.role_name}",
        external_id=entry.external_id or access.external_id,
        sts_region=access.sts_region,
        permissions_boundary_arn=f"{account}:policy/{boundary}" if boundary else None,
    )

"""From a declared object to what the reconciler is given, as the operator would."""

import os
from typing import Final

from zerotouch.api.account import ParentRef, QualysZeroTouchAccountSpec
from zerotouch.cli.exits import CommandError, Exit
from zerotouch.cli.source import Declared
from zerotouch.desired.account import resolve_account
from zerotouch.qualys.platforms import GatewayNotAllowed, parse_allowed, resolve_gateway

_NO_UID: Final = "none"


def owner_id() -> str:
    """The operator's default, where the environment tells no other."""
    return os.environ.get("ZEROTOUCH_OWNER_ID") or "default"


def owner(declared: Declared) -> str:
    """The ownership mark that an operator of the same owner id would leave."""
    return f"{owner_id()}/{declared.namespace}/{declared.name}"


def gateway(declared: Declared, trusting: bool = False) -> str:
    """The gateway's origin. Raises CommandError where it must not be given credentials.

    `trusting`: it is given none. A file from a pull request must not be able to send them to a host of its author's.
    """
    qualys = declared.spec.qualys
    own = qualys.gateway_url or "" if trusting else os.environ.get("ZEROTOUCH_ALLOWED_GATEWAYS", "")
    try:
        allowed = parse_allowed(own)
        return resolve_gateway(qualys.platform, qualys.gateway_url, allowed)
    except GatewayNotAllowed as error:
        raise CommandError(Exit.SETTINGS, str(error)) from None


def resolve(
    declared: Declared, token_fingerprint: str | None = None, trusting: bool = False, bus_arn: str | None = None
) -> dict[str, QualysZeroTouchAccountSpec]:
    """Account id → its spec. Raises CommandError; `trusting` as for `gateway`; `bus_arn`: that of the operator."""
    parent = ParentRef(name=declared.name, uid=_NO_UID)
    where, bus = gateway(declared, trusting), bus_arn or os.environ.get("ZEROTOUCH_EVENTS_BUS_ARN") or None
    return {
        entry.id: resolve_account(parent, declared.spec, entry, where, token_fingerprint, bus)
        for entry in declared.spec.accounts
    }

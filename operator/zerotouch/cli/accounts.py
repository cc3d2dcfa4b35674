"""From a declared object to what the reconciler is given, as the operator would."""

import os
from typing import Final

from zerotouch.api.account import ParentRef, QualysZeroTouchAccountSpec
from zerotouch.cli.exits import CommandError, Exit
from zerotouch.cli.source import Declared
from zerotouch.desired.account import resolve_account
from zerotouch.qualys.platforms import GatewayNotAllowed, parse_allowed, resolve_gateway

_NO_UID: Final = "none"


def owner(declared: Declared) -> str:
    """The ownership mark that an operator of the same owner id would leave."""
    return f"{os.environ.get('ZEROTOUCH_OWNER_ID') or 'default'}/{declared.namespace}/{declared.name}"


def gateway(declared: Declared) -> str:
    """The gateway's origin. Raises CommandError where it must not be given credentials."""
    qualys = declared.spec.qualys
    try:
        allowed = parse_allowed(os.environ.get("ZEROTOUCH_ALLOWED_GATEWAYS", ""))
        return resolve_gateway(qualys.platform, qualys.gateway_url, allowed)
    except GatewayNotAllowed as error:
        raise CommandError(Exit.SETTINGS, str(error)) from None


def resolve(declared: Declared, token_fingerprint: str | None = None) -> dict[str, QualysZeroTouchAccountSpec]:
    """Account id → its spec."""
    parent = ParentRef(name=declared.name, uid=_NO_UID)
    where = gateway(declared)
    return {
        entry.id: resolve_account(parent, declared.spec, entry, where, token_fingerprint)
        for entry in declared.spec.accounts
    }

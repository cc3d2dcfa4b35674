"""The pass over an account in which nothing exists: what would be made, without AWS and without credentials."""

from dataclasses import dataclass, replace
from typing import Any, Final

from zerotouch.api.spec import RegionSelection
from zerotouch.desired.context import Context
from zerotouch.desired.values import GLOBAL
from zerotouch.reconcile.authorization import Remembered, utc_now
from zerotouch.reconcile.reconciler import AccountInput, context_of, kinds_of
from zerotouch.reconcile.report import AccountReport
from zerotouch.reconcile.scope import ScopePass
from zerotouch.resources.base import Kind

EVERY_REGION: Final = "(each enabled region)"


@dataclass(frozen=True)
class _Unseen:
    """A kind of which nothing is there."""

    kind: Kind

    def observe(self, *_: Any) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.kind, name)


def assume_empty(account: AccountInput) -> AccountReport:
    """What a pass would make. Which regions are enabled is not known: all of them stand as one."""
    regions = account.spec.regions
    every = regions.selection is RegionSelection.ALL_ENABLED
    main = account.spec.delivery.main
    names = (EVERY_REGION, *([main] if main else [])) if every else tuple(sorted(set(regions.names)))
    context = context_of(account, names)
    scopes = tuple(_scope(replace(context, scope=scope)) for scope in (GLOBAL, *names))
    return AccountReport(account.spec.account_id, scopes)


def _scope(context: Context) -> Any:
    kinds: Any = tuple(_Unseen(kind) for kind in kinds_of(context))
    nobody: Any = None
    scope = ScopePass(kinds, nobody, context, None, Remembered(), utc_now(), dry_run=True)
    scope.look()
    return scope.act(context.routing)

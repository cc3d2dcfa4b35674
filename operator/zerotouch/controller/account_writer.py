"""Writing an account object's status."""

from typing import Final

from zerotouch.api.account import QualysZeroTouchAccountStatus
from zerotouch.api.conditions import Reason
from zerotouch.controller.conditions import Verdict, conditions, now, others
from zerotouch.controller.kube import KubeError
from zerotouch.controller.objects import Account
from zerotouch.controller.shared import Shared

_TRIES: Final = 5


async def write_status(shared: Shared, account: Account, status: QualysZeroTouchAccountStatus) -> Account:
    """Write it over whatever status the object has by now; answers the object as it is then. Raises KubeError."""
    for _ in range(_TRIES):
        try:
            written = await shared.writer.status(account, status)
        except KubeError as error:
            if not error.conflict:
                raise
            current = Account.of(await shared.kube.get(account.key.path))
            if current.meta.uid != account.meta.uid:
                raise
            account = current
        else:
            return account if written is None else Account.of(written)
    raise KubeError(409, f"{account.key} changes faster than its status can be written")


async def say(shared: Shared, account: Account, verdict: Verdict, reason: Reason, message: str) -> None:
    """Change the conditions only; while nobody looks, nothing more is said. Raises KubeError."""
    said = conditions(verdict, reason, message, account.status.conditions, account.meta.generation, now())
    update = {
        "conditions": said if verdict == "suspended" else [*said, *others(account.status.conditions)],
        "observed_generation": account.meta.generation,
        "last_handled_reconcile_at": account.meta.requested_at,
    }
    await write_status(shared, account, account.status.model_copy(update=update))

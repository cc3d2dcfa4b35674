"""What would change in each account, from the reconciler's own report of a pass that writes nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from zerotouch.api.account import QualysZeroTouchAccountSpec
from zerotouch.api.conditions import Reason
from zerotouch.aws.errors import Retry
from zerotouch.controller.exclusive import Finding, findings
from zerotouch.desired.values import UNKNOWN
from zerotouch.plan.change import Action, Change, Conflict, Difference
from zerotouch.plan.text import change_data, change_lines, counts
from zerotouch.reconcile.report import AccountReport, Problem
from zerotouch.resources.connection import Connection

_TOKEN: Final = "token"
# Told field by field or name by name already.
_TOLD: Final = frozenset({Reason.DRIFTED, Reason.CONFLICT})


@dataclass(frozen=True)
class AccountPlan:
    """One account. `problems`: (scope, problem). `losses`: what goes for good with what is removed.
    `beside`: (region, what others have set up there).

    `needs_token`: a connection has to be written, which takes the token itself; `token`: the fingerprint of the one that
    its connections keep, where they do.
    """

    spec: QualysZeroTouchAccountSpec
    changes: tuple[Change, ...]
    conflicts: tuple[Conflict, ...]
    problems: tuple[tuple[str, Problem], ...]
    needs_token: bool
    token: str | None = None
    losses: tuple[str, ...] = ()
    beside: tuple[tuple[str, Finding], ...] = ()

    @property
    def title(self) -> str:
        return f"{self.spec.account_id} {self.spec.name or ''}".rstrip()

    @property
    def right(self) -> bool:
        """Whether all that was looked at could be, and can be made as declared."""
        return not self.problems and not self.conflicts


def make_plan(spec: QualysZeroTouchAccountSpec, report: AccountReport, new_token: bool = False) -> AccountPlan:
    """`new_token`: the connections are to get another one. Where none is known, they keep what they have."""
    changes = [change for scope in report.scopes for change in scope.planned]
    problems = [(scope.name, scope.problem) for scope in report.scopes if scope.problem]
    if report.problem is not None:
        problems.append(("", report.problem))
    conflicts = tuple(conflict for scope in report.scopes for conflict in scope.conflicts)
    held = {_found_token(c) for c in changes if _is_connection(c)} - {None}
    needs, token = any(_is_connection(c) for c in changes), spec.token_fingerprint
    if token is None:
        beyond = any(_is_connection(c) and _beyond_token(c) for c in changes)
        needs = new_token or beyond or (len(held) > 1 and any(not _is_connection(c) for c in changes))
        token = next(iter(held), None) if not needs and len(held) == 1 else None
        changes = [_with_unknown_token(c) for c in changes] if needs else [c for c in changes if not _is_connection(c)]
    told = tuple((where, problem) for where, problem in problems if problem.reason not in _TOLD)
    losses = tuple(loss for scope in report.scopes for loss in scope.losses)
    beside = tuple(
        (scope.name, finding)
        for scope in report.scopes
        for finding in findings(scope.delivered_twice_by or (), scope.rivals or ())
    )
    return AccountPlan(spec, tuple(changes), conflicts, told, needs, token, losses, beside)


def summary(plans: Sequence[AccountPlan]) -> dict[str, int]:
    """Numbers over all accounts."""
    number = counts(change for plan in plans for change in plan.changes)
    return {
        "accounts": len(plans),
        "create": number[Action.CREATE],
        "change": number[Action.UPDATE],
        "adopt": number[Action.ADOPT],
        "remove": number[Action.DELETE],
        "conflicts": sum(len(plan.conflicts) for plan in plans),
        "problems": sum(len(plan.problems) for plan in plans),
    }


def plan_lines(plans: Sequence[AccountPlan], nothing: str) -> Iterator[str]:
    """The whole plan, account by account; those of which there is nothing to tell are left out."""
    for plan in plans:
        if plan.changes or plan.beside or not plan.right:
            yield from _account_lines(plan)
    number = summary(plans)
    accounts = f"{number['accounts']} account{'s' if number['accounts'] != 1 else ''}"
    if not any(value for name, value in number.items() if name != "accounts"):
        yield f"{nothing} ({accounts})"
        return
    text = f"Plan: {number['create']} to create, {number['change']} to change, {number['remove']} to remove"
    more = [f"{number['adopt']} to take over"] if number["adopt"] else []
    more += [f"{number[name]} {name}" for name in ("conflicts", "problems") if number[name]]
    yield f"{', '.join([text, *more])}, in {accounts}."


def plan_data(plans: Sequence[AccountPlan]) -> dict[str, Any]:
    """The whole plan as plain values."""
    return {
        "accounts": [
            {
                "id": plan.spec.account_id,
                **({"name": plan.spec.name} if plan.spec.name else {}),
                "changes": [change_data(change) for change in plan.changes],
                "conflicts": [
                    {
                        "region": c.resource.region,
                        "kind": c.resource.kind,
                        "name": c.resource.name,
                        "message": c.message,
                    }
                    for c in plan.conflicts
                ],
                "losses": list(plan.losses),
                "beside": [
                    {"region": where, "reason": found.reason.value, "message": found.what, "mend": found.mend}
                    for where, found in plan.beside
                ],
                "problems": [
                    {"region": where or None, "reason": problem.reason.value, "message": problem.message}
                    for where, problem in plan.problems
                ],
            }
            for plan in plans
        ],
        "summary": summary(plans),
    }


def settling(report: AccountReport) -> bool:
    """Whether another pass may soon do what this one could not."""
    problems = [report.problem, *(scope.problem for scope in report.scopes)]
    return any(problem is not None and problem.retry is Retry.SOON for problem in problems)


def _account_lines(plan: AccountPlan) -> Iterator[str]:
    yield f"account {plan.title}"
    yield ""
    regions = list(dict.fromkeys(change.resource.region for change in plan.changes))
    for region in regions:
        yield f"  {region}"
        for change in plan.changes:
            if change.resource.region == region:
                yield from (f"    {line}" for line in change_lines(change))
        yield ""
    for loss in plan.losses:
        yield f"  ! lost: {loss}"
    for conflict in plan.conflicts:
        yield f"  ! conflict: {conflict.message}"
    for where, problem in plan.problems:
        yield f"  ! {where + ': ' if where else ''}{problem.reason.value}: {problem.message}"
    for where, found in plan.beside:
        yield f"  ! {where}: {found.reason.value}: {found.what}: {found.mend}"
    if not plan.right or plan.losses or plan.beside:
        yield ""


def _is_connection(change: Change) -> bool:
    return change.resource.kind == Connection.name and change.action is not Action.DELETE


def _beyond_token(change: Change) -> bool:
    return change.action is Action.CREATE or any(d.path != _TOKEN for d in change.differences)


def _found_token(change: Change) -> str | None:
    return next((d.found for d in change.differences if d.path == _TOKEN), None)


def _with_unknown_token(change: Change) -> Change:
    """The token will be known when it was got."""
    if not _is_connection(change):
        return change
    if change.action is Action.CREATE:
        return replace(change, content={**(change.content or {}), _TOKEN: UNKNOWN})
    differences = (Difference(d.path, UNKNOWN, d.found) if d.path == _TOKEN else d for d in change.differences)
    return replace(change, differences=tuple(differences))

"""What a pass over one scope tells in the end: state, numbers, and the problem that stands in the way."""

from collections.abc import Sequence

from zerotouch.api.account import State
from zerotouch.api.conditions import Reason
from zerotouch.api.drift import Left
from zerotouch.aws.errors import AWSError, Retry
from zerotouch.plan.change import ResourceID
from zerotouch.plan.declared import field_hashes
from zerotouch.plan.fighting import field_of, fought, show_fight
from zerotouch.plan.ownership import Ownership
from zerotouch.plan.render import count, show_resource
from zerotouch.reconcile.authorization import Authorizing
from zerotouch.reconcile.deciding import SECRETS
from zerotouch.reconcile.findings import Findings, Task
from zerotouch.reconcile.report import Problem, ScopeReport
from zerotouch.resources.base import Kind, Observed


def summarize(task: Task, found: Findings, authorizing: Authorizing, waits: str | None) -> ScopeReport:
    """`waits`: why events do not take the declared way yet."""
    asked, wrong = [kind for kind in task.kinds if task.asks_for(kind)], _wrong(found, Left.REPORTED)
    # What needs something that is wrong cannot be right either.
    for kind in asked:
        if (wrong | found.left_missing).intersection(kind.needs) and not _exists_ours(found.observed(kind)):
            wrong.add(kind.name)
    foreign = found.beside.misusing if found.beside else ()
    problem = _problem(task, found, foreign, waits)
    right = problem is None and not wrong
    present = found.present()
    return ScopeReport(
        name=task.context.scope,
        state=State.READY if right else State.NOT_READY,
        ready=sum(kind.name not in wrong for kind in asked),
        total=len(asked),
        hash=task.hash if right or task.was_right else None,
        field_hashes=_field_hashes(task, found),
        problem=problem,
        changes=tuple(found.changes),
        planned=tuple(found.planned),
        drifts=tuple(found.drifts),
        conflicts=tuple(found.conflicts),
        foreign_destinations=foreign,
        delivered_twice_by=found.beside.delivering if found.beside else None,
        rivals=_rivals(found),
        version=_version_now(task, found),
        losses=tuple(found.losses),
        seen=present,
        token=authorizing.token(present.values(), bool(found.errors)),
        healing=authorizing.healing(present.values(), bool(found.errors)),
    )


def _field_hashes(task: Task, found: Findings) -> dict[str, str]:
    """Of each kind as it is in place; as it was before where it was not touched; none where a write came to nothing."""
    hashes, before = {}, task.before.field_hashes
    # What is fought over is declared as it was, or it would have been made.
    otherwise = _wrong(found, Left.REPORTED, Left.FIGHTING) | found.held_up
    for name, wanted in task.wanted.items():
        if wanted is None:
            continue
        now = field_hashes(wanted)
        if name not in otherwise:
            hashes[name] = now
        elif name in before and (before[name] == now or name not in found.failed):
            hashes[name] = before[name]
    return hashes


def losses_of(resource: ResourceID, deleted: Observed) -> list[str]:
    """What goes for good with a resource that is deleted."""
    return [f"{deleted.loses} with {show_resource(resource)}"] if deleted.loses else []


def problem_of(errors: Sequence[AWSError]) -> Problem:
    """The first error that needs a person, else the first; and how many more there are."""
    first = next((e for e in errors if e.retry is not Retry.SOON), errors[0])
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Problem(first.reason, f"{first}{more}", first.retry)


def _wrong(found: Findings, *right: Left) -> set[str]:
    """Kinds with something else than differences that are left for one of these reasons."""
    wrong = {*found.errors, *found.settling, *found.held_back, *found.in_conflict}
    return wrong | {d.resource.kind for d in found.drifts if not d.mended and d.left not in right}


def _exists_ours(observed: Observed | None) -> bool:
    return observed is not None and observed.ownership in {Ownership.OURS, Ownership.EXTERNAL}


def _rivals(found: Findings) -> tuple[str, ...] | None:
    if any(seen.error is not None for seen in found.seen.values()):
        return None
    return tuple(rival for one in found.present().values() for rival in one.rivals)


def _version_now(task: Task, found: Findings) -> str | None:
    """Of what is as we left it; in mode Observe, or while something is wrong with it, what was remembered."""
    for kind in task.kinds:
        observed = found.observed(kind)
        if observed is not None and observed.version is not None and observed.ownership is Ownership.OURS:
            return task.before.version if _unsure_of_version(task, found, kind) else observed.version
    return None


def _unsure_of_version(task: Task, found: Findings, kind: Kind) -> bool:
    left = any(d.left is not None and d.difference.path == SECRETS for d in found.drifts)
    wrong = kind.name in {*found.errors, *found.settling, *found.held_back}
    return left or wrong or task.observing or task.dry_run


def _problem(task: Task, found: Findings, foreign: Sequence[str], waits: str | None) -> Problem | None:
    if foreign:
        return Problem(Reason.FOREIGN_API_DESTINATION, _misuse(foreign), Retry.PERSON)
    if found.errors:
        return problem_of(list(found.errors.values()))
    if found.conflicts:
        return Problem(Reason.CONFLICT, "; ".join(c.message for c in found.conflicts), Retry.PERSON)
    if found.held_back:
        return next(iter(found.held_back.values()))
    if found.settling:
        names = ", ".join(sorted(set(found.settling)))
        return Problem(Reason.NOT_YET_CONSISTENT, f"AWS is still at work on: {names}", Retry.SOON)
    if fights := _fights(task, found):
        return Problem(Reason.FIGHTING, "; ".join(fights), Retry.PERSON)
    if task.observing and found.drifts:
        differ = f"{count(len(found.drifts), 'field')} {'differs' if len(found.drifts) == 1 else 'differ'}"
        text = f"{differ} from what is declared; mode Observe changes nothing"
        return Problem(Reason.DRIFTED, text, Retry.PERSON)
    if waits:
        return Problem(Reason.REROUTING, waits, Retry.SOON)
    return None


def _fights(task: Task, found: Findings) -> list[str]:
    fields = {field_of(d.resource, d.difference) for d in found.drifts if d.left is Left.FIGHTING}
    repairs = (fought(task.judge.held, field) for field in sorted(fields))
    return list(dict.fromkeys(show_fight(repair) for repair in repairs if repair))


def _misuse(foreign: Sequence[str]) -> str:
    return (
        f"an API destination that is not ours uses our connection and would send the Qualys token elsewhere: "
        f"{', '.join(foreign)}; delete it, then rotate the token"
    )

"""Carrying out what was confirmed: accounts side by side, repeated while AWS is still at work, told in full at the end."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import click

from zerotouch.api.spec import Mode, Regions, RegionSelection
from zerotouch.aws.settings import AWSSettings
from zerotouch.cli.accounts import owner, resolve
from zerotouch.cli.exits import CommandError, Exit
from zerotouch.cli.fleet import work
from zerotouch.cli.main import fault, show_traceback
from zerotouch.cli.output import emit
from zerotouch.cli.planning import AccountPlan, plan_lines, settling
from zerotouch.cli.quiet import quiet_logs
from zerotouch.cli.reviewing import look, look_at_removal
from zerotouch.cli.session import identity, reconciler
from zerotouch.cli.source import Declared, read_file
from zerotouch.cli.tokens import Held, given_token, need_source, obtain
from zerotouch.plan.change import Action, Change
from zerotouch.plan.text import change_data, counts, done_line
from zerotouch.reconcile.reconciler import AccountInput, Reconciler
from zerotouch.reconcile.report import AccountReport

_PATIENCE_SECONDS: Final = 300.0
_FIRST_WAIT: Final = 1.0
_LONGEST_WAIT: Final = 15.0

Told = Callable[[Change], None]
Pass = Callable[[threading.Event, Told], AccountReport]


@dataclass(frozen=True)
class Asked:
    """How the user wants it."""

    yes: bool
    output: str
    settings: AWSSettings


@dataclass
class Done:
    """What became of one account; `changes` grows while it is worked on. `fault`: what ended the work, one of our own."""

    account_id: str
    changes: list[Change] = field(default_factory=list)
    report: AccountReport | None = None
    fault: str | None = None


def apply(
    asked: Asked, file: str, name: str | None, namespace: str | None, token_file: str | None, rotate: bool
) -> Exit:
    """`zerotouch apply`. Raises CommandError."""
    declared = read_file(file, name, namespace)
    _check(declared)
    held = given_token(declared, token_file)
    specs = resolve(declared, held.fingerprint if held else None)
    accounts = [AccountInput(spec, owner(declared)) for spec in specs.values()]
    who = _enter(asked, declared)
    with reconciler(asked.settings) as made:
        plans = look(made, accounts, rotate)
        _show(asked, plan_lines(plans, "No changes: AWS is as declared."))
        if not any(plan.changes for plan in plans):
            return _tell(asked, [], plans)
        source = need_source(declared) if held is None and any(plan.needs_token for plan in plans) else None
        _confirm(asked, "Make these changes", who)
        if held is None and any(plan.needs_token for plan in plans):
            held = obtain(declared, source)
        todo = [(a, plan) for a, plan in zip(accounts, plans, strict=True) if plan.changes]
        jobs = [(a.spec.account_id, _enforce(made, _with_token(a, plan, held))) for a, plan in todo]
        return _tell(asked, _carry_out("changing accounts", jobs), plans)


def delete(asked: Asked, file: str, name: str | None, namespace: str | None, all_regions: bool) -> Exit:
    """`zerotouch delete`. Raises CommandError."""
    declared = read_file(file, name, namespace)
    _check(declared)
    specs = list(resolve(declared, trusting=True).values())
    if all_regions:
        every = Regions(selection=RegionSelection.ALL_ENABLED)
        specs = [spec.model_copy(update={"regions": every}) for spec in specs]
    accounts = [AccountInput(spec, owner(declared)) for spec in specs]
    who = _enter(asked, declared)
    with reconciler(asked.settings) as made:
        plans = look_at_removal(made, accounts)
        _show(asked, plan_lines(plans, "Nothing of this object is there."))
        if not any(plan.changes for plan in plans):
            return _tell(asked, [], plans)
        _confirm(asked, "Remove all this", who)
        todo = [a for a, plan in zip(accounts, plans, strict=True) if plan.changes]
        jobs = [(a.spec.account_id, _remove(made, a)) for a in todo]
        return _tell(asked, _carry_out("cleaning accounts", jobs), plans)


def _check(declared: Declared) -> None:
    if declared.spec.mode is Mode.OBSERVE:
        raise CommandError(Exit.REFUSED, "spec.mode is Observe: nothing is changed; use plan, or set it to Enforce")
    if declared.spec.suspend:
        raise CommandError(Exit.REFUSED, "spec.suspend is true: nothing is changed until it is false")


def _enter(asked: Asked, declared: Declared) -> str:
    quiet_logs()
    return identity(asked.settings, declared.spec.access.sts_region)


def _show(asked: Asked, lines: Iterator[str]) -> None:
    """The plan is for people: it stands beside data, not in it."""
    click.echo("\n".join(lines), err=asked.output != "text")


def _confirm(asked: Asked, question: str, who: str) -> None:
    if asked.yes:
        return
    if not sys.stdin.isatty():
        raise CommandError(Exit.REFUSED, "nothing was changed: there is nobody to ask; use --yes")
    if not click.confirm(f"{question}, as {who}?", err=True):
        raise CommandError(Exit.REFUSED, "nothing was changed")


def _with_token(account: AccountInput, plan: AccountPlan, held: Held | None) -> AccountInput:
    """Connections that need not be written keep the token that they have."""
    if not plan.needs_token or held is None:
        spec = account.spec.model_copy(update={"token_fingerprint": plan.token})
        return replace(account, spec=spec)
    spec = account.spec.model_copy(update={"token_fingerprint": held.fingerprint})
    return replace(account, spec=spec, token=held.token.reveal())


def _enforce(made: Reconciler, account: AccountInput) -> Pass:
    return lambda stop, told: made.reconcile(account, stop, applied=told)


def _remove(made: Reconciler, account: AccountInput) -> Pass:
    return lambda stop, told: made.remove(account, stop, applied=told)


def _carry_out(title: str, jobs: Sequence[tuple[str, Pass]]) -> list[Done]:
    done = [Done(account_id) for account_id, _ in jobs]
    todo = list(zip(done, (one_pass for _, one_pass in jobs), strict=True))
    work(title, todo, lambda item, stop: _until_settled(*item, stop), lambda: _latest(done))
    return done


def _latest(done: Sequence[Done]) -> str:
    number = sum(len(one.changes) for one in done)
    last = next((one for one in reversed(done) if one.changes), None)
    return f"{number} changes; {done_line(last.changes[-1], last.account_id)}" if last else ""


def _until_settled(done: Done, one_pass: Pass, stop: threading.Event) -> None:
    """AWS takes its time with some changes: look again until they are there. A fault in one account is no other's."""
    try:
        _passes(done, one_pass, stop)
    except Exception as error:  # noqa: BLE001 - what was done in this account and the others is told all the same
        show_traceback(error)
        done.fault = fault(error)


def _passes(done: Done, one_pass: Pass, stop: threading.Event) -> None:
    until, pause = time.monotonic() + _PATIENCE_SECONDS, _FIRST_WAIT
    while True:
        done.report = one_pass(stop, done.changes.append)
        if not settling(done.report) or time.monotonic() > until or stop.wait(pause):
            return
        pause = min(pause * 2, _LONGEST_WAIT)


def _tell(asked: Asked, done: Sequence[Done], plans: Sequence[AccountPlan]) -> Exit:
    """What was done, and what is not right; also after an interruption."""
    interrupted = any(one.report.interrupted if one.report else one.fault is None for one in done)
    problems = list(_problems(done, plans))
    if asked.output != "text":
        emit(_data(done, problems, interrupted), asked.output)
    elif done:
        click.echo("\n".join(_lines(done, problems, interrupted)))
    if interrupted:
        raise CommandError(Exit.INTERRUPTED, "interrupted: run it again to finish")
    if any(one.fault for one in done):
        return Exit.INTERNAL
    return Exit.NOT_RIGHT if problems else Exit.OK


def _problems(done: Sequence[Done], plans: Sequence[AccountPlan]) -> Iterator[tuple[str, str, str]]:
    """(account, region, message): of the accounts that were worked on as it is now, of the others as it was seen."""
    worked_on = {one.account_id for one in done}
    for plan in plans:
        if plan.spec.account_id not in worked_on:
            yield from ((plan.spec.account_id, c.resource.region, c.message) for c in plan.conflicts)
            yield from ((plan.spec.account_id, where, problem.message) for where, problem in plan.problems)
    for one in done:
        if one.fault is not None:
            yield one.account_id, "", one.fault
            continue
        if one.report is not None and one.report.problem is not None:
            yield one.account_id, "", one.report.problem.message
        for scope in one.report.scopes if one.report is not None else ():
            if scope.problem is not None:
                yield one.account_id, scope.name, scope.problem.message


def _lines(done: Sequence[Done], problems: Sequence[tuple[str, str, str]], interrupted: bool) -> Iterator[str]:
    yield ""
    for one in done:
        yield from (done_line(change, one.account_id) for change in one.changes)
    for account, region, message in problems:
        yield f"! {account}{'/' + region if region else ''}: {message}"
    number = counts(change for one in done for change in one.changes)
    text = f"{number[Action.CREATE]} created, {number[Action.UPDATE]} changed, {number[Action.DELETE]} removed"
    if number[Action.ADOPT]:
        text += f", {number[Action.ADOPT]} taken over"
    yield f"{'Interrupted' if interrupted else 'Done'}: {text}{f', {len(problems)} problems' if problems else ''}."


def _data(done: Sequence[Done], problems: Sequence[tuple[str, str, str]], interrupted: bool) -> dict[str, Any]:
    return {
        "accounts": [{"id": one.account_id, "changes": [change_data(c) for c in one.changes]} for one in done],
        "problems": [{"account": a, "region": r or None, "message": m} for a, r, m in problems],
        "interrupted": interrupted,
    }

"""What `doctor` looks at: one pass that writes nothing over each account that is meant, with every survey due."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from zerotouch.api.spec import Mode
from zerotouch.api.zerotouch import QualysZeroTouchSpec
from zerotouch.aws.calls import Pass
from zerotouch.aws.errors import AWSError
from zerotouch.aws.settings import AWSSettings
from zerotouch.cli.chain import Target, Token
from zerotouch.cli.cluster import Family, connect, families
from zerotouch.cli.exits import CommandError, Exit
from zerotouch.cli.fleet import work
from zerotouch.cli.options import Cluster
from zerotouch.cli.quiet import quiet_logs
from zerotouch.cli.reviewing import Reviewed, from_declared, from_family
from zerotouch.cli.session import identity, reconciler
from zerotouch.cli.source import read_file
from zerotouch.cli.tokens import given_token
from zerotouch.controller.conditions import condition
from zerotouch.desired.values import GLOBAL
from zerotouch.reconcile.coverage import CoverageSurvey
from zerotouch.reconcile.reconciler import AccountInput, Reconciler, always_true
from zerotouch.reconcile.report import AccountReport, Problem, Surveyed
from zerotouch.reconcile.survey import SURVEYS, run_survey

_ALL_SURVEYS: Final = frozenset(survey.name for survey in SURVEYS)
_OTHER_TOKEN: Final = (
    "give another token where this one comes from, and bring it to AWS: `zerotouch apply --once --rotate-token`"
)
_TOKEN_TROUBLE: Final = ("Token", "Secret", "Gateway")


@dataclass(frozen=True)
class Patient:
    """What is to be looked at, and what the object itself says. `stopped`: why the operator does not act by it."""

    given: Reviewed
    token: Token = field(default_factory=Token)
    stopped: str | None = None


@dataclass(frozen=True)
class Wanted:
    """Which part of it; all of it where None."""

    account: str | None = None
    region: str | None = None
    instance: str | None = None


def patient(file: str | None, name: str | None, cluster: Cluster) -> Patient:
    """From the file where there is one, else from the cluster. Raises CommandError."""
    if file is not None:
        return patient_in_file(file, name, cluster.namespace)
    return patient_in_cluster(name, cluster)


def patient_in_file(file: str, name: str | None, namespace: str | None) -> Patient:
    """A token that cannot be used is a finding as any other. Raises CommandError."""
    declared = read_file(file, name, namespace)
    try:
        held = given_token(declared, None)
    except CommandError as error:
        return Patient(from_declared(declared, None), Token(trouble=str(error), mend=_OTHER_TOKEN, known=False))
    expires = held.token.expires_at if held is not None else None
    return Patient(from_declared(declared, held), Token(expires, known=held is not None))


def patient_in_cluster(name: str | None, cluster: Cluster) -> Patient:
    """The object of that name, or the only one of the namespace. Raises CommandError."""
    family = asyncio.run(_family(name, cluster))
    parent = family.parent
    ready = condition(parent.status.conditions, "Ready")
    trouble = None
    if ready is not None and ready.status != "True" and ready.reason.startswith(_TOKEN_TROUBLE):
        trouble = f"{ready.reason}: {ready.message}"
    expires = parent.status.token.expires_at if parent.status.token else None
    known = parent.status.token is not None
    return Patient(from_family(family), Token(expires, trouble, known), _stopped(parent.spec, parent.meta.deleting))


def examine(patient: Patient, wanted: Wanted, profile: str | None, region: str | None) -> list[Target]:
    """Ask AWS. Raises CommandError."""
    accounts = [a for a in patient.given.accounts if wanted.account in {None, a.spec.account_id}]
    if not accounts:
        known = ", ".join(a.spec.account_id for a in patient.given.accounts[:5])
        raise CommandError(Exit.NOT_FOUND, f"the object declares no account {wanted.account}; it declares {known}")
    settings = AWSSettings(profile=profile, region=region)
    quiet_logs()
    caller = identity(settings, patient.given.sts_region)
    with reconciler(settings) as made:
        due = [replace(a, due_surveys=_ALL_SURVEYS, dry_run=True) for a in accounts]
        seen = work("looking at accounts", due, made.reconcile)
        if seen.interrupted:
            raise CommandError(Exit.INTERRUPTED, "interrupted")
        return [
            target
            for account, report in zip(due, seen.results, strict=True)
            for target in _targets(made, patient, account, report, wanted, caller)
        ]


def _targets(
    made: Reconciler, patient: Patient, account: AccountInput, report: AccountReport, wanted: Wanted, caller: str
) -> list[Target]:
    """One for each region that is meant; one alone where the account could not be entered."""
    regions = [s.name for s in report.scopes if s.name != GLOBAL and not s.gone]
    if wanted.region is not None:
        regions = [wanted.region]
    return [
        Target(
            report=report,
            region=name,
            home=account.spec.delivery.main or name,
            role_arn=account.spec.access.role_arn,
            caller=caller,
            token=patient.token,
            stopped=patient.stopped,
            instance=wanted.instance,
            instance_funnel=_instance(made, account, report, name, wanted.instance),
        )
        for name in regions or [account.spec.access.sts_region]
    ]


def _instance(
    made: Reconciler, account: AccountInput, report: AccountReport, region: str, instance: str | None
) -> Surveyed | None:
    if instance is None or report.problem is not None:
        return None
    scope = next((s for s in report.scopes if s.name == region), None)
    try:
        api, context = made.region(account, region, Pass(threading.Event(), always_true))
    except AWSError as error:
        return Surveyed(problem=Problem(error.reason, str(error), error.retry))
    return run_survey(CoverageSurvey(instance), api, context, scope.seen if scope else {}, datetime.now(UTC))


def _stopped(spec: QualysZeroTouchSpec, deleting: bool) -> str | None:
    if deleting:
        return "the object is being deleted"
    if spec.suspend:
        return "spec.suspend is true"
    return "spec.mode is Observe" if spec.mode is Mode.OBSERVE else None


async def _family(name: str | None, cluster: Cluster) -> Family:
    async with connect(cluster) as connected:
        found: Sequence[Family] = await families(connected, name=name)
    if len(found) == 1:
        return found[0]
    if not found:
        text = (
            f"there is no QualysZeroTouch in namespace {connected.namespace}: see kubectl get qzt -A, or give -f FILE"
        )
        raise CommandError(Exit.NOT_FOUND, text)
    names = ", ".join(sorted(f.parent.key.name for f in found))
    raise CommandError(
        Exit.USAGE, f"there are several in namespace {connected.namespace}: choose one with --name: {names}"
    )

"""What signals mean for an account: whether they are about our resources, in which scope, and which drift they explain. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from zerotouch.desired.context import Context
from zerotouch.desired.values import GLOBAL
from zerotouch.plan.author import DetectedBy
from zerotouch.plan.change import EXISTS, ResourceID, lies_below
from zerotouch.plan.signal import Named, Signal, Sort
from zerotouch.reconcile.report import AccountReport, Drift
from zerotouch.resources.detection_pattern import iam_events_region, our_session
from zerotouch.resources.detection_rule import IAMDetectionRule

# Never an echo of ours, whenever they come.
_ALARMS: Final = frozenset(
    {
        "Connection Deauthorization Started",
        "Connection Deauthorized",
        "Connection Failed Connectivity",
        "API Destination Deactivated",
    }
)
# States of connections follow our own writes by this long at most.
_ECHO: Final = timedelta(seconds=60)
_SKEW: Final = timedelta(seconds=5)
_READS: Final = ("Describe", "Get", "List", "Lookup")
# Calls that change only a part of a resource, and which; all others may change any.
_CHANGES_ONLY: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("EnableRule", "DisableRule"), ("state",)),
    **dict.fromkeys(("PutTargets", "RemoveTargets"), ("targets",)),
    **dict.fromkeys(("TagResource", "UntagResource", "AddTagsToResource", "RemoveTagsFromResource"), ("tags",)),
    **dict.fromkeys(("TagRole", "UntagRole", "TagPolicy", "UntagPolicy", "TagQueue", "UntagQueue"), ("tags",)),
    **dict.fromkeys(("PutRolePolicy", "DeleteRolePolicy"), ("inlinePolicies",)),
    **dict.fromkeys(("AttachRolePolicy", "DetachRolePolicy"), ("attachedPolicies", "attachedTo")),
    **dict.fromkeys(("PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary"), ("permissionsBoundary",)),
    "UpdateAssumeRolePolicy": ("trust",),
    "UpdateRoleDescription": ("description",),
    **dict.fromkeys(("DeleteRule", "DeleteConnection", "DeleteApiDestination", "DeleteAssociation"), (EXISTS,)),
    **dict.fromkeys(("DeleteQueue", "DeleteRole", "DeletePolicy"), (EXISTS,)),
}


class Judgement(StrEnum):
    """What a signal is to us."""

    OURS = "ours"
    OWN = "own"
    FOREIGN = "foreign"


def judge(
    signal: Signal, context: Context, entered: Iterable[str], written_at: Callable[[str], datetime | None]
) -> tuple[Judgement, str]:
    """The judgement, and the scope that is to be looked at.

    `context`: of the account; `entered`: scopes that were set up; `written_at`: scope → when we last wrote there.
    """
    scope = scope_of(signal, context)
    if signal.account != context.account_id or scope not in set(entered):
        return Judgement.FOREIGN, scope
    if signal.failed or signal.what.startswith(_READS) or not any(is_ours(named, context) for named in signal.named):
        return Judgement.FOREIGN, scope
    if signal.session == our_session(context) or _is_echo(signal, written_at(scope)):
        return Judgement.OWN, scope
    return Judgement.OURS, scope


def judge_author(signal: Signal, context: Context) -> bool:
    """Whether it may be what others did to a resource of ours."""
    changed = not signal.failed and not signal.what.startswith(_READS)
    return changed and signal.author is not None and signal.session != our_session(context)


def scope_of(signal: Signal, context: Context) -> str:
    """`global` for IAM, and for the rule that watches it."""
    iam_rule = Named(Sort.RULE, IAMDetectionRule().resource_name(context))
    there = signal.region == iam_events_region(context.partition)
    if there and (iam_rule in signal.named or any(n.sort in {Sort.ROLE, Sort.POLICY} for n in signal.named)):
        return GLOBAL
    return signal.region


def is_ours(named: Named, context: Context) -> bool:
    """By the beginning of its name; an association that is named by an id only may be ours."""
    if named.sort is Sort.ASSOCIATION:
        return True
    connector = context.spec.connector
    if named.sort is Sort.ROLE and connector is not None:
        role = connector.role.name if connector.role else connector.existing_role_name
        if named.name == role:
            return True
    return named.name.startswith(context.prefix)


def explains(signal: Signal, resource: ResourceID) -> bool:
    """Whether it names the resource; kinds are called after the sort of resource that they are."""
    return any(resource.kind.endswith(named.sort.value) and named.name in {"", resource.name} for named in signal.named)


def found_now(drift: Drift) -> datetime | None:
    """When a pass found it, if none before did."""
    return drift.found_at


def may_have_changed(signal: Signal, path: str) -> bool:
    """Whether such a call, or state, changes that field at all."""
    only = _CHANGES_ONLY.get(signal.what)
    return only is None or any(lies_below(path, part) for part in only)


def attributed(
    report: AccountReport,
    signals: Mapping[str, Iterable[Signal]],
    first_found: Callable[[Drift], datetime | None] = found_now,
) -> AccountReport:
    """The report of a pass that signals have caused, scope → signals, with what they tell of each drift.

    `first_found`: when it was first found as it is: what happened later did not cause it.
    """
    scopes = tuple(
        replace(scope, drifts=tuple(_attribute(d, list(signals[scope.name]), first_found(d)) for d in scope.drifts))
        if scope.name in signals
        else scope
        for scope in report.scopes
    )
    return replace(report, scopes=scopes)


def latest(signals: Iterable[Signal], resource: ResourceID, path: str, until: datetime | None) -> Signal | None:
    """The last of those that explain a difference there, one with an author before one without."""
    told = (s for s in signals if explains(s, resource) and may_have_changed(s, path))
    fitting = [s for s in told if until is None or s.at <= until + _SKEW]
    return max(fitting, key=lambda s: (s.author is not None, s.at), default=None)


def _attribute(drift: Drift, signals: list[Signal], first_found: datetime | None) -> Drift:
    signal = latest(signals, drift.resource, drift.difference.path, first_found)
    if signal is None:
        return replace(drift, detected_by=DetectedBy.EVENT)
    return replace(drift, detected_by=DetectedBy.EVENT, occurred_at=signal.at, author=signal.author)


def _is_echo(signal: Signal, written_at: datetime | None) -> bool:
    if signal.session is not None or signal.author is not None or signal.what in _ALARMS or written_at is None:
        return False
    return signal.at <= written_at + _ECHO

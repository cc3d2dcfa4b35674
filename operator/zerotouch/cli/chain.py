"""The chain from an AWS account to a scan, link by link, from what a pass that writes nothing saw. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from zerotouch.api.conditions import Reason
from zerotouch.api.coverage import Gap
from zerotouch.api.delivery import Answer as Delivering
from zerotouch.controller.delivery import verdict
from zerotouch.controller.exclusive import NOBODY, findings
from zerotouch.desired.values import GLOBAL
from zerotouch.plan.change import Action, Change
from zerotouch.plan.funnel import Funnel
from zerotouch.plan.render import show_difference, some
from zerotouch.reconcile.delivery import DeliveryFinding
from zerotouch.reconcile.report import AccountReport, Problem, ScopeReport, Surveyed

_MOST_NAMED: Final = 3
_DENIED: Final = frozenset({Reason.ACCESS_DENIED, Reason.DENIED_BY_SCP})
_REGION: Final = frozenset({Reason.REGION_NOT_ENABLED, Reason.REGION_UNSUPPORTED, Reason.STS_REGION_NOT_ENABLED})


class Answer(StrEnum):
    """What is known of one link. One with a warning is not broken."""

    GOOD = "good"
    WARNING = "warning"
    BROKEN = "broken"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Link:
    """One link. `evidence`: what was seen. `mend`: what to do, where it is not good."""

    name: str
    answer: Answer
    evidence: str
    mend: str = ""


@dataclass(frozen=True)
class Token:
    """What is known of the subscription token beside AWS. `trouble`: what the object, or the file, says of it; `mend`: what to
    do about that.

    `known`: whether it can be told if a connection carries another one.
    """

    expires_at: datetime | None = None
    trouble: str | None = None
    known: bool = True
    mend: str = "kubectl describe qzt tells what to do"


@dataclass(frozen=True)
class Target:
    """One account and region. `home`: where its connection and API destination are; `instance`: one that is asked about.

    `instance_funnel`: that instance alone, None where it was not looked at.
    """

    report: AccountReport
    region: str
    home: str
    role_arn: str
    caller: str
    token: Token = field(default_factory=Token)
    stopped: str | None = None
    instance: str | None = None
    instance_funnel: Surveyed | None = None

    def scope(self, name: str) -> ScopeReport | None:
        """What the pass said of a region, or of the account-wide resources."""
        return next((s for s in self.report.scopes if s.name == name), None)


def chain(target: Target, now: datetime) -> list[Link]:
    """Every link in the order in which an instance's start runs through them; times have a time zone."""
    entrance = [
        _object(target),
        Link("identity", Answer.GOOD, target.caller),
        _access(target),
        _region(target),
        _permissions(target),
    ]
    if any(link.answer is Answer.BROKEN for link in entrance[2:4]):
        return entrance
    return [
        *entrance,
        _kind(target, "inventory association", target.region, "InventoryAssociation", _OPERATOR),
        *_instances(target),
        _kind(target, "rule", target.region, "Rule", _OPERATOR, _but("targets")),
        _kind(target, "target", target.region, "Rule", _OPERATOR, _only("targets")),
        _roles(target),
        _destination(target),
        _kind(target, "connection", target.home, "Connection", _OPERATOR, _but("token", "secretValues")),
        _token(target, now),
        *_delivery(target),
        _exclusive(target),
    ]


def first_broken(links: Iterable[Link]) -> Link | None:
    """What to mend first."""
    return next((link for link in links if link.answer is Answer.BROKEN), None)


_OPERATOR: Final = (
    "the operator mends that within spec.interval in mode Enforce, at once by `zerotouch apply --once` or by the annotation "
    "zerotouch.dev/requestedAt; if it comes back, somebody else changes it"
)
_AGENT: Final = (
    "an instance needs the SSM agent, and an instance profile or Default Host Management that lets it report"
)

Picks = Callable[[str], bool]


def _all(_: str) -> bool:
    return True


def _only(*paths: str) -> Picks:
    return lambda path: any(path == p or path.startswith((f"{p}.", f"{p}[")) for p in paths)


def _but(*paths: str) -> Picks:
    only = _only(*paths)
    return lambda path: not only(path)


def _object(target: Target) -> Link:
    if target.stopped is None:
        return Link("object", Answer.GOOD, "the operator may act by it")
    return Link("object", Answer.BROKEN, target.stopped, "as long as that is so, nothing is mended")


def _access(target: Target) -> Link:
    problem = target.report.problem
    if problem is None:
        return Link("access", Answer.GOOD, target.role_arn)
    mend = (
        "let the account's role trust the operator's role, with the ExternalId of spec.access: `zerotouch policy trust`"
    )
    return Link("access", Answer.BROKEN, problem.message, mend)


def _region(target: Target) -> Link:
    scope = target.scope(target.region)
    if scope is None and target.report.problem is None:
        return Link("region", Answer.BROKEN, f"the object does not declare {target.region}", "add it to spec.regions")
    if scope is not None and scope.problem is not None and scope.problem.reason in _REGION:
        return Link("region", Answer.BROKEN, scope.problem.message, "enable it, or take it out of spec.regions")
    return Link("region", Answer.GOOD, target.region) if scope else Link("region", Answer.UNKNOWN, "not looked at")


def _permissions(target: Target) -> Link:
    if target.report.problem is not None:
        return Link("permissions", Answer.UNKNOWN, "the account could not be entered")
    denied = [p for p in _problems(target) if p.reason in _DENIED]
    if denied:
        mend = "give the account's role what `zerotouch policy account` prints, and see what else denies it (SCP, boundary)"
        return Link("permissions", Answer.BROKEN, denied[0].message, mend)
    return Link("permissions", Answer.GOOD, "every call of this look was allowed")


def _problems(target: Target) -> list[Problem]:
    names = dict.fromkeys((GLOBAL, target.region, target.home))
    scopes = [scope for name in names if (scope := target.scope(name)) is not None]
    surveyed = [s.problem for scope in scopes for s in scope.surveys.values()]
    return [p for p in (*(scope.problem for scope in scopes), *surveyed) if p is not None]


def _kind(target: Target, name: str, where: str, kind: str, mend: str, picks: Picks = _all) -> Link:
    """One kind of resource, or some of its fields."""
    scope = target.scope(where)
    if scope is None:
        return Link(name, Answer.UNKNOWN, f"{where} was not looked at")
    for conflict in scope.conflicts:
        if conflict.resource.kind == kind:
            return Link(name, Answer.BROKEN, conflict.message, "adopt it (spec.adoptionPolicy), or remove it")
    changes = [c for c in scope.planned if c.resource.kind == kind]
    wrong = [text for change in changes for text in _wrong(change, picks)]
    if wrong:
        return Link(name, Answer.BROKEN, some(wrong, _MOST_NAMED), mend)
    if kind not in scope.seen and not changes:
        why = scope.problem.message if scope.problem else f"there is none in {where}"
        return Link(name, Answer.UNKNOWN, why)
    return Link(name, Answer.GOOD, f"as declared, in {where}")


def _wrong(change: Change, picks: Picks) -> list[str]:
    if change.action is Action.CREATE:
        return [f"there is no {change.resource.kind} {change.resource.name} in {change.resource.region}"]
    # De-authorizing takes away parameters too: the state says what happened.
    found = sorted((d for d in change.differences if picks(d.path)), key=lambda d: d.path != "state")
    return [show_difference(d) for d in found]


def _instances(target: Target) -> list[Link]:
    if target.instance is not None:
        return _one_instance(target, target.instance)
    scope = target.scope(target.region)
    surveyed = scope.surveys.get("coverage") if scope else None
    if surveyed is None or surveyed.found is None:
        why = surveyed.problem.message if surveyed and surveyed.problem else "coverage is switched off (spec.coverage)"
        return [Link(name, Answer.UNKNOWN, why) for name in ("SSM agent", "inventory freshness")]
    return _funnel(surveyed.found)


_AGENT_GAPS: Final = frozenset({Gap.NOT_MANAGED, Gap.AGENT_OFFLINE})
_INVENTORY_GAPS: Final = frozenset({Gap.NEVER_INVENTORIED, Gap.INVENTORY_STALE})


def _funnel(found: Funnel) -> list[Link]:
    """Agent, inventory and, where somebody restricts it, platform."""
    links = [
        _gaps("SSM agent", found, _AGENT_GAPS, f"{found.online} of {found.running} running instances online", _AGENT),
        _gaps(
            "inventory freshness",
            found,
            _INVENTORY_GAPS,
            f"{found.inventoried} of {found.online} online instances inventoried",
            "see the association's last run: aws ssm describe-association-executions; StartAssociationsOnce runs it now",
        ),
    ]
    if found.gaps[Gap.PLATFORM_NOT_ALLOWED]:
        mend = "add it to spec.coverage.platforms, if Qualys can scan it"
        links.append(_gaps("platform", found, frozenset({Gap.PLATFORM_NOT_ALLOWED}), "", mend))
    return links


def _gaps(name: str, found: Funnel, gaps: frozenset[Gap], good: str, mend: str) -> Link:
    lost = [f"{i.id}: {i.message}" for i in found.uncovered if i.gap in gaps]
    if lost:
        return Link(name, Answer.BROKEN, some(lost, _MOST_NAMED), mend)
    if not found.running:
        return Link(name, Answer.UNKNOWN, "no instance runs")
    starting = f"; {found.starting} just started" if found.starting else ""
    return Link(name, Answer.GOOD, good + starting)


def _one_instance(target: Target, instance: str) -> list[Link]:
    surveyed = target.instance_funnel
    if surveyed is None or surveyed.found is None:
        why = surveyed.problem.message if surveyed and surveyed.problem else "not looked at"
        return [Link("instance", Answer.UNKNOWN, why)]
    found: Funnel = surveyed.found
    if not found.running:
        text = f"no instance {instance} runs in {target.region}, or spec.inventory.targets does not mean it"
        return [Link("instance", Answer.BROKEN, text, "start it, or name another account or region")]
    return [Link("instance", Answer.GOOD, f"{instance} runs"), *_funnel(found)]


def _roles(target: Target) -> Link:
    kinds = ("ExecutionRole",) if target.home == target.region else ("ExecutionRole", "ForwardRole")
    links = [_kind(target, "role", GLOBAL, kind, _OPERATOR) for kind in kinds]
    worst = {Answer.BROKEN: 0, Answer.UNKNOWN: 1, Answer.GOOD: 2}
    return min(links, key=lambda link: worst[link.answer])


def _destination(target: Target) -> Link:
    link = _kind(target, "API destination", target.home, "APIDestination", _OPERATOR)
    scope = target.scope(target.home)
    if link.answer is Answer.GOOD and scope is not None and scope.foreign_destinations:
        text = f"our connection is used by {', '.join(scope.foreign_destinations)} too, which get the token"
        return Link(link.name, Answer.BROKEN, text, "delete what is not yours there, then rotate the token")
    return link


def _token(target: Target, now: datetime) -> Link:
    token = target.token
    if token.trouble is not None:
        return Link("token", Answer.BROKEN, token.trouble, token.mend)
    if token.expires_at is not None and token.expires_at <= now:
        at = token.expires_at.isoformat(timespec="seconds")
        return Link("token", Answer.BROKEN, f"the subscription token expired at {at}", "store or mint a new one")
    paths = ("secretValues", *(["token"] if token.known else []))
    link = _kind(target, "token", target.home, "Connection", _OPERATOR, _only(*paths))
    if link.answer is not Answer.GOOD:
        return link
    if token.expires_at is None:
        return Link("token", Answer.GOOD, "nobody else wrote it; when it expires is not known")
    at = token.expires_at.isoformat(timespec="seconds")
    return Link("token", Answer.GOOD, f"nobody else wrote it; it expires at {at}")


def _delivery(target: Target) -> list[Link]:
    scope = target.scope(target.region)
    surveyed = scope.surveys.get("delivery") if scope else None
    if surveyed is None or surveyed.found is None:
        why = surveyed.problem.message if surveyed and surveyed.problem else "not looked at"
        return [Link("delivery", Answer.UNKNOWN, why), Link("dead letters", Answer.UNKNOWN, why)]
    return [_delivered(surveyed.found), _letters(surveyed.found)]


def _exclusive(target: Target) -> Link:
    """Whether others deliver, or collect, the same: each start would be assessed twice, or inventory be another's."""
    scope = target.scope(target.region)
    twice, rivals = (scope.delivered_twice_by, scope.rivals) if scope else (None, None)
    if found := findings(twice or (), rivals or ()):
        evidence, mend = ("; ".join(texts) for texts in zip(*((one.what, one.mend) for one in found), strict=True))
        return Link("exclusive", Answer.WARNING, evidence, mend)
    if twice is None or rivals is None:
        return Link("exclusive", Answer.UNKNOWN, "what others have set up could not be looked at")
    return Link("exclusive", Answer.GOOD, NOBODY)


_SORTED: Final[Mapping[Delivering, Answer]] = {
    Delivering.TRUE: Answer.GOOD,
    Delivering.FALSE: Answer.BROKEN,
    Delivering.UNKNOWN: Answer.UNKNOWN,
}


def _delivered(found: DeliveryFinding) -> Link:
    seen = found.activity
    succeeded, failed = (seen.last_success_at, seen.last_failure_at) if seen else (None, None)
    delivering, reason, text = verdict(found, succeeded, failed)
    if reason is Reason.NO_EVENTS:
        text = "no instance start was seen lately that would tell: `zerotouch simulate` makes one up"
    mend = "see the dead letters and the gateway: does it answer, does it take the token?"
    return Link("delivery", _SORTED[delivering], text, mend if delivering is Delivering.FALSE else "")


def _letters(found: DeliveryFinding) -> Link:
    if found.waiting is None:
        return Link("dead letters", Answer.UNKNOWN, "there is no queue (spec.delivery.deadLetterQueue)")
    if not found.waiting:
        return Link("dead letters", Answer.GOOD, "none wait")
    success = found.activity.last_success_at if found.activity else None
    if success is not None and found.letters and found.letters[0].sent_at < success:
        return Link("dead letters", Answer.GOOD, f"{found.waiting} wait, all older than the last success")
    why = "; ".join(dict.fromkeys(f"{letter.code}: {letter.message}".rstrip(": ") for letter in found.letters[:3]))
    mend = "mend what they tell; then redrive them (aws sqs start-message-move-task) or purge the queue"
    return Link("dead letters", Answer.BROKEN, f"{found.waiting} wait: {why}", mend)

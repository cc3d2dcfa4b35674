"""From running instances to those that Qualys can scan, and why the others are lost on the way. Pure and total."""

import fnmatch
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from zerotouch.api.coverage import AllowedPlatform, Gap

_PROFILE_POLICY: Final = "AmazonSSMManagedInstanceCore"


@dataclass(frozen=True)
class Instance:
    """A running EC2 instance, as EC2 tells."""

    id: str
    launched_at: datetime
    has_profile: bool


@dataclass(frozen=True)
class Agent:
    """An instance's SSM agent, as SSM tells."""

    online: bool
    last_ping: datetime | None
    platform: str
    version: str


@dataclass(frozen=True)
class Rules:
    """What counts. `host_management`: whether Default Host Management is on, None where that is not known."""

    grace: timedelta
    max_age: timedelta
    platforms: Sequence[AllowedPlatform] = ()
    host_management: bool | None = None


@dataclass(frozen=True)
class Look:
    """What AWS answered in one region. `agents` and `captured` (time of the last inventory) are by instance id.

    A list that was cut off is not complete: of an instance that is missing from it nothing is known.
    """

    instances: Sequence[Instance]
    agents: Mapping[str, Agent] = field(default_factory=dict)
    captured: Mapping[str, datetime] = field(default_factory=dict)
    instances_complete: bool = True
    agents_complete: bool = True
    captured_complete: bool = True


@dataclass(frozen=True)
class Uncovered:
    """One instance, and the stage that it does not reach."""

    id: str
    gap: Gap
    message: str


@dataclass(frozen=True)
class Funnel:
    """Numbers of instances. `running` = `covered` + `starting` + `unknown` + the uncovered."""

    running: int = 0
    starting: int = 0
    unknown: int = 0
    online: int = 0
    inventoried: int = 0
    covered: int = 0
    uncovered: tuple[Uncovered, ...] = ()
    truncated: bool = False

    @property
    def gaps(self) -> Counter[Gap]:
        """Reason → uncovered instances."""
        return Counter(instance.gap for instance in self.uncovered)


def funnel(look: Look, rules: Rules, now: datetime) -> Funnel:
    """Sort every running instance; the uncovered ones by id. Times have a time zone."""
    counts: Counter[str] = Counter()
    uncovered: list[Uncovered] = []
    for instance in sorted(look.instances, key=lambda i: i.id):
        agent, captured = look.agents.get(instance.id), look.captured.get(instance.id)
        gap = _gap(agent, captured, rules, now)
        counts.update(_reached(gap))
        if gap is None:
            continue
        if now - instance.launched_at < rules.grace and gap is not Gap.PLATFORM_NOT_ALLOWED:
            counts["starting"] += 1
        elif _unknown(gap, look):
            counts["unknown"] += 1
        else:
            uncovered.append(Uncovered(instance.id, gap, _explain(gap, instance, agent, captured, rules)))
    return Funnel(
        running=len(look.instances),
        starting=counts["starting"],
        unknown=counts["unknown"],
        online=counts["online"],
        inventoried=counts["inventoried"],
        covered=counts["covered"],
        uncovered=tuple(uncovered),
        truncated=not look.instances_complete or counts["unknown"] > 0,
    )


def _gap(agent: Agent | None, captured: datetime | None, rules: Rules, now: datetime) -> Gap | None:
    if agent is None:
        return Gap.NOT_MANAGED
    if not agent.online:
        return Gap.AGENT_OFFLINE
    if captured is None:
        return Gap.NEVER_INVENTORIED
    if now - captured > rules.max_age:
        return Gap.INVENTORY_STALE
    return None if _allowed(agent, rules.platforms) else Gap.PLATFORM_NOT_ALLOWED


def _reached(gap: Gap | None) -> tuple[str, ...]:
    if gap is None:
        return "online", "inventoried", "covered"
    if gap is Gap.PLATFORM_NOT_ALLOWED:
        return "online", "inventoried"
    return () if gap in (Gap.NOT_MANAGED, Gap.AGENT_OFFLINE) else ("online",)


def _unknown(gap: Gap, look: Look) -> bool:
    if gap is Gap.NOT_MANAGED:
        return not look.agents_complete
    return gap is Gap.NEVER_INVENTORIED and not look.captured_complete


def _allowed(agent: Agent, platforms: Sequence[AllowedPlatform]) -> bool:
    return not platforms or any(
        _like(agent.platform, platform.name)
        and (not platform.versions or any(_like(agent.version, version) for version in platform.versions))
        for platform in platforms
    )


def _like(text: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(text.lower(), pattern.lower())


def _explain(gap: Gap, instance: Instance, agent: Agent | None, captured: datetime | None, rules: Rules) -> str:
    match gap:
        case Gap.NOT_MANAGED:
            return _unmanaged(instance, rules.host_management)
        case Gap.AGENT_OFFLINE:
            return f"SSM agent offline since {_time(agent.last_ping if agent else None)}"
        case Gap.NEVER_INVENTORIED:
            return "online, but its inventory was never collected: look at the inventory association's last run"
        case Gap.INVENTORY_STALE:
            return f"inventory of {_time(captured)} is older than {_hours(rules.max_age)}"
        case Gap.PLATFORM_NOT_ALLOWED:
            what = f"{agent.platform} {agent.version}".strip() if agent else ""
            return f"platform {what or 'unknown'} is not in spec.coverage.platforms"


def _unmanaged(instance: Instance, host_management: bool | None) -> str:
    if instance.has_profile:
        return (
            f"not managed by SSM although it has an instance profile: does that hold {_PROFILE_POLICY}, "
            "does the agent run, and can it reach SSM?"
        )
    if host_management is None:
        return "not managed by SSM: no instance profile, and whether Default Host Management is on is not known"
    if host_management:
        return (
            "not managed by SSM although Default Host Management is on: is the agent at least 3.2.582.0, does it run, "
            "does it use IMDSv2, and can it reach SSM?"
        )
    return "not managed by SSM: neither an instance profile nor Default Host Management"


def _time(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else "an unknown time"


def _hours(age: timedelta) -> str:
    minutes = int(age.total_seconds()) // 60
    hours, rest = divmod(minutes, 60)
    return "".join(f"{n}{unit}" for n, unit in ((hours, "h"), (rest, "m")) if n) or "0m"

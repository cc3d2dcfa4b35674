"""What the kinds that own an EventBridge rule with its targets share: reading it, mending it field by field, deleting it."""

import json
from typing import Any, Final

from zerotouch.api.meta import OWNER_TAG
from zerotouch.aws.calls import RegionAPI
from zerotouch.plan.ownership import Ownership, by_tags
from zerotouch.resources.base import Differences, Fields, Observed, from_tags, tag_changes, to_tags, touches
from zerotouch.resources.entries import raise_for_failed_entries
from zerotouch.resources.patterns import as_pattern

DEFAULT_BUS: Final = "default"
_MISSING: Final = ("ResourceNotFoundException",)


def wanted_rule(
    description: str, pattern: dict[str, Any], tags: dict[str, str], targets: dict[str, dict[str, Any]]
) -> Fields:
    """The desired form of an enabled rule. `targets`: Id → the rest of the target, as PutTargets takes it."""
    return {
        "state": "ENABLED",
        "description": description,
        "eventPattern": as_pattern(pattern),
        "schedule": None,
        "role": None,
        "tags": tags,
        "targets": targets,
    }


def observe_rule(api: RegionAPI, name: str, owner: str, bus: str = DEFAULT_BUS) -> Observed | None:
    """The rule, its tags and all of its targets."""
    answer = api.find("events", "describe_rule", _MISSING, Name=name, **_on(bus))
    if answer is None:
        return None
    tags = to_tags(api.call("events", "list_tags_for_resource", ResourceARN=answer["Arn"]).get("Tags", []))
    targets = list(api.pages("events", "list_targets_by_rule", "Targets", Rule=name, **_on(bus)))
    managed = answer.get("ManagedBy")
    return Observed(
        fields={
            "state": answer.get("State"),
            "description": answer.get("Description"),
            "eventPattern": as_pattern(answer.get("EventPattern")),
            "schedule": answer.get("ScheduleExpression"),
            "role": answer.get("RoleArn"),
            "tags": tags,
            "targets": {t["Id"]: {k: v for k, v in t.items() if k != "Id"} for t in targets},
        },
        ref=answer["Arn"],
        ownership=Ownership.FOREIGN if managed else by_tags(tags, owner),
        owner=managed or tags.get(OWNER_TAG),
    )


def create_rule(api: RegionAPI, name: str, wanted: Fields, bus: str = DEFAULT_BUS) -> None:
    """The rule with its targets."""
    _put_rule(api, name, wanted, bus, {"Tags": from_tags(wanted["tags"])})
    _put_targets(api, name, wanted["targets"], bus)


def update_rule(
    api: RegionAPI, name: str, wanted: Fields, observed: Observed, differences: Differences, bus: str = DEFAULT_BUS
) -> None:
    """Mend exactly what differs; targets of others are removed."""
    if touches(differences, "state", "description", "eventPattern", "schedule", "role"):
        # PutRule ignores tags of a rule that exists.
        _put_rule(api, name, wanted, bus, {})
    if touches(differences, "tags"):
        setting, removing = tag_changes(wanted["tags"], observed.fields["tags"])
        if setting:
            api.call("events", "tag_resource", ResourceARN=observed.ref, Tags=from_tags(setting))
        if removing:
            api.call("events", "untag_resource", ResourceARN=observed.ref, TagKeys=removing)
    _put_targets(api, name, {i: t for i, t in wanted["targets"].items() if touches(differences, f"targets.{i}")}, bus)
    _remove_targets(api, name, sorted(observed.fields["targets"].keys() - wanted["targets"].keys()), bus)


def delete_rule(api: RegionAPI, name: str, observed: Observed, bus: str = DEFAULT_BUS) -> None:
    """The rule, after its targets."""
    _remove_targets(api, name, sorted(observed.fields["targets"]), bus)
    api.find("events", "delete_rule", _MISSING, Name=name, **_on(bus))


def _put_rule(api: RegionAPI, name: str, wanted: Fields, bus: str, tags: dict[str, Any]) -> None:
    api.call(
        "events",
        "put_rule",
        Name=name,
        Description=wanted["description"],
        EventPattern=json.dumps(wanted["eventPattern"], separators=(",", ":")),
        State=wanted["state"],
        **tags,
        **_on(bus),
    )


def _put_targets(api: RegionAPI, name: str, targets: dict[str, dict[str, Any]], bus: str) -> None:
    if targets:
        entries = [{"Id": identity, **target} for identity, target in targets.items()]
        answer = api.call("events", "put_targets", Rule=name, Targets=entries, **_on(bus))
        raise_for_failed_entries(answer, api, "put_targets")


def _remove_targets(api: RegionAPI, name: str, ids: list[str], bus: str) -> None:
    if ids:
        answer = api.call("events", "remove_targets", Rule=name, Ids=ids, **_on(bus))
        raise_for_failed_entries(answer, api, "remove_targets")


def _on(bus: str) -> dict[str, str]:
    return {} if bus == DEFAULT_BUS else {"EventBusName": bus}

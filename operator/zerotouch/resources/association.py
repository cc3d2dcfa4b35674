"""SSM State Manager association that collects inventory.

Source: AWS Systems Manager user guide, "Configuring inventory collection"; the values are those of the console's Setup
Inventory. Two associations of this document for all nodes are refused by AWS, so one that covers all nodes already,
made by the console or Quick Setup, counts as satisfying and is never touched.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from zerotouch.api.meta import OWNER_TAG
from zerotouch.api.spec import Inventory
from zerotouch.aws.calls import RegionAPI
from zerotouch.aws.errors import AWSError
from zerotouch.desired.context import Context
from zerotouch.plan.ownership import Ownership, by_tags
from zerotouch.resources.base import (
    Differences,
    Fields,
    Observed,
    from_tags,
    tag_changes,
    to_tags,
    touches,
)

DOCUMENT: Final = "AWS-GatherSoftwareInventory"
ALL_NODES: Final = {"InstanceIds": ["*"]}
_MISSING: Final = ("AssociationDoesNotExist",)
_QUICK_SETUP: Final = "AWS-QuickSetup-"
_MULTIPLE: Final = "Multiple apply all associations"
# What would keep the association from running, or send its output elsewhere; an update that leaves them out takes them away.
_LIMITS: Final = (
    "AlarmConfiguration",
    "CalendarNames",
    "Duration",
    "OutputLocation",
    "ScheduleOffset",
    "TargetLocations",
    "TargetMaps",
)
_COLLECT: Final = {
    "applications": "applications",
    "awsComponents": "aws_components",
    "customInventory": "custom_inventory",
    "instanceDetailedInformation": "instance_detailed_information",
    "networkConfig": "network_config",
    "services": "services",
    "windowsRoles": "windows_roles",
    "windowsUpdates": "windows_updates",
}


class InventoryAssociation:
    """Kind `InventoryAssociation`."""

    name = "InventoryAssociation"
    account_wide = False
    needs: tuple[str, ...] = ()

    def resource_name(self, context: Context) -> str:
        return context.prefix

    def desired(self, context: Context) -> Fields | None:
        inventory = context.spec.inventory
        return {
            "name": context.prefix,
            "documentVersion": "$DEFAULT",
            "schedule": inventory.schedule,
            "targets": _wanted_targets(inventory),
            "parameters": _wanted_parameters(inventory),
            "onlyAtCron": False,
            "limits": {},
            "duplicates": [],
            "tags": context.tags,
        }

    def observe(self, api: RegionAPI, context: Context) -> Observed | None:
        found = list(
            api.pages(
                "ssm",
                "list_associations",
                "Associations",
                AssociationFilterList=[{"key": "Name", "value": DOCUMENT}],
            )
        )
        found.sort(key=lambda a: str(a["AssociationId"]))
        named = [a for a in found if a.get("AssociationName") == context.prefix]
        tagged = {a["AssociationId"]: _tags(api, a["AssociationId"]) for a in named}
        if not _owned(tagged, context):
            # An update that leaves the name out takes it away: what is ours is still known by its tags.
            others = [a["AssociationId"] for a in found if a not in named]
            tagged |= {identity: _tags(api, identity) for identity in others}
        if ours := _owned(tagged, context):
            observed = self._observe_ours(api, ours, tagged)
            return observed and replace(observed, rivals=_rivals(found, ours))
        if named:
            return self._observe_named(api, named, tagged, context.owner)
        wants_all = _wanted_targets(context.spec.inventory) == ALL_NODES
        covering = next((a for a in found if _targets(a) == ALL_NODES), None)
        if wants_all and covering is not None:
            return Observed(
                {"schedule": covering.get("ScheduleExpression")},
                covering["AssociationId"],
                Ownership.EXTERNAL,
                covering.get("AssociationName"),
            )
        return None

    def _observe_ours(self, api: RegionAPI, ours: list[str], tagged: Mapping[str, dict[str, str]]) -> Observed | None:
        identity, *duplicates = ours
        return self._observe_one(api, identity, duplicates, tagged[identity], Ownership.OURS)

    def _observe_named(
        self, api: RegionAPI, named: list[dict[str, Any]], tagged: Mapping[str, dict[str, str]], owner: str
    ) -> Observed | None:
        """What has our name without being ours: names are not unique, so one that may be adopted comes first."""
        whose = {a["AssociationId"]: _ownership(a, tagged[a["AssociationId"]], owner) for a in named}
        identity = min(whose, key=lambda i: whose[i] is not Ownership.ADOPTABLE)
        return self._observe_one(api, identity, [], tagged[identity], whose[identity])

    @staticmethod
    def _observe_one(
        api: RegionAPI, identity: str, duplicates: list[str], tags: dict[str, str], ownership: Ownership
    ) -> Observed | None:
        answer = api.find("ssm", "describe_association", _MISSING, AssociationId=identity)
        if answer is None:
            return None
        description = answer["AssociationDescription"]
        return Observed(
            fields={
                "name": description.get("AssociationName"),
                "documentVersion": description.get("DocumentVersion") or "$DEFAULT",
                "schedule": description.get("ScheduleExpression"),
                "targets": _targets(description),
                "parameters": _parameters(description.get("Parameters")),
                "onlyAtCron": bool(description.get("ApplyOnlyAtCronInterval")),
                "limits": {name: description[name] for name in _LIMITS if description.get(name)},
                "duplicates": duplicates,
                "tags": tags,
            },
            ref=identity,
            ownership=ownership,
            owner=tags.get(OWNER_TAG),
            handle=duplicates,
        )

    def create(self, api: RegionAPI, context: Context, token: str | None) -> None:
        tags = from_tags((self.desired(context) or {})["tags"])
        try:
            api.call(
                "ssm",
                "create_association",
                **self._request(context),
                Name=DOCUMENT,
                Tags=tags,
            )
        except AWSError as error:
            # Someone was faster: the next look finds theirs, which satisfies us.
            if _MULTIPLE not in error.aws_message:
                raise

    def update(
        self, api: RegionAPI, context: Context, observed: Observed, differences: Differences, token: str | None
    ) -> None:
        # First: AWS takes no second association for all nodes.
        for duplicate in observed.handle or []:
            self._delete_one(api, duplicate)
        if touches(
            differences,
            "name",
            "documentVersion",
            "schedule",
            "targets",
            "parameters",
            "onlyAtCron",
            "limits",
        ):
            # Everything is sent each time: what is omitted becomes null.
            api.call(
                "ssm",
                "update_association",
                AssociationId=observed.ref,
                Name=DOCUMENT,
                **self._request(context),
            )
        if touches(differences, "tags"):
            self._mend_tags(api, context, observed)

    def delete(self, api: RegionAPI, context: Context, observed: Observed) -> None:
        for identity in [observed.ref, *(observed.handle or [])]:
            self._delete_one(api, identity)

    def _request(self, context: Context) -> dict[str, Any]:
        wanted = self.desired(context) or {}
        return {
            "AssociationName": context.prefix,
            "DocumentVersion": wanted["documentVersion"],
            "ScheduleExpression": wanted["schedule"],
            "Targets": [{"Key": key, "Values": values} for key, values in wanted["targets"].items()],
            "Parameters": wanted["parameters"],
        }

    def _mend_tags(self, api: RegionAPI, context: Context, observed: Observed) -> None:
        setting, removing = tag_changes(context.tags, observed.fields["tags"])
        where = {"ResourceType": "Association", "ResourceId": observed.ref}
        if setting:
            api.call("ssm", "add_tags_to_resource", **where, Tags=from_tags(setting))
        if removing:
            api.call("ssm", "remove_tags_from_resource", **where, TagKeys=removing)

    @staticmethod
    def _delete_one(api: RegionAPI, identity: str) -> None:
        api.find("ssm", "delete_association", _MISSING, AssociationId=identity)


def _ownership(association: Mapping[str, Any], tags: Mapping[str, str], owner: str) -> Ownership:
    """What Quick Setup made it puts back, and belongs to it."""
    quick_setup = str(association.get("AssociationName")).startswith(_QUICK_SETUP)
    return Ownership.FOREIGN if quick_setup else by_tags(tags, owner)


def _owned(tagged: Mapping[str, dict[str, str]], context: Context) -> list[str]:
    return sorted(identity for identity, tags in tagged.items() if tags.get(OWNER_TAG) == context.owner)


def _rivals(found: Iterable[Mapping[str, Any]], ours: list[str]) -> tuple[str, ...]:
    """Those of others that name their nodes: there they win over ours for all nodes, and fail together with another one.

    One of others for all nodes gives way to ours.
    """
    theirs = (a for a in found if a["AssociationId"] not in ours and _targets(a) != ALL_NODES)
    return tuple(" ".join(filter(None, (a["AssociationId"], a.get("AssociationName")))) for a in theirs)


def _tags(api: RegionAPI, identity: str) -> dict[str, str]:
    answer = api.call("ssm", "list_tags_for_resource", ResourceType="Association", ResourceId=identity)
    return to_tags(answer.get("TagList") or [])


def _wanted_targets(inventory: Inventory) -> dict[str, list[str]]:
    targets = inventory.targets
    if targets is None or targets.tags is None:
        return dict(ALL_NODES)
    return {f"tag:{tag.key}": sorted(tag.values) for tag in targets.tags}


def _wanted_parameters(inventory: Inventory) -> dict[str, list[str]]:
    return {name: ["Enabled" if getattr(inventory.collect, field) else "Disabled"] for name, field in _COLLECT.items()}


def collected(parameters: Mapping[str, list[str]] | None) -> dict[str, bool]:
    """Field of spec.inventory.collect → whether an association collects it."""
    return {name: (parameters or {}).get(name) == ["Enabled"] for name in _COLLECT}


def _targets(association: Mapping[str, Any]) -> dict[str, list[str]]:
    return {t["Key"]: sorted(t["Values"]) for t in association.get("Targets") or []}


def _parameters(found: Mapping[str, list[str]] | None) -> dict[str, list[str]]:
    """The console sends `files` and `windowsRegistry` as empty strings, which equals leaving them out."""
    return {key: list(values) for key, values in (found or {}).items() if list(values) not in ([""], [])}

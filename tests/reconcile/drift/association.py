"""Kind `InventoryAssociation`."""

from collections.abc import Iterator
from typing import Any

from tests.reconcile.drift.model import PREFIX, Break, KindDrift, Then, context
from zerotouch.api.meta import OWNER_TAG
from zerotouch.resources.association import DOCUMENT, InventoryAssociation

_PARAMETERS = (InventoryAssociation().desired(context(InventoryAssociation())) or {})["parameters"]
_KEPT = ("AssociationName", "DocumentVersion", "ScheduleExpression", "Targets", "Parameters")


def _identity(account: Any) -> str:
    (found,) = account.client("ssm").list_associations()["Associations"]
    return str(found["AssociationId"])


def _update(**changes: Any) -> Any:
    def do(account: Any) -> None:
        ssm, identity = account.client("ssm"), _identity(account)
        found = ssm.describe_association(AssociationId=identity)["AssociationDescription"]
        wanted = {**{name: found[name] for name in _KEPT if found.get(name)}, **changes}
        ssm.update_association(AssociationId=identity, **{k: v for k, v in wanted.items() if v is not None})

    return do


def _tags(operation: str, **params: Any) -> Any:
    def do(account: Any) -> None:
        which = {"ResourceType": "Association", "ResourceId": _identity(account)}
        getattr(account.client("ssm"), operation)(**which, **params)

    return do


def _tag(key: str, value: str) -> Any:
    return _tags("add_tags_to_resource", Tags=[{"Key": key, "Value": value}])


def _mark(account: Any) -> None:
    _tag(OWNER_TAG, account.owner)(account)


def _second(account: Any) -> None:
    account.client("ssm").create_association(
        Name=DOCUMENT,
        AssociationName=PREFIX,
        Targets=[{"Key": "tag:a", "Values": ["b"]}],
        Tags=[{"Key": OWNER_TAG, "Value": account.owner}],
    )


def _delete(account: Any) -> None:
    account.client("ssm").delete_association(AssociationId=_identity(account))


def _collected() -> Iterator[Break]:
    for name in _PARAMETERS:
        yield Break(f"parameters.{name}", "off", _update(Parameters={**_PARAMETERS, name: ["Disabled"]}))


DRIFT = KindDrift(
    InventoryAssociation(),
    (
        Break("exists", "deleted", _delete),
        Break("name", "taken away", _update(AssociationName=None)),
        Break("documentVersion", "pinned", _update(DocumentVersion="1")),
        Break("schedule", "another", _update(ScheduleExpression="rate(7 days)")),
        Break("targets.InstanceIds", "one instance", _update(Targets=[{"Key": "InstanceIds", "Values": ["i-1"]}])),
        Break("targets", "by tag", _update(Targets=[{"Key": "tag:a", "Values": ["b"]}])),
        *_collected(),
        Break(
            "parameters.files",
            "added",
            _update(Parameters={**_PARAMETERS, "files": ['[{"Path":"/etc","Pattern":["*"]}]']}),
        ),
        Break("onlyAtCron", "set", _update(ScheduleExpression="cron(0 2 ? * SUN *)", ApplyOnlyAtCronInterval=True)),
        Break("limits.CalendarNames", "a calendar added", _update(CalendarNames=["closed"])),
        Break(
            "limits.OutputLocation", "added", _update(OutputLocation={"S3Location": {"OutputS3BucketName": "theirs"}})
        ),
        Break("duplicates", "a second one of ours", _second),
        Break("tags.team", "changed", _tag("team", "x")),
        Break("tags.team", "removed", _tags("remove_tags_from_resource", TagKeys=["team"])),
        Break("tags.more", "added", _tag("more", "x")),
        Break(f"tags.{OWNER_TAG}", "another owner", _tag(OWNER_TAG, "x/y/z"), Then.CONFLICT, _mark),
    ),
    sent={
        "create_association.Name": "(identity: AWS cannot change an association's document)",
        "create_association.AssociationName": "name",
        "create_association.DocumentVersion": "documentVersion",
        "create_association.ScheduleExpression": "schedule",
        "create_association.Targets": "targets",
        "create_association.Parameters": "parameters",
        "create_association.Tags": "tags",
    },
)

"""SSM State Manager associations, which ministack lacks (API reference, CreateAssociation and its siblings)."""

import copy
import json
import re
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

from ministack.core.responses import AccountRegionScopedDict, json_response
from ministack.services import ssm

from sandbox.aws.caller import Response, error, response

INVENTORY: Final = "AWS-GatherSoftwareInventory"
_NAME: Final = re.compile(r"[a-zA-Z0-9_\-.]{3,128}")
_ALL: Final = [{"Key": "InstanceIds", "Values": ["*"]}]
_OPTIONAL: Final = (
    "AssociationName", "DocumentVersion", "ScheduleExpression", "Targets", "Parameters", "ApplyOnlyAtCronInterval",
    "MaxConcurrency", "MaxErrors", "ComplianceSeverity", "SyncCompliance", "OutputLocation", "TargetLocations",
    "CalendarNames", "ScheduleOffset", "Duration", "TargetMaps", "AlarmConfiguration",
)  # fmt: skip
# ListAssociations answers less than DescribeAssociation; Parameters above all are missing.
_LISTED: Final = ("Name", "AssociationId", "AssociationVersion", "Targets", "ScheduleExpression", "AssociationName")

_associations: Any = AccountRegionScopedDict()
_tags: Any = AccountRegionScopedDict()
_handle_request = ssm.handle_request


def create(data: dict[str, Any]) -> Response:
    """No client token, and names are not unique: the same call twice makes two."""
    problem = _check(data, None)
    if problem:
        return problem
    identity = str(uuid.uuid4())
    now = time.time()
    association = {key: copy.deepcopy(data[key]) for key in _OPTIONAL if key in data}
    association |= {"Name": data["Name"], "AssociationId": identity, "AssociationVersion": "1"}
    association |= {"Date": now, "LastUpdateAssociationDate": now, "Overview": {"Status": "Pending"}}
    _associations[identity] = association
    _tags[identity] = {t["Key"]: t["Value"] for t in data.get("Tags", [])}
    return _described(association)


def describe(data: dict[str, Any]) -> Response:
    association = _associations.get(data.get("AssociationId", ""))
    return _missing() if association is None else _described(association)


def update(data: dict[str, Any]) -> Response:
    """Every optional field that is omitted becomes null; a new version each time."""
    association = _associations.get(data.get("AssociationId", ""))
    if association is None:
        return _missing()
    problem = _check({"Name": association["Name"], **data}, association["AssociationId"])
    if problem:
        return problem
    for key in _OPTIONAL:
        association.pop(key, None)
        if data.get(key) is not None:
            association[key] = copy.deepcopy(data[key])
    association["AssociationVersion"] = str(int(association["AssociationVersion"]) + 1)
    association["LastUpdateAssociationDate"] = time.time()
    return _described(association)


def delete(data: dict[str, Any]) -> Response:
    if _associations.pop(data.get("AssociationId", ""), None) is None:
        return _missing()
    _tags.pop(data["AssociationId"], None)
    return response(json_response({}))


def list_all(data: dict[str, Any]) -> Response:
    filters = {f["key"]: f["value"] for f in data.get("AssociationFilterList", [])}
    unknown = set(filters) - {"Name", "AssociationName", "AssociationId"}
    if unknown:
        return error("InvalidFilterKey", f"filter keys not known here: {sorted(unknown)}")
    found = [a for a in _associations.values() if all(a.get(k) == v for k, v in filters.items())]
    size, start = int(data.get("MaxResults", 50)), int(data.get("NextToken", "0"))
    page = {"Associations": [{k: a[k] for k in _LISTED if k in a} for a in found[start : start + size]]}
    if start + size < len(found):
        page["NextToken"] = str(start + size)  # type: ignore[assignment]
    return response(json_response(page))


def add_tags(data: dict[str, Any]) -> Response:
    return _with_tags(data, lambda tags: tags.update({t["Key"]: t["Value"] for t in data["Tags"]}))


def remove_tags(data: dict[str, Any]) -> Response:
    return _with_tags(data, lambda tags: [tags.pop(key, None) for key in data["TagKeys"]])


def list_tags(data: dict[str, Any]) -> Response:
    if data["ResourceId"] not in _associations:
        return error("InvalidResourceId", "The resource ID is not valid.")
    tags = [{"Key": k, "Value": v} for k, v in _tags[data["ResourceId"]].items()]
    return response(json_response({"TagList": tags}))


# SSM operations that the sandbox answers; other extensions add theirs.
OPERATIONS: Final[dict[str, Callable[[dict[str, Any]], Response]]] = {
    "CreateAssociation": create,
    "DescribeAssociation": describe,
    "UpdateAssociation": update,
    "DeleteAssociation": delete,
    "ListAssociations": list_all,
}
_TAG_OPERATIONS: Final[dict[str, Callable[[dict[str, Any]], Response]]] = {
    "AddTagsToResource": add_tags,
    "RemoveTagsFromResource": remove_tags,
    "ListTagsForResource": list_tags,
}


async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Response:
    """What the sandbox answers itself; everything else in ministack."""
    operation = headers.get("x-amz-target", "").split(".")[-1]
    data = json.loads(body or b"{}")
    if operation in OPERATIONS:
        return OPERATIONS[operation](data)
    if operation in _TAG_OPERATIONS and data.get("ResourceType") == "Association":
        return _TAG_OPERATIONS[operation](data)
    return response(await _handle_request(method, path, headers, body, query))


def install() -> None:
    ssm.handle_request = handle_request


def reset() -> None:
    _associations.clear()
    _tags.clear()


def _check(data: dict[str, Any], own_id: str | None) -> Response | None:
    name = data.get("AssociationName")
    if name is not None and not _NAME.fullmatch(name):
        return error("ValidationException", f"Value '{name}' at 'associationName' failed to satisfy constraint")
    if data.get("ApplyOnlyAtCronInterval") and str(data.get("ScheduleExpression", "")).startswith("rate"):
        return error("ValidationException", "ApplyOnlyAtCronInterval is not supported for rate expressions.")
    others = [a for a in _associations.values() if a["AssociationId"] != own_id and a["Name"] == INVENTORY]
    if data.get("Name") == INVENTORY and data.get("Targets") == _ALL and any(a.get("Targets") == _ALL for a in others):
        # The code is not documented; the message is what people report.
        return error(
            "ValidationException", f"Multiple apply all associations with document '{INVENTORY}' are not supported."
        )
    return None


def _described(association: dict[str, Any]) -> Response:
    return response(json_response({"AssociationDescription": association}))


def _missing() -> Response:
    return error("AssociationDoesNotExist", "The specified association does not exist.")


def _with_tags(data: dict[str, Any], change: Callable[[dict[str, str]], Any]) -> Response:
    if data["ResourceId"] not in _associations:
        return error("InvalidResourceId", "The resource ID is not valid.")
    change(_tags[data["ResourceId"]])
    return response(json_response({}))

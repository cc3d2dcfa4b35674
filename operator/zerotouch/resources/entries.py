"""Answers of EventBridge that succeed as a whole although an entry failed."""

from typing import Any

from zerotouch.aws.calls import RegionAPI
from zerotouch.aws.classify import refused
from zerotouch.aws.errors import Call


def raise_for_failed_entries(answer: dict[str, Any], api: RegionAPI, operation: str) -> None:
    """PutTargets and RemoveTargets answer 200 even where an entry failed. Raises AWSError."""
    if not answer.get("FailedEntryCount"):
        return
    entry = answer["FailedEntries"][0]
    request_id = str(answer.get("ResponseMetadata", {}).get("RequestId", ""))
    call = Call(api.account_id, api.name, "events", operation)
    raise refused(call, str(entry.get("ErrorCode")), str(entry.get("ErrorMessage", "")), request_id)

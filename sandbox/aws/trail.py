"""CloudTrail: every management call as an event on the default bus, where the account has a trail, and in the event history.

Sources: CloudTrail user guide, "CloudTrail record contents" and "Global service events"; EventBridge user guide, "AWS service
events delivered via AWS CloudTrail" (calls that only read are not delivered to rules); API reference, LookupEvents.
"""

import asyncio
import json
import time
import uuid
from collections import deque
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import cloudtrail, eventbridge, iam, sts

from sandbox.aws.caller import Response

_SERVICES: Final = frozenset({"events", "iam", "secretsmanager", "sqs", "ssm"})
# Data events: neither in the history nor, without being asked for, in a trail.
_DATA: Final = frozenset({"PutEvents", "SendMessage", "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch"})
_READS: Final = ("Describe", "Get", "List", "Lookup")
_HIDDEN: Final = ("authparameters", "secretstring", "secretbinary", "password")
_RESOURCE_NAMES: Final = ("roleName", "policyArn", "policyName", "associationId", "secretId", "queueUrl")
_MOST_KEPT: Final = 2_000


@dataclass
class Trail:
    """One account's. Delays are in seconds."""

    logging: bool = True
    event_delay: float = 0.0
    lookup_delay: float = 0.0


trails: dict[str, Trail] = {}
_history: dict[tuple[str, str], deque[dict[str, Any]]] = {}


def record(call: dict[str, Any], access_key: str, headers: dict[str, str], body: bytes, code: str) -> None:
    """Keep the call, and put it onto the default bus once the trail's delay is over. Needs a running event loop."""
    service, operation = call["service"], call["operation"]
    if service not in _SERVICES or operation in _DATA:
        return
    detail = _detail(call, access_key, headers, body, code)
    account, region = call["account"], detail["awsRegion"]
    kept = _history.setdefault((account, region), deque(maxlen=_MOST_KEPT))
    kept.append({"at": time.time(), "detail": detail})
    trail = trails.get(account, Trail())
    if trail.logging and not detail["readOnly"]:
        event = (account, region, f"aws.{service}", "AWS API Call via CloudTrail", detail)
        asyncio.get_running_loop().call_later(trail.event_delay, emit, *event)


def emit(
    account: str, region: str, source: str, detail_type: str, detail: dict[str, Any], resources: tuple[str, ...] = ()
) -> None:
    """An event of AWS itself on the default bus."""
    entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail), "Resources": list(resources)}
    with request_scope(account, region):
        eventbridge._ensure_default_bus()
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def region_of(service: str, region: str) -> str:
    """IAM's events appear in one region of each partition."""
    if service != "iam":
        return region
    if region.startswith("cn-"):
        return "cn-north-1"
    return "us-gov-west-1" if region.startswith("us-gov-") else "us-east-1"


def lookup_events(data: dict[str, Any]) -> Response:
    """The newest first, one attribute at most; those of the last seconds are missing while `lookup_delay` says so."""
    attributes = data.get("LookupAttributes") or []
    if len(attributes) > 1:
        return cloudtrail._err("InvalidLookupAttributesException", "You can only specify one lookup attribute.")  # type: ignore[no-any-return]
    newest = time.time() - trails.get(get_account_id(), Trail()).lookup_delay
    start = float(data.get("StartTime") or 0)
    end = min(newest, float(data.get("EndTime") or newest))
    kept = [k for k in _history.get((get_account_id(), get_region()), ()) if start <= k["at"] <= end]
    found = [e for e in map(_looked_up, reversed(kept)) if all(_has(e, a) for a in attributes)]
    size, first = min(int(data.get("MaxResults") or 50), 50), int(data.get("NextToken") or 0)
    page: dict[str, Any] = {"Events": found[first : first + size]}
    if first + size < len(found):
        page["NextToken"] = str(first + size)
    return cloudtrail._ok(page)  # type: ignore[no-any-return]


def install() -> None:
    cloudtrail._DISPATCH["LookupEvents"] = lookup_events


def _looked_up(kept: dict[str, Any]) -> dict[str, Any]:
    detail = kept["detail"]
    parameters = detail["requestParameters"] or {}
    return {
        "EventId": detail["eventID"],
        "EventName": detail["eventName"],
        "EventSource": detail["eventSource"],
        "EventTime": kept["at"],
        "ReadOnly": str(detail["readOnly"]).lower(),
        "Username": detail["userIdentity"].get("userName", ""),
        "Resources": [{"ResourceName": parameters[name]} for name in _RESOURCE_NAMES if name in parameters],
        "CloudTrailEvent": json.dumps(detail),
    }


def _has(event: dict[str, Any], attribute: dict[str, str]) -> bool:
    key, value = attribute["AttributeKey"], attribute["AttributeValue"]
    if key == "ResourceName":
        return any(r["ResourceName"] == value for r in event["Resources"])
    return bool(event.get(key) == value)


def _detail(call: dict[str, Any], access_key: str, headers: dict[str, str], body: bytes, code: str) -> dict[str, Any]:
    operation = call["operation"]
    region = region_of(call["service"], call["region"])
    detail: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": _identity(access_key, call["account"]),
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "eventSource": f"{call['service']}.amazonaws.com",
        "eventName": operation,
        "awsRegion": region,
        "sourceIPAddress": "127.0.0.1",
        "userAgent": headers.get("user-agent", ""),
        "requestParameters": _parameters(call["service"], body),
        "responseElements": None,
        "requestID": str(uuid.uuid4()),
        "eventID": str(uuid.uuid4()),
        "readOnly": operation.startswith(_READS),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": call["account"],
        "eventCategory": "Management",
    }
    if code != "OK":
        detail |= {"errorCode": code, "errorMessage": "refused"}
    return detail


def _identity(access_key: str, account: str) -> dict[str, Any]:
    if access_key == account:
        return {"type": "Root", "principalId": account, "arn": f"arn:aws:iam::{account}:root", "accountId": account}
    with request_scope(account, "us-east-1"):
        session = sts._sessions.get(access_key)
        if session is not None:
            arn = str(session["Arn"])
            role = iam._roles.get(arn.split("/")[1], {})
            issuer = {"type": "Role", "arn": role.get("Arn", ""), "accountId": account, "userName": arn.split("/")[1]}
            return {
                "type": "AssumedRole",
                "principalId": f"AROA:{arn.split('/')[-1]}",
                "arn": arn,
                "accountId": account,
                "accessKeyId": access_key,
                "sessionContext": {"sessionIssuer": issuer, "attributes": {"mfaAuthenticated": "false"}},
            }
        user = iam._access_keys.get(access_key, {}).get("UserName", "unknown")
        return {
            "type": "IAMUser",
            "principalId": "AIDA",
            "arn": f"arn:aws:iam::{account}:user/{user}",
            "accountId": account,
            "accessKeyId": access_key,
            "userName": user,
        }


def _parameters(service: str, body: bytes) -> dict[str, Any] | None:
    if service == "iam":
        values = {k: v[0] for k, v in parse_qs(body.decode("latin-1")).items()}
        return {_lower(k): v for k, v in values.items() if k not in {"Action", "Version"} and "." not in k} or None
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return None
    return _camel(found) or None


def _camel(value: Any) -> Any:
    """CloudTrail begins names with a small letter and hides what is secret."""
    if isinstance(value, dict):
        return {
            _lower(k): "HIDDEN_DUE_TO_SECURITY_REASONS" if k.lower() in _HIDDEN else _camel(v) for k, v in value.items()
        }
    return [_camel(item) for item in value] if isinstance(value, list) else value


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]

"""EC2: state changes as events on the default bus, pages, and regions that an account has or has not enabled."""

import json
import re
import time
from typing import Any, Final

from ministack.core.responses import get_account_id, request_scope
from ministack.services import ec2, eventbridge

from sandbox.aws.caller import Response, arn, response

# EC2 user guide, "EC2 Instance State-change Notification": one event per state passed through.
_STATES: Final = {
    "RunInstances": ("pending", "running"),
    "StartInstances": ("pending", "running"),
    "StopInstances": ("stopping", "stopped"),
    "TerminateInstances": ("shutting-down", "terminated"),
}
DEFAULT_REGIONS: Final = (
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
    "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1",
    "us-east-1", "us-east-2", "us-west-1", "us-west-2",
)  # fmt: skip
OPT_IN_REGIONS: Final = ("af-south-1", "ap-east-1", "eu-south-1", "me-south-1")

_RESERVATION: Final = re.compile(r"<item>\s*<reservationId>")
_PAGE: Final = range(5, 1001)

# account → the regions that are enabled in it; an account that is not here has the default ones.
enabled: dict[str, tuple[str, ...]] = {}
_handle_request, _matches_filters = ec2.handle_request, ec2._matches_filters


def enabled_in(account: str) -> tuple[str, ...]:
    """Regions that may be used in the account."""
    return enabled.get(account, DEFAULT_REGIONS)


async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Response:
    """ministack's answer, and the events that go with it."""
    text = (body or b"").decode()
    action = _value(text, "Action") or "".join(query.get("Action", []))
    if action == "DescribeRegions":
        return _describe_regions(text)
    answer = response(await _handle_request(method, path, headers, body, query))
    if action == "DescribeInstances" and answer[0] == 200:
        return _page(answer, text)
    if action in _STATES and answer[0] == 200:
        for instance in dict.fromkeys(re.findall(r"<instanceId>(i-[0-9a-f]+)</instanceId>", answer[2].decode())):
            for state in _STATES[action]:
                _emit(instance, state)
    return answer


def matches_filters(instance: dict[str, Any], filters: dict[str, Any]) -> bool:
    """ministack ignores filters that it does not know, `instance-id` among them (API reference, DescribeInstances)."""
    wanted = filters.get("instance-id")
    return bool(_matches_filters(instance, filters)) and (wanted is None or instance["InstanceId"] in wanted)


def install() -> None:
    ec2._matches_filters = matches_filters
    ec2.handle_request = handle_request


def set_age(account: str, region: str, instance: str, seconds: float) -> None:
    """Let an instance have been launched so long ago."""
    with request_scope(account, region):
        launched = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - seconds))
        ec2._instances[instance]["LaunchTime"] = launched


def _page(answer: Response, text: str) -> Response:
    """The part of the answer that MaxResults (5 to 1000) and NextToken ask for; ministack answers all of it at once."""
    size, start = _value(text, "MaxResults"), int(_value(text, "NextToken") or 0)
    if size and int(size) not in _PAGE:
        message = f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000."
        return response(ec2._error("InvalidParameterValue", message, 400))
    body = answer[2].decode()
    marks = [match.start() for match in _RESERVATION.finditer(body)]
    end = start + int(size or 1000)
    if not marks or (start == 0 and end >= len(marks)):
        return answer
    marks.append(body.index("</reservationSet>"))
    first, last = min(start, len(marks) - 1), min(end, len(marks) - 1)
    more = f"<nextToken>{end}</nextToken>" if end < len(marks) - 1 else ""
    tail = body[marks[-1] :].replace("</reservationSet>", f"</reservationSet>{more}", 1)
    return answer[0], answer[1], f"{body[: marks[0]]}{body[marks[first] : marks[last]]}{tail}".encode()


def _describe_regions(text: str) -> Response:
    usable = enabled_in(get_account_id())
    everything = _value(text, "AllRegions") == "true"
    known = sorted({*DEFAULT_REGIONS, *OPT_IN_REGIONS, *usable}) if everything else sorted(usable)
    items = "".join(
        f"<item><regionName>{name}</regionName><regionEndpoint>ec2.{name}.amazonaws.com</regionEndpoint>"
        f"<optInStatus>{_opt_in(name, usable)}</optInStatus></item>"
        for name in known
    )
    return response(ec2._xml(200, "DescribeRegionsResponse", f"<regionInfo>{items}</regionInfo>"))


def _opt_in(region: str, usable: tuple[str, ...]) -> str:
    if region not in usable:
        return "not-opted-in"
    return "opt-in-not-required" if region in DEFAULT_REGIONS else "opted-in"


def _value(text: str, name: str) -> str:
    match = re.search(rf"(?:^|&){name}=([^&]*)", text)
    return match[1] if match else ""


def _emit(instance: str, state: str) -> None:
    entry = {
        "Source": "aws.ec2",
        "DetailType": "EC2 Instance State-change Notification",
        "Detail": json.dumps({"instance-id": instance, "state": state}),
        "Resources": [arn("ec2", f"instance/{instance}")],
    }
    eventbridge._ensure_default_bus()
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)

"""What others have set up beside us in a region that would deliver the same events, or misuse our connection. Never touched.

Sources: the names and targets of both generations of Qualys's own template (github.com/Qualys/TotalCloud, FlexScan;
github.com/Qualys/zero_touch_api_based_assessment); API reference, ListRuleNamesByTarget, which asks the default bus, the one
on which EC2 tells of instances.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from zerotouch.aws.calls import RegionAPI
from zerotouch.desired.context import Context
from zerotouch.resources.api_destination import EVENTS_PATH
from zerotouch.resources.patterns import lets_starts_through

_MISSING: Final = ("ResourceNotFoundException",)
_MOST_DESTINATIONS: Final = 5
_MOST_RULES: Final = 5


@dataclass(frozen=True)
class Beside:
    """`misusing`: ARNs of API destinations that use our connection. `delivering`: rules that tell Qualys what ours tells."""

    misusing: tuple[str, ...] = ()
    delivering: tuple[str, ...] = ()


def look_beside(api: RegionAPI, context: Context) -> Beside:
    """`context` refers to what is ours alone. Raises AWSError or Interrupted.

    Two reads; a few more only where an API destination of others leads to the same gateway, or a rule of theirs to ours.
    """
    connection, ours = context.refs.get("Connection"), context.refs.get("APIDestination")
    if connection is None and not context.route.has_destination:
        return Beside()
    found = list(api.pages("events", "list_api_destinations", "ApiDestinations"))
    foreign = sorted((d for d in found if d["Name"] != context.prefix), key=lambda d: str(d["ApiDestinationArn"]))
    misusing = [d["ApiDestinationArn"] for d in foreign if d["ConnectionArn"] == connection]
    wanted = _place(context.spec.gateway_url + EVENTS_PATH)
    same = [d["ApiDestinationArn"] for d in foreign if _place(d["InvocationEndpoint"]) == wanted]
    destinations = [*([ours] if ours is not None else []), *same[:_MOST_DESTINATIONS]]
    return Beside(tuple(misusing), tuple(_delivering(api, context, destinations)))


def _delivering(api: RegionAPI, context: Context, destinations: list[Any]) -> Iterator[str]:
    """Of the first few rules of others, those that are enabled and let starts of instances through."""
    looked_at = 0
    for destination in destinations:
        for name in api.pages("events", "list_rule_names_by_target", "RuleNames", TargetArn=destination):
            if name == context.prefix:
                continue
            if looked_at == _MOST_RULES:
                return
            looked_at += 1
            rule = api.find("events", "describe_rule", _MISSING, Name=name)
            if rule and rule.get("State") != "DISABLED" and lets_starts_through(rule.get("EventPattern")):
                yield f"{rule['Arn']} to {destination}"


def _place(endpoint: str) -> tuple[str | None, str]:
    """Host and path; Qualys's template makes `//qflow` of a gateway that ends with a slash."""
    parts = urlsplit(endpoint)
    return parts.netloc.casefold(), re.sub("/+", "/", parts.path)

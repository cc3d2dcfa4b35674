"""What of zero-touch scanning exists in an account, whoever made it: by us, by hand, or from Qualys's own templates.

Reads only. Source for what Qualys's templates make: github.com/Qualys/TotalCloud (FlexScan) and
github.com/Qualys/zero_touch_api_based_assessment.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from zerotouch.api.meta import OWNER_TAG
from zerotouch.aws.calls import AccountAPI, RegionAPI
from zerotouch.aws.errors import AWSError
from zerotouch.desired.context import ROLE_PATH
from zerotouch.desired.values import GLOBAL
from zerotouch.plan.imported import FoundAccount, FoundAssociation, FoundConnection, FoundConnector, FoundDelivery
from zerotouch.plan.ownership import owner_in
from zerotouch.resources import association
from zerotouch.resources.api_destination import EVENTS_PATH
from zerotouch.resources.base import to_tags
from zerotouch.resources.connector_policy import ACTIONS
from zerotouch.resources.patterns import lets_starts_through
from zerotouch.resources.roles import as_tree

_MISSING: Final = ("ResourceNotFoundException", "NoSuchEntity", "NoSuchEntityException", "AssociationDoesNotExist")
_ROOT: Final = re.compile(r"arn:[^:]+:iam::(\d{12}):root")
_BUS: Final = re.compile(r"arn:[^:]+:events:([^:]+):\d{12}:event-bus/default")
_MOST_POLICIES: Final = 200


def discover(api: AccountAPI, regions: Iterable[str]) -> FoundAccount:
    """What cannot be looked at, a region or the account-wide policies, is told; the rest goes on. Raises Interrupted."""
    roles: dict[str, bool] = {}
    deliveries: dict[str, list[FoundDelivery]] = {}
    associations: dict[str, list[FoundAssociation]] = {}
    skipped: dict[str, str] = {}
    for region in regions:
        there = api.region(region)
        try:
            deliveries[region] = list(_deliveries(api, there, roles))
            associations[region] = list(_associations(there))
        except AWSError as error:
            skipped[region] = str(error)
    connectors: list[FoundConnector] = []
    try:
        connectors = list(_connectors(api.region(GLOBAL)))
    except AWSError as error:
        skipped[GLOBAL] = str(error)
    return FoundAccount(api.account_id, deliveries, associations, connectors, skipped)


def enabled_regions(api: AccountAPI, sts_region: str) -> list[str]:
    """Raises AWSError or Interrupted."""
    answer = api.region(sts_region).call("ec2", "describe_regions")
    return sorted(r["RegionName"] for r in answer["Regions"])


def _deliveries(api: AccountAPI, there: RegionAPI, roles: dict[str, bool]) -> Iterator[FoundDelivery]:
    rules = [r for r in there.pages("events", "list_rules", "Rules") if lets_starts_through(r.get("EventPattern"))]
    if not rules:
        return
    destinations = {
        d["ApiDestinationArn"]: d for d in there.pages("events", "list_api_destinations", "ApiDestinations")
    }
    for rule in rules:
        tags = to_tags(there.call("events", "list_tags_for_resource", ResourceARN=rule["Arn"]).get("Tags", []))
        for target in there.pages("events", "list_targets_by_rule", "Targets", Rule=rule["Name"]):
            destination = destinations.get(target["Arn"])
            bus = _BUS.fullmatch(target["Arn"])
            to_qualys = destination is not None and destination["InvocationEndpoint"].endswith(EVENTS_PATH)
            if to_qualys or (bus and bus[1] != there.name):
                yield _delivery(api, there, rule, tags, target, destination if to_qualys else None, roles)


def _delivery(
    api: AccountAPI,
    there: RegionAPI,
    rule: Mapping[str, Any],
    tags: dict[str, str],
    target: Mapping[str, Any],
    destination: Mapping[str, Any] | None,
    roles: dict[str, bool],
) -> FoundDelivery:
    role = target.get("RoleArn")
    bus = _BUS.fullmatch(target["Arn"])
    if role and role not in roles:
        roles[role] = _is_wide(api.region(GLOBAL), role.rpartition("/")[2])
    pattern = json.loads(rule["EventPattern"])
    ends = (
        {
            "destination": destination["Name"],
            "endpoint": destination["InvocationEndpoint"].removesuffix(EVENTS_PATH).rstrip("/"),
            "rate": destination.get("InvocationRateLimitPerSecond", 300),
            "connection": _connection(there, destination["ConnectionArn"]),
        }
        if destination is not None
        else {}
    )
    return FoundDelivery(
        rule=rule["Name"],
        enabled=rule.get("State") == "ENABLED",
        managed="ManagedBy" in rule,
        owner=tags.get(OWNER_TAG),
        tags=tags,
        narrowed="account" in pattern and "region" in pattern,
        role=role.rpartition("/")[2] if role else None,
        wide_role=roles.get(role or "", False),
        retry=target.get("RetryPolicy") or {},
        dead_letters="DeadLetterConfig" in target,
        forwards_to=bus[1] if bus else None,
        **ends,
    )


def _connection(there: RegionAPI, arn: str) -> FoundConnection | None:
    name = arn.split("/")[1]
    answer = there.find("events", "describe_connection", _MISSING, Name=name)
    if answer is None:
        return None
    http = (answer.get("AuthParameters") or {}).get("InvocationHttpParameters") or {}
    plain = sorted(h["Key"] for h in http.get("HeaderParameters") or [] if not h.get("IsValueSecret"))
    return FoundConnection(name, answer["ConnectionState"], owner_in(answer.get("Description")), tuple(plain))


def _is_wide(iam: RegionAPI, name: str) -> bool:
    """Whether it may do anything besides invoking named API destinations of one connection's name; one that is gone may not."""
    if iam.find("iam", "list_role_policies", _MISSING, RoleName=name) is None:
        return False
    for policy in iam.pages("iam", "list_role_policies", "PolicyNames", RoleName=name):
        answer = iam.call("iam", "get_role_policy", RoleName=name, PolicyName=policy)
        for statement in as_tree(answer["PolicyDocument"])["Statement"]:
            actions, resources = statement.get("Action", ["*"]), statement.get("Resource", ["*"])
            if actions != ["events:InvokeApiDestination"] or any(":api-destination/" not in r for r in resources):
                return True
            if any(r.rpartition(":api-destination/")[2].startswith("*") for r in resources):
                return True
    attached = list(iam.pages("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=name))
    return bool(attached)


def _associations(there: RegionAPI) -> Iterator[FoundAssociation]:
    wanted = [{"key": "Name", "value": association.DOCUMENT}]
    for found in there.pages("ssm", "list_associations", "Associations", AssociationFilterList=wanted):
        identity = found["AssociationId"]
        answer = there.find("ssm", "describe_association", _MISSING, AssociationId=identity)
        if answer is None:
            continue
        description = answer["AssociationDescription"]
        tags = there.call("ssm", "list_tags_for_resource", ResourceType="Association", ResourceId=identity)
        targets = {t["Key"]: sorted(t["Values"]) for t in description.get("Targets") or []}
        named = {key.removeprefix("tag:"): values for key, values in targets.items() if key.startswith("tag:")}
        yield FoundAssociation(
            name=description.get("AssociationName"),
            owner=to_tags(tags.get("TagList") or []).get(OWNER_TAG),
            schedule=description.get("ScheduleExpression"),
            everything=targets == association.ALL_NODES,
            tags=named if named and len(named) == len(targets) else None,
            collect=association.collected(description.get("Parameters")),
        )


def _connectors(iam: RegionAPI) -> Iterator[FoundConnector]:
    """Policies that allow just the six actions. Of an account with very many policies, the first ones."""
    for number, policy in enumerate(iam.pages("iam", "list_policies", "Policies", Scope="Local", OnlyAttached=True)):
        if number >= _MOST_POLICIES:
            return
        answer = iam.call("iam", "get_policy_version", PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
        statements = as_tree(answer["PolicyVersion"]["Document"])["Statement"]
        if {a for s in statements for a in s.get("Action", [])} != set(ACTIONS):
            continue
        roles = iam.pages(
            "iam", "list_entities_for_policy", "PolicyRoles", PolicyArn=policy["Arn"], EntityFilter="Role"
        )
        for role in roles:
            ours = f":policy{ROLE_PATH}" in policy["Arn"]
            yield FoundConnector(policy["PolicyName"], role["RoleName"], ours, _trust(iam, role["RoleName"]))


def _trust(iam: RegionAPI, name: str) -> tuple[str, str] | None:
    """Whom a role of ours trusts: (account, external id); None for roles of others."""
    answer = iam.find("iam", "get_role", _MISSING, RoleName=name)
    if answer is None or answer["Role"].get("Path") != ROLE_PATH:
        return None
    # A role that somebody made to trust more than a connector is described by its name alone.
    statements = as_tree(answer["Role"]["AssumeRolePolicyDocument"])["Statement"]
    trusted = statements[0].get("Principal", {}) if len(statements) == 1 else {}
    found = _ROOT.fullmatch(trusted["AWS"][0]) if list(trusted) == ["AWS"] and len(trusted["AWS"]) == 1 else None
    ids = statements[0].get("Condition", {}).get("StringEquals", {}).get("sts:ExternalId", [])
    return (found[1], ids[0]) if found and len(ids) == 1 else None

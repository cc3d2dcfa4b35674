"""Everything that the operator shows, or leaves in AWS where it can be read in the clear."""

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from sandbox.deployment import Replica
from tests.e2e.tenant import Tenant

# Any JWT: also one that the operator held for a moment only, such as the gateway's answer to /auth.
_JWT: Final = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}")
_KINDS: Final = "qzt,qzta,events,leases,configmaps"


def everything(operator: Replica, tenant: Tenant, accounts: Iterable[str], regions: Iterable[str]) -> dict[str, str]:
    """Place → its text; of the whole cluster, not of the tenant alone."""
    places = {
        "log": operator.log(),
        "metrics": operator.metrics(),
        "objects": tenant.world.kubectl("get", _KINDS, "-A", "-o", "yaml"),
    }
    for account in accounts:
        places[f"iam of {account}"] = json.dumps(_iam(tenant, account), default=str)
        for region in regions:
            places[f"{account}/{region}"] = json.dumps(_region(tenant, account, region), default=str)
    return places


def shown(places: dict[str, str], secrets: Iterable[str]) -> list[str]:
    """Where one of the secrets, a JWT or its signature can be read."""
    wanted = {part for secret in secrets for part in (secret, secret.rpartition(".")[2]) if len(part) > 6}
    return [place for place, text in places.items() if _JWT.search(text) or any(secret in text for secret in wanted)]


def _region(tenant: Tenant, account: str, region: str) -> list[Any]:
    events, ssm = (tenant.aws.client(service, account, region) for service in ("events", "ssm"))
    sqs = tenant.aws.client("sqs", account, region)
    found: list[Any] = [
        events.list_event_buses(),
        *(events.describe_connection(Name=c["Name"]) for c in events.list_connections()["Connections"]),
        *(events.describe_api_destination(Name=d["Name"]) for d in events.list_api_destinations()["ApiDestinations"]),
    ]
    for rule in events.list_rules()["Rules"]:
        found += [
            events.describe_rule(Name=rule["Name"]),
            events.list_targets_by_rule(Rule=rule["Name"]),
            events.list_tags_for_resource(ResourceARN=rule["Arn"]),
        ]
    for association in ssm.list_associations()["Associations"]:
        identity = association["AssociationId"]
        found += [
            ssm.describe_association(AssociationId=identity),
            ssm.list_tags_for_resource(ResourceType="Association", ResourceId=identity),
        ]
    for url in sqs.list_queues().get("QueueUrls", []):
        found += [
            sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]),
            sqs.list_queue_tags(QueueUrl=url),
            sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
            ),
        ]
    return found


def _iam(tenant: Tenant, account: str) -> list[Any]:
    iam = tenant.aws.client("iam", account)
    found: list[Any] = [iam.list_policies(Scope="Local")]
    for role in iam.list_roles()["Roles"]:
        if role["Path"] == "/zerotouch/":
            name = role["RoleName"]
            found += [role, iam.list_role_tags(RoleName=name)]
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                found.append(iam.get_role_policy(RoleName=name, PolicyName=policy))
    return found

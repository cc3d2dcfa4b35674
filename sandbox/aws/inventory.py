"""What an account holds of the sorts of resources that zerotouch makes, whoever made them."""

import contextlib
from collections.abc import Iterable, Iterator

from sandbox.aws.admin import Admin

REGIONS = ("us-east-1", "eu-west-1", "us-west-2")


def held(admin: Admin, account: str, regions: Iterable[str] = REGIONS, role: str = "zerotouch") -> list[str]:
    """Sorted `KIND REGION NAME`; the role by which the operator enters does not count."""
    found = [*_global(admin, account, role)]
    for region in regions:
        found += _region(admin, account, region)
    return sorted(found)


def _global(admin: Admin, account: str, role: str) -> Iterator[str]:
    iam = admin.client("iam", account)
    for found in iam.list_roles()["Roles"]:
        if found["RoleName"] != role and not found["Path"].startswith("/aws-service-role/"):
            yield f"Role global {found['RoleName']}"
    for policy in iam.list_policies(Scope="Local")["Policies"]:
        yield f"Policy global {policy['PolicyName']}"


def _region(admin: Admin, account: str, region: str) -> Iterator[str]:
    events, ssm = admin.client("events", account, region), admin.client("ssm", account, region)
    for url in admin.client("sqs", account, region).list_queues().get("QueueUrls", []):
        yield f"Queue {region} {url.rsplit('/', 1)[1]}"
    for rule in events.list_rules()["Rules"]:
        yield f"Rule {region} {rule['Name']}"
        # A rule may be deleted while it is looked at.
        with contextlib.suppress(events.exceptions.ResourceNotFoundException):
            for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
                yield f"Target {region} {target['Id']}"
    for connection in events.list_connections()["Connections"]:
        yield f"Connection {region} {connection['Name']}"
    for destination in events.list_api_destinations()["ApiDestinations"]:
        yield f"ApiDestination {region} {destination['Name']}"
    for association in ssm.list_associations()["Associations"]:
        yield f"Association {region} {association.get('AssociationName')}"

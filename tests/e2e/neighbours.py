"""What somebody else sets up beside ours."""

import json

from tests.e2e.tenant import Tenant

NAME = "qualys-zerotouch"
RULE, ASSOCIATION = "theirs", "their-inventory"


def set_up_beside(tenant: Tenant, account: str, region: str = "us-east-1") -> None:
    """A rule that delivers each start a second time, and an inventory association with nodes of its own."""
    events, ssm = (tenant.aws.client(service, account, region) for service in ("events", "ssm"))
    ours = events.list_targets_by_rule(Rule=NAME)["Targets"][0]
    pattern = {"source": ["aws.ec2"], "detail-type": ["EC2 Instance State-change Notification"]}
    events.put_rule(Name=RULE, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=RULE, Targets=[{"Id": "x", "Arn": ours["Arn"], "RoleArn": ours["RoleArn"]}])
    ssm.create_association(
        Name="AWS-GatherSoftwareInventory",
        AssociationName=ASSOCIATION,
        Targets=[{"Key": "tag:team", "Values": ["theirs"]}],
        ScheduleExpression="rate(12 hours)",
    )

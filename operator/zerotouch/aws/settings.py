"""Settings of the AWS layer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AWSSettings:
    """`region_workers`: regions reconciled side by side, over all accounts. Timeouts in seconds.

    `call_attempts`: tries of one call within a pass; `retry_base` and `retry_cap`: seconds between them.
    `regions_ttl`: seconds for which an answer of DescribeRegions is used. `profile`, `region`: of the identity that
    assumes the roles; as boto3 finds them where not given. `settle`: seconds until AWS acts everywhere on a rule, target or
    role that was written.
    """

    region_workers: int = 16
    connect_timeout: float = 5.0
    read_timeout: float = 20.0
    call_attempts: int = 5
    retry_base: float = 0.25
    retry_cap: float = 4.0
    regions_ttl: float = 20.0
    settle: float = 30.0
    session_name: str = "zerotouch"
    profile: str | None = None
    region: str | None = None

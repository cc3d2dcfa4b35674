"""AWS partitions: of a region, of an ARN, and the CEL rules that keep an object within one."""

from typing import Final

Rule = tuple[str, str, str]  # as `rules` takes it

# How the names of a partition's regions begin; those of partition `aws` begin otherwise. Source: AWS General Reference.
_PREFIXES: Final = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eusc-", "aws-eusc"),
)
_STS: Final = "has(self.access) && has(self.access.stsRegion) && self.access.stsRegion"
_SET_STS_REGION: Final = (
    "access.stsRegion (us-east-1 where it is left out): set access.stsRegion to a region of the accounts' own partition"
)
_ONE_OBJECT: Final = "declare accounts of another partition in an object of their own"


def partition_of(region: str) -> str:
    """`us-east-1` → `aws`, `cn-north-1` → `aws-cn`."""
    return next((partition for prefix, partition in _PREFIXES if region.startswith(prefix)), "aws")


def names_of_one_partition() -> Rule:
    """The rule of regions by name; the rules below need to look at the first name only, which keeps them cheap."""
    alike = " && ".join(f"r.startsWith('{prefix}') == self.names[0].startsWith('{prefix}')" for prefix, _ in _PREFIXES)
    return (
        f"!has(self.names) || self.names.all(r, {alike})",
        "these regions are of different partitions of AWS, and an account is in one: name those of one partition only, and "
        f"{_ONE_OBJECT}",
        ".names",
    )


def of_the_same_partition() -> tuple[Rule, ...]:
    """The rules of the object: its STS can be asked for roles, and knows regions, of its own partition only."""
    return (
        (
            f"!has(self.regions.names) || size(self.regions.names) == 0 || ({_region('self.regions.names[0]')})",
            f"the regions are of another partition of AWS than {_SET_STS_REGION}, or correct the names",
            ".regions.names",
        ),
        (
            f"!has(self.delivery) || !has(self.delivery.mainRegion) || ({_region('self.delivery.mainRegion')})",
            f"the region is of another partition of AWS than {_SET_STS_REGION}, or correct the name",
            ".delivery.mainRegion",
        ),
        (
            "self.accounts.all(a, !has(a.regions) || !has(a.regions.names) || size(a.regions.names) == 0 || "
            f"({_region('a.regions.names[0]')}))",
            f"the regions of an account are of another partition of AWS than {_SET_STS_REGION}, and {_ONE_OBJECT}",
            ".accounts",
        ),
        (
            f"self.accounts.all(a, !has(a.roleARN) || ({_arn('a.roleARN')}))",
            f"the roleARN of an account is of another partition of AWS than {_SET_STS_REGION}, and {_ONE_OBJECT}",
            ".accounts",
        ),
    )


def _region(name: str) -> str:
    return " && ".join(f"{name}.startsWith('{prefix}') == ({_STS}.startsWith('{prefix}'))" for prefix, _ in _PREFIXES)


def _arn(arn: str) -> str:
    return " && ".join(
        f"{arn}.startsWith('arn:{partition}:') == ({_STS}.startsWith('{prefix}'))" for prefix, partition in _PREFIXES
    )

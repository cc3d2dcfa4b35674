"""Objects that the API server refuses, and with which words; the command line has to say the same."""

import copy
from typing import Any

GOOD: dict[str, Any] = {
    "apiVersion": "zerotouch.dev/v1alpha1",
    "kind": "QualysZeroTouch",
    "metadata": {"name": "table", "namespace": "default"},
    "spec": {
        "qualys": {"platform": "US2", "auth": {"credentialsSecretRef": {"name": "qualys"}}},
        "accounts": [{"id": "111111111111"}],
        "regions": {"names": ["us-east-1"]},
    },
}
SECRET, TOKEN = {"name": "qualys"}, {"name": "qualys", "key": "token"}
BOTH_AUTH = {"credentialsSecretRef": SECRET, "subscriptionTokenSecretRef": TOKEN}
ALL_BUT_DUBLIN = {"selection": "AllEnabled", "exclude": ["eu-west-1"]}
ROLE = {"name": "qualys", "trustedAccountID": "222222222222", "externalID": "e-1"}


def changed(path: str, value: Any) -> dict[str, Any]:
    """GOOD with the value at a dotted path below spec; of several paths, joined by commas, each with its own value."""
    manifest = copy.deepcopy(GOOD)
    paths = path.split(",")
    for one, its in zip(paths, value if len(paths) > 1 else [value], strict=True):
        *parents, last = one.split(".")
        node = manifest["spec"]
        for key in parents:
            node = node[int(key)] if isinstance(node, list) else node.setdefault(key, {})
        node[last] = its
    return manifest


def main_region(region: str) -> dict[str, Any]:
    return {"topology": "MainRegion", "mainRegion": region}


REFUSED: list[tuple[str, Any, str]] = [
    ("accounts", [{"id": "11111111111"}], "at least 12 chars long"),
    ("accounts", [{"id": "1111111111111"}], "may not be more than 12"),
    ("accounts", [{"id": "11111111111a"}], "should match '^[0-9]{12}$'"),
    ("accounts", [{"id": 111111111111}], "must be of type string"),
    ("accounts", [{"id": "111111111111"}, {"id": "111111111111"}], "Duplicate value"),
    ("accounts", [], "at least 1 items"),
    ("accounts", [{"id": f"{n:012d}"} for n in range(2001)], "must have at most 2000 items"),
    (
        "accounts",
        [{"id": "111111111111", "roleARN": "arn:aws:iam::222222222222:role/x"}],
        "its account id must be this entry's id",
    ),
    ("accounts", [{"id": "111111111111", "roleARN": "arn:aws:iam::1:role/x"}], "should match"),
    ("accounts", [{"id": "111111111111", "regions": {"selection": "Listed"}}], "needs at least one region"),
    ("qualys", {"auth": {"credentialsSecretRef": SECRET}}, "give exactly one of platform and gatewayURL"),
    ("qualys.gatewayURL", "https://gateway.example", "give exactly one of platform and gatewayURL"),
    ("qualys.platform", "US9", 'Unsupported value: "US9": supported values: "US1"'),
    (
        "qualys",
        {"gatewayURL": "http://gateway.example", "auth": {"credentialsSecretRef": SECRET}},
        "must begin with https://",
    ),
    (
        "qualys",
        {"gatewayURL": "http://127.0.0.1.evil.example", "auth": {"credentialsSecretRef": SECRET}},
        "must begin with https://",
    ),
    ("qualys", {"gatewayURL": "https://a/b", "auth": {"credentialsSecretRef": SECRET}}, "should match"),
    ("qualys.auth", {}, "give exactly one of credentialsSecretRef and subscriptionTokenSecretRef"),
    ("qualys.auth", BOTH_AUTH, "give exactly one of credentialsSecretRef and subscriptionTokenSecretRef"),
    ("qualys.token.expiry", 0, "greater than or equal to 1"),
    ("regions", {}, "selection Listed needs at least one region in names"),
    ("regions.selection", "Some", 'supported values: "Listed", "AllEnabled"'),
    ("regions.selection", "AllEnabled", "selection AllEnabled takes no names"),
    ("regions.exclude", ["us-west-2"], "exclude goes with selection AllEnabled only"),
    ("regions.names", [f"us-east-{n}" for n in range(41)], "must have at most 40 items"),
    ("regions.names", ["us-east-1", "us-east-1"], "Duplicate value"),
    ("regions.names", ["virginia!"], "should match"),
    ("interval", "29s", "interval must be from 30s to 24h"),
    ("interval", "25h", "interval must be from 30s to 24h"),
    ("interval", "5 minutes", "should match"),
    ("interval", 300, "must be of type string"),
    ("inventory.schedule", "rate(29 minutes)", "rate(…) is at least 30 minutes"),
    ("inventory.schedule", "every now and then", "should match"),
    ("inventory.targets", {}, "give exactly one of allInstances and tags"),
    ("inventory.targets", {"allInstances": False}, "allInstances is true or left out"),
    (
        "inventory.targets",
        {"allInstances": True, "tags": [{"key": "a", "values": ["b"]}]},
        "give exactly one of allInstances and tags",
    ),
    ("delivery.invocationRateLimitPerSecond", 301, "less than or equal to 300"),
    ("delivery.retry.maximumRetryAttempts", 186, "less than or equal to 185"),
    ("delivery.topology", "Star", 'supported values: "PerRegion", "MainRegion"'),
    ("delivery.topology", "MainRegion", "topology MainRegion needs mainRegion"),
    ("delivery.mainRegion", "us-east-1", "mainRegion goes with topology MainRegion only"),
    ("delivery", {"topology": "PerRegion", "mainRegion": "us-east-1"}, "mainRegion goes with topology MainRegion only"),
    ("delivery", main_region("virginia!"), "should match"),
    ("delivery", main_region("eu-west-1"), "is not among the regions to set up"),
    ("delivery,regions", [main_region("eu-west-1"), ALL_BUT_DUBLIN], "is not among the regions to set up"),
    (
        "delivery,accounts",
        [main_region("us-east-1"), [{"id": "111111111111", "regions": {"names": ["eu-west-1"]}}]],
        "is not among the regions of an account that overrides them",
    ),
    (
        "delivery,accounts",
        [
            main_region("us-east-1"),
            [{"id": "111111111111", "regions": {"selection": "AllEnabled", "exclude": ["us-east-1"]}}],
        ],
        "is not among the regions of an account that overrides them",
    ),
    ("delivery,regions", [main_region("cn-north-1"), {"names": ["cn-north-1"]}], "EventBridge hands no events"),
    (
        "delivery,access.stsRegion",
        [main_region("us-east-1"), "cn-north-1"],
        "topology MainRegion does not work in China",
    ),
    ("regions.names", ["us-gov-west-1"], "set access.stsRegion to a region of the accounts' own partition"),
    ("access.stsRegion", "us-gov-west-1", "the regions are of another partition of AWS than access.stsRegion"),
    ("access,regions", [{"roleName": "x"}, {"names": ["cn-north-1"]}], "us-east-1 where it is left out"),
    ("regions.names", ["us-east-1", "cn-north-1"], "these regions are of different partitions of AWS"),
    ("delivery,regions", [main_region("us-gov-west-1"), ALL_BUT_DUBLIN], "the region is of another partition of AWS"),
    (
        "accounts",
        [{"id": "111111111111", "regions": {"names": ["us-gov-east-1"]}}],
        "declare accounts of another partition in an object of their own",
    ),
    (
        "accounts",
        [{"id": "111111111111", "roleARN": "arn:aws-us-gov:iam::111111111111:role/x"}],
        "the roleARN of an account is of another partition of AWS",
    ),
    (
        "access.stsRegion,regions,accounts",
        [
            "cn-north-1",
            {"selection": "AllEnabled"},
            [{"id": "111111111111", "roleARN": "arn:aws:iam::111111111111:role/x"}],
        ],
        "the roleARN of an account is of another partition of AWS",
    ),
    ("connector", {}, "give exactly one of role and existingRoleName"),
    ("connector", {"existingRoleName": "q", "role": ROLE}, "give exactly one of role and existingRoleName"),
    ("connector.role", {**ROLE, "trustedAccountID": "2"}, "at least 12 chars long"),
    ("connector.role", {"name": "q", "trustedAccountID": "222222222222"}, "externalID: Required value"),
    ("deletionPolicy", "Keep", 'supported values: "Retain", "Delete"'),
    ("tags", {f"k{n}": "v" for n in range(41)}, "must have at most 40 items"),
    ("tags", {"aws:x": "v"}, "may not begin with aws: or zerotouch.dev/"),
    ("tags", {"k" * 129: "v"}, "has 1 to 128 letters"),
    ("tags", {"a": "v" * 257}, "may not be more than 256"),
    ("namePrefix", "-x-", "should match"),
    ("sespend", True, 'unknown field "spec.sespend"'),
    ("access.rolename", "x", 'unknown field "spec.access.rolename"'),
    ("accounts", [{"id": "111111111111", "regions": "x"}], "must be of type object"),
    ("accounts", [{"id": "111111111111", "foo": {"a": 1}}], 'unknown field "spec.accounts[0].foo"'),
    ("accounts", None, "spec.accounts: Required value"),
    ("regions", None, "spec.regions: Required value"),
    ("suspend", "true", "must be of type boolean"),
    ("suspend", 1, "must be of type boolean"),
    ("qualys.token.expiry", "5", "must be of type integer"),
    ("qualys.token.expiry", 2147483648, "less than or equal to 2147483647"),
    ("qualys.token.rotateBefore", "5m", "rotateBefore must be at least 1h"),
    ("connector.role", {}, "externalID: Required value"),
    ("delivery.retry", [], "must be of type object"),
    ("interval", "", "at least 2 chars long"),
    ("mode", "", 'supported values: "Enforce", "Observe"'),
    ("tags", {"a": 1}, "must be of type string"),
]

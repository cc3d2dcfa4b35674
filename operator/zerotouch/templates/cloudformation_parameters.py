"""What a CloudFormation template asks for, and how the console shows it."""

from collections.abc import Mapping
from typing import Any, Final

from zerotouch.api.spec import Connector, RegionSelection
from zerotouch.api.zerotouch import QualysZeroTouchSpec
from zerotouch.templates import parameters as p
from zerotouch.templates.target import gateway_of

_NO_ACCOUNT: Final = "0" * 12
RULES: Final = {
    "ConnectorRoleIsComplete": {
        "RuleCondition": {"Fn::Equals": [{"Ref": "Connector"}, "Role"]},
        "Assertions": [
            {
                "Assert": {"Fn::Not": [{"Fn::Equals": [{"Ref": name}, absent]}]},
                "AssertDescription": f"Connector Role needs {name}, as the Qualys console shows it.",
            }
            for name, absent in (("ConnectorAccountID", _NO_ACCOUNT), ("ConnectorExternalID", ""))
        ],
    }
}


def parameters(spec: QualysZeroTouchSpec, defaults: bool) -> dict[str, Any]:
    """`defaults`: whether the spec's own values are the defaults."""
    connector = spec.connector or Connector.model_construct()
    role = connector.role
    gateway = {"Default": gateway_of(spec)} if defaults else {}
    return {
        "APIGatewayURL": {
            "Type": "String",
            **gateway,
            "AllowedPattern": p.GATEWAY_PATTERN,
            "ConstraintDescription": "https://HOST, without a slash at the end.",
            "Description": "The Qualys API gateway, from https://www.qualys.com/platform-identification/.",
        },
        "SubscriptionToken": {
            "Type": "String",
            "NoEcho": True,
            "MinLength": 24,
            "MaxLength": p.TOKEN_MOST,
            "AllowedPattern": p.TOKEN_PATTERN,
            "ConstraintDescription": f"A JWT: three parts joined by dots, at most {p.TOKEN_MOST} characters.",
            "Description": "The Qualys subscription token. Nothing but the connection keeps it, as a secret value.",
        },
        "Inventory": {
            "Type": "String",
            "Default": "Enabled",
            "AllowedValues": ["Enabled", "Disabled"],
            "Description": "Whether the stack makes the SSM inventory association. Disable it where one for all nodes exists "
            "already: AWS refuses a second one.",
        },
        "Connector": {
            "Type": "String",
            "Default": "Role" if role else "ExistingRole" if connector.existing_role_name else "None",
            "AllowedValues": ["None", "Role", "ExistingRole"],
            "Description": "The connector's permissions. Role: make the role ConnectorRoleName. ExistingRole: attach the policy "
            "to that role, which is there already.",
        },
        "ConnectorRoleName": {
            "Type": "String",
            "Default": role.name if role else connector.existing_role_name or f"{spec.name_prefix}-connector",
            "AllowedPattern": p.ROLE_NAME_PATTERN,
            "Description": "Name of the role that the Qualys connector assumes.",
        },
        "ConnectorAccountID": {
            "Type": "String",
            "Default": role.trusted_account_id if role else _NO_ACCOUNT,
            "AllowedPattern": "^[0-9]{12}$",
            "Description": "The Qualys AWS account that may assume the role, as the Qualys console shows it; zeros where none.",
        },
        "ConnectorExternalID": {
            "Type": "String",
            "NoEcho": True,
            "Default": role.external_id if role else "",
            "AllowedPattern": r"^([\w+=,.@:/-]{2,1224})?$",
            "Description": "The external id that the Qualys connector sends; with Connector Role.",
        },
    }


def region_parameters(spec: QualysZeroTouchSpec, defaults: bool) -> dict[str, Any]:
    """Which region is the main one; and, where its rule has to name them, all of them."""
    main = {
        "Type": "String",
        "Default": spec.delivery.main or "us-east-1",
        "AllowedPattern": r"^[a-z]{2,3}(-[a-z]+)+-[0-9]{1,2}$",
        "Description": "The region whose stack makes the IAM resources of the account. It must be among the StackSet's "
        "regions, and the first of them to be deployed.",
    }
    if spec.delivery.main is None:
        return {"MainRegion": main}
    listed = spec.regions.selection is RegionSelection.LISTED and defaults
    names = {
        "Type": "CommaDelimitedList",
        **({"Default": ",".join(sorted(spec.regions.names))} if listed else {}),
        "Description": "All regions of the StackSet, the main one among them: its rule lets their events through.",
    }
    return {"MainRegion": main, "Regions": names}


def interface(given: Mapping[str, Any]) -> dict[str, Any]:
    """How the console groups the parameters."""
    connector = [name for name in given if name.startswith("Connector")]
    groups = {
        "Qualys": ["APIGatewayURL", "SubscriptionToken"],
        "What is set up": [n for n in given if n in {"Inventory", "MainRegion", "Regions"}],
        "The Qualys connector's permissions": connector,
    }
    listed = [{"Label": {"default": label}, "Parameters": names} for label, names in groups.items()]
    return {"AWS::CloudFormation::Interface": {"ParameterGroups": listed}}

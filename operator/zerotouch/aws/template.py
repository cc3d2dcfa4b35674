"""The CloudFormation template of the role that the operator assumes in an account.

Meant for a StackSet with service-managed permissions over an organization's units, or for one account by hand.
"""

from typing import Any

from zerotouch.aws.policy import account_policy, trust_policy


def account_role_template() -> dict[str, Any]:
    """CloudFormation, with the permissions that the tests enforce."""
    policy = account_policy("${AWS::Partition}", "${AWS::AccountId}", "${NamePrefix}")
    trust = trust_policy("${OperatorRoleARN}", "${ExternalID}")
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The role by which zerotouch sets up this account for Qualys zero-touch API-based scans.",
        "Parameters": {
            "OperatorRoleARN": {
                "Type": "String",
                "AllowedPattern": "^arn:aws[a-z-]*:(iam|sts)::[0-9]{12}:.+$",
                "Description": "ARN of the operator's own role.",
            },
            "ExternalID": {
                "Type": "String",
                "NoEcho": True,
                "MinLength": 2,
                "MaxLength": 1224,
                "Description": "spec.access.externalID of the QualysZeroTouch.",
            },
            "RoleName": {
                "Type": "String",
                "Default": "zerotouch",
                "AllowedPattern": r"^[\w+=,.@-]{1,64}$",
                "Description": "spec.access.roleName of the QualysZeroTouch.",
            },
            "NamePrefix": {
                "Type": "String",
                "Default": "qualys-zerotouch",
                "AllowedPattern": "^[A-Za-z][A-Za-z0-9-]{2,31}$",
                "Description": "spec.namePrefix of the QualysZeroTouch.",
            },
        },
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "RoleName": {"Ref": "RoleName"},
                    "Description": "Assumed by the zerotouch operator.",
                    "AssumeRolePolicyDocument": _substituted(trust),
                    "Policies": [{"PolicyName": "zerotouch", "PolicyDocument": _substituted(policy)}],
                },
            }
        },
        "Outputs": {"RoleARN": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}, "Description": "ARN of the role."}},
    }


def _substituted(value: Any) -> Any:
    """Every text that names a parameter or pseudo-parameter, as CloudFormation's Fn::Sub."""
    if isinstance(value, dict):
        return {key: _substituted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_substituted(item) for item in value]
    return {"Fn::Sub": value} if isinstance(value, str) and "${" in value else value

"""What a person can do about an error of AWS, as far as its code and message tell. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from zerotouch.api.conditions import Reason
from zerotouch.aws.errors import Call

POLICY_COMMAND: Final = "zerotouch policy account"
# AWS names the type of the policy that denies, and since 2026 mostly its ARN; some services name neither.
# Source: IAM user guide, "Troubleshoot access denied error messages".
_DENIED_BY: Final = re.compile(
    r"explicit deny in an? (?P<explicit>[\w -]+? ?(?:policy|boundary))\b"
    r"|because no (?P<implicit>[\w -]+? ?(?:policy|boundary)) allows",
    re.IGNORECASE,
)
# Often another action than the call's: PutTargets needs iam:PassRole, PutRule with tags events:TagResource.
_ACTION: Final = re.compile(r"not authorized to perform: (?P<action>[a-z0-9-]+:[A-Za-z]+)")
_IAM_QUOTA: Final = re.compile(r"quota for (\w+)", re.IGNORECASE)
# EventBridge says the same words for every quota: the call tells which one it is.
# Source: quotas pages of EventBridge, Systems Manager, IAM and SQS.
_QUOTAS: Final = {
    "events:CreateConnection": "connections of the region",
    "events:CreateApiDestination": "API destinations of the region",
    "events:PutRule": "rules of the event bus",
    "events:PutTargets": "targets of a rule",
    "ssm:CreateAssociation": "State Manager associations of the region",
    "iam:CreateRole": "roles of the account",
    "iam:CreatePolicy": "customer managed policies of the account",
    "iam:AttachRolePolicy": "managed policies attached to a role",
    "iam:PutRolePolicy": "size of a role's inline policies",
    "iam:CreatePolicyVersion": "versions of a managed policy",
}
ORGANIZATION_POLICIES: Final = {"service control policy": "SCP", "resource control policy": "RCP"}


@dataclass(frozen=True)
class Denial:
    """`policy`: the type of the policy that denies, as AWS writes it; empty where AWS does not say. `explicit`: by a Deny.

    `action`: what was denied; empty where AWS does not say.
    """

    policy: str
    explicit: bool
    action: str = ""


def denial_of(message: str) -> Denial:
    """What AWS's message tells of a denial."""
    found, named = _DENIED_BY.search(message), _ACTION.search(message)
    action = named["action"] if named else ""
    if found is None:
        return Denial("", False, action)
    return Denial((found["explicit"] or found["implicit"]).lower(), found["explicit"] is not None, action)


def advise(call: Call, reason: Reason, code: str, message: str) -> str:
    """A sentence's rest for the message; empty where there is nothing to say beyond it."""
    match reason:
        case Reason.DENIED_BY_SCP | Reason.ACCESS_DENIED:
            return _about_denial(call, denial_of(message))
        case Reason.ASSUME_ROLE_DENIED:
            return (
                "check that the role exists, that it trusts the operator's role, and the ExternalId; of an account that is "
                "suspended or closed AWS says the same"
            )
        case Reason.QUOTA_EXCEEDED:
            return _about_quota(call, code, message)
        case Reason.REGION_UNSUPPORTED:
            return f"AWS does not offer this in {call.region}: take the region out of spec.regions"
        case Reason.REGION_NOT_ENABLED:
            return f"enable {call.region} in the account, or take it out of spec.regions"
        case Reason.ACCOUNT_SUSPENDED:
            return (
                "the account is suspended, blocked, or not fully signed up: its owner settles that with AWS; if it is gone "
                "for good, take it out of spec.accounts"
            )
        case _:
            return ""


def _about_denial(call: Call, denial: Denial) -> str:
    action = denial.action or call.action
    if short := ORGANIZATION_POLICIES.get(denial.policy):
        how = "denies it" if denial.explicit else "does not allow it"
        return (
            f"an {short} of the organization {how}, whatever the role's policy says: have it leave out the operator's role, or "
            f"take {_where(call)} out of the spec"
        )
    if denial.policy == "permissions boundary":
        return f"the permissions boundary of the operator's role must allow {action} too"
    if denial.policy == "session policy":
        return f"whoever assumes the role passes a session policy without {action}"
    if denial.explicit:
        return f"a policy denies {action} to the operator's role: take that out"
    return f"give the operator's role the permission {action}: {POLICY_COMMAND} prints all that it needs"


def _about_quota(call: Call, code: str, message: str) -> str:
    if code == "AssociationVersionLimitExceeded":
        return "the association has had as many versions as it may: delete it, and it is made again"
    named = _IAM_QUOTA.search(message)
    what = f"the quota {named[1]}" if named else f"the quota of {_QUOTAS.get(call.action, 'such resources')}"
    return f"{what} is used up: delete what is not needed, or have AWS raise it (Service Quotas, {_place(call)})"


def _place(call: Call) -> str:
    return f"{call.service} in {call.region}" if call.region != "global" else call.service


def _where(call: Call) -> str:
    return call.region if call.region != "global" else call.account

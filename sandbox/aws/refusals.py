"""How AWS refuses a call, by sort of refusal: code, status, and its words as far as they are documented or reported.

Sources: IAM user guide, "Troubleshoot access denied error messages"; EC2 API reference, "Error codes"; what EventBridge says
of a quota and of a region without connections is as users report it (terraform-provider-aws #44489, #18905).
"""

from dataclasses import dataclass
from typing import Any, Final

_DENIED: Final = {"ec2": "UnauthorizedOperation", "iam": "AccessDenied", "sts": "AccessDenied"}
_THROTTLES: Final = {"iam": "Throttling", "sts": "Throttling", "ec2": "RequestLimitExceeded"}
_ORGANIZATION: Final = "arn:aws:organizations::987654321098:policy/o-qv5af4abcd/service_control_policy/p-2kgnabcd"
_SIMPLE: Final = {
    "deny": ("", "deny, on demand", 403),
    "throttle": ("", "Rate exceeded", 400),
    "error500": ("InternalFailure", "error500, on demand", 500),
    "expired": ("ExpiredTokenException", "The security token included in the request is expired", 403),
    "unsupported": ("UnknownOperationException", "Operation is disabled in this region.", 400),
    "suspended": ("OptInRequired", "You are not subscribed to this service. Please go to http://aws.amazon.com", 401),
}
_BECAUSE: Final = {
    "scp": f"with an explicit deny in a service control policy: {_ORGANIZATION}",
    "scp-implicit": "because no service control policy allows the {action} action",
    "boundary": "because no permissions boundary allows the {action} action",
    "session": "because no session policy allows the {action} action",
    "explicit": "with an explicit deny in an identity-based policy",
}
_QUOTAS: Final = {
    "ssm": ("AssociationLimitExceeded", "You can have at most 2,000 active associations."),
    "iam": ("LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000"),
}
KINDS: Final = frozenset({*_SIMPLE, *_BECAUSE, "quota"})


@dataclass(frozen=True)
class Refusal:
    """An error answer."""

    code: str
    message: str
    status: int


def failed_entry(service: str, operation: str, account: str) -> dict[str, Any]:
    """An answer of status 200 to PutTargets or RemoveTargets of which the only entry failed, for want of quota."""
    told = refusal("quota", service, operation, account)
    entry = {"TargetId": "any", "ErrorCode": told.code, "ErrorMessage": told.message}
    return {"FailedEntryCount": 1, "FailedEntries": [entry]}


def refusal(kind: str, service: str, operation: str, account: str) -> Refusal:
    """What AWS would answer. `kind` is one of KINDS."""
    if kind == "quota":
        words = "The requested resource exceeds the maximum number allowed."
        code, message = _QUOTAS.get(service, ("LimitExceededException", words))
        return Refusal(code, message, 409 if service == "iam" else 400)
    denied = _DENIED.get(service, "AccessDeniedException")
    if kind in _BECAUSE:
        action = f"{service}:{operation}"
        who = f"arn:aws:sts::{account}:assumed-role/zerotouch/zerotouch-default.security.production"
        why = _BECAUSE[kind].format(action=action)
        message = f"User: {who} is not authorized to perform: {action} on resource: * {why}"
        if service == "ec2":
            message = (
                f"You are not authorized to perform this operation. {message}. Encoded authorization failure message: "
            )
            message += "x" * 400
        return Refusal(denied, message, 403)
    code, message, status = _SIMPLE[kind]
    return Refusal(
        code or {"deny": denied, "throttle": _THROTTLES.get(service, "ThrottlingException")}[kind], message, status
    )

"""botocore's exceptions → AWSError with a reason and an idea of what helps."""

import re
import socket
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
)

from zerotouch.api.conditions import Reason
from zerotouch.aws.advice import ORGANIZATION_POLICIES, advise, denial_of
from zerotouch.aws.errors import AWSError, Call, Retry

THROTTLES: Final = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "EC2ThrottledException",
        "RequestThrottled",
        "PriorRequestNotComplete",
    }
)
_CONSISTENCY: Final = frozenset(
    {
        "ConcurrentModificationException",
        "ConcurrentModification",
        "TooManyUpdates",
        "DeleteConflict",
        "OperationAborted",
        "AWS.SimpleQueueService.QueueDeletedRecently",
        "QueueDeletedRecently",
    }
)
_DENIED: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "NotAuthorizedException",
    }
)
EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_REGION: Final = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "AuthFailure",
    }
)
# Source: EC2 API reference, "Error codes"; of most services a suspended account cannot be told from a denial.
_SUSPENDED: Final = frozenset(
    {
        "Blocked",
        "PendingVerification",
        "AccountProblem",
        "NotSignedUp",
        "OptInRequired",
        "SubscriptionRequiredException",
    }
)
_SUSPENDED_TEXT: Final = re.compile(
    r"account is (?:currently )?(?:suspended|blocked|closed)|not recognized as a valid account|account has been suspended",
    re.IGNORECASE,
)
_QUOTA: Final = frozenset(
    {
        "LimitExceededException",
        "LimitExceeded",
        "AssociationLimitExceeded",
        "AssociationVersionLimitExceeded",
        "ServiceQuotaExceededException",
        "TooManyTagsError",
        "OverLimit",
        "PolicyLengthExceededException",
    }
)
_UNSUPPORTED: Final = frozenset({"UnknownOperationException", "InvalidAction", "UnsupportedOperation"})
# "Operation is disabled in this region" is what EventBridge said of connections where they were missing.
_UNSUPPORTED_TEXT: Final = re.compile(
    r"(?:disabled|not (?:supported|available)) in (?:this|the) (?:region|partition)", re.IGNORECASE
)
_CONFLICT: Final = frozenset(
    {
        "ResourceAlreadyExistsException",
        "EntityAlreadyExists",
        "AssociationAlreadyExists",
    }
)

# The three texts by which AWS says that a role made seconds ago is not known everywhere yet
# (terraform-provider-aws retries on them for two minutes).
_NOT_YET: Final = re.compile(
    r"cannot be assumed by principal|Invalid principal in policy|has targets",
    re.IGNORECASE,
)
_EXTERNAL_IDS: Final = re.compile(r"(external ?id\S*\s*[:=]?\s*)\S+", re.IGNORECASE)
# EC2 adds hundreds of characters that only sts:DecodeAuthorizationMessage can read.
_ENCODED: Final = re.compile(r"\s*Encoded authorization failure message:.*", re.IGNORECASE | re.DOTALL)
_MESSAGE_LIMIT: Final = 500
_NO_SUCH_HOST: Final = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})


def classify(call: Call, error: Exception) -> AWSError:
    """Never raises; what is not known is a retryable AWSError for outages and a bug otherwise."""
    if isinstance(error, ClientError):
        return _client_error(call, error)
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return AWSError(
            call, Reason.BASE_CREDENTIALS_MISSING, Retry.PERSON, type(error).__name__,
            "the operator itself has no AWS credentials; give its ServiceAccount a role or set AWS_* variables",
        )  # fmt: skip
    if type(error).__name__ in {
        "EndpointConnectionError",
        "CouldNotConnectToEndpointError",
    } and _no_such_host(error):
        return AWSError(
            call, Reason.REGION_UNSUPPORTED, Retry.PERSON, type(error).__name__,
            f"{call.service} has no endpoint in {call.region}",
            advice=advise(call, Reason.REGION_UNSUPPORTED, "", ""),
        )  # fmt: skip
    if isinstance(error, BotoCoreError):
        name = type(error).__name__
        if name in {"ParamValidationError", "UnknownServiceError"}:
            return AWSError(
                call,
                Reason.INTERNAL_ERROR,
                Retry.BUG,
                name,
                "the request was malformed",
            )
        return AWSError(call, Reason.AWS_UNAVAILABLE, Retry.SOON, name, "no answer from AWS")
    return AWSError(call, Reason.INTERNAL_ERROR, Retry.BUG, type(error).__name__, "unexpected error")


def refused(call: Call, code: str, message: str, request_id: str, status: int = 0) -> AWSError:
    """An error by AWS's code and words, also where they came in an answer of status 200."""
    told = _ENCODED.sub("", _EXTERNAL_IDS.sub(r"\1***", message))[:_MESSAGE_LIMIT]
    reason, retry = _sort(call, code, told, status)
    return AWSError(call, reason, retry, code, told, request_id, advise(call, reason, code, told))


def _client_error(call: Call, error: ClientError) -> AWSError:
    details = error.response.get("Error", {})
    meta = error.response.get("ResponseMetadata", {})
    code, status = str(details.get("Code", "Unknown")), int(meta.get("HTTPStatusCode", 0) or 0)
    return refused(call, code, str(details.get("Message", "")), str(meta.get("RequestId", "")), status)


def _sort(call: Call, code: str, message: str, status: int) -> tuple[Reason, Retry]:
    if code in THROTTLES:
        return Reason.THROTTLED, Retry.SOON
    if code in _CONSISTENCY or _NOT_YET.search(message):
        return Reason.NOT_YET_CONSISTENT, Retry.SOON
    if code in EXPIRED:
        return Reason.AWS_UNAVAILABLE, Retry.SOON
    if code == "RegionDisabledException":
        return Reason.STS_REGION_NOT_ENABLED, Retry.PERSON
    if code in _SUSPENDED or _SUSPENDED_TEXT.search(message):
        return Reason.ACCOUNT_SUSPENDED, Retry.PERSON
    if code in _DENIED and denial_of(message).policy in ORGANIZATION_POLICIES:
        return Reason.DENIED_BY_SCP, Retry.PERSON
    if call.operation == "assume_role" and (code in _DENIED or code in _REGION):
        return Reason.ASSUME_ROLE_DENIED, Retry.PERSON
    if code in _DENIED:
        return Reason.ACCESS_DENIED, Retry.PERSON
    if code in _REGION:
        return Reason.REGION_NOT_ENABLED, Retry.PERSON
    if code in _QUOTA:
        return Reason.QUOTA_EXCEEDED, Retry.PERSON
    if code in _UNSUPPORTED or _UNSUPPORTED_TEXT.search(message):
        return Reason.REGION_UNSUPPORTED, Retry.PERSON
    if code in _CONFLICT:
        return Reason.CONFLICT, Retry.PERSON
    if status >= 500 or code in {
        "InternalException",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "ServiceUnavailable",
    }:
        return Reason.AWS_UNAVAILABLE, Retry.SOON
    return Reason.AWS_ERROR, Retry.PERSON


def _no_such_host(error: Exception) -> bool:
    """Whether the name is not known, as against a resolver that does not answer for now."""
    cause: object = getattr(error, "kwargs", {}).get("error")
    while isinstance(cause, BaseException):
        if isinstance(cause, socket.gaierror):
            return cause.errno in _NO_SUCH_HOST
        cause = cause.__cause__ or cause.__context__ or getattr(cause, "reason", None)
    return False

"""botocore's exceptions → AWSError with a reason and an idea of what helps."""

import re
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
)

from zerotouch.api.conditions import Reason
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
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_REGION: Final = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "AuthFailure",
        "OptInRequired",
    }
)
_QUOTA: Final = frozenset(
    {
        "LimitExceededException",
        "LimitExceeded",
        "AssociationLimitExceeded",
        "PolicyLengthExceededException",
    }
)
_UNSUPPORTED: Final = frozenset({"UnknownOperationException", "InvalidAction", "UnsupportedOperation"})
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
_MESSAGE_LIMIT: Final = 500


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


def _client_error(call: Call, error: ClientError) -> AWSError:
    details = error.response.get("Error", {})
    meta = error.response.get("ResponseMetadata", {})
    code, status = (
        str(details.get("Code", "Unknown")),
        int(meta.get("HTTPStatusCode", 0) or 0),
    )
    message = _EXTERNAL_IDS.sub(r"\1***", str(details.get("Message", "")))[:_MESSAGE_LIMIT]
    reason, retry = _sort(call, code, message, status)
    return AWSError(call, reason, retry, code, message, str(meta.get("RequestId", "")))


def _sort(call: Call, code: str, message: str, status: int) -> tuple[Reason, Retry]:
    if code in THROTTLES:
        return Reason.THROTTLED, Retry.SOON
    if code in _CONSISTENCY or _NOT_YET.search(message):
        return Reason.NOT_YET_CONSISTENT, Retry.SOON
    if code in _EXPIRED:
        return Reason.AWS_UNAVAILABLE, Retry.SOON
    if code == "RegionDisabledException":
        return Reason.STS_REGION_NOT_ENABLED, Retry.PERSON
    if call.operation == "assume_role" and (code in _DENIED or code in _REGION):
        return Reason.ASSUME_ROLE_DENIED, Retry.PERSON
    if code in _DENIED:
        return Reason.ACCESS_DENIED, Retry.PERSON
    if code in _REGION:
        return Reason.REGION_NOT_ENABLED, Retry.PERSON
    if code in _QUOTA:
        return Reason.QUOTA_EXCEEDED, Retry.PERSON
    if code in _UNSUPPORTED:
        return Reason.REGION_UNSUPPORTED, Retry.PERSON
    if code in _CONFLICT:
        return Reason.CONFLICT, Retry.PERSON
    if status >= 500 or code in {
        "InternalException",
        "InternalError",
        "InternalServerError",
        "ServiceUnavailable",
    }:
        return Reason.AWS_UNAVAILABLE, Retry.SOON
    return Reason.AWS_ERROR, Retry.PERSON


def _no_such_host(error: Exception) -> bool:
    return "name resolution" in str(error).lower() or "name or service not known" in str(error).lower()

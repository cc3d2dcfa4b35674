"""AWS errors: every sort has its reason and says what helps."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from zerotouch.api.conditions import Reason
from zerotouch.aws.classify import classify
from zerotouch.aws.errors import Call, Retry

CALL = Call("111111111111", "us-east-1", "events", "put_rule")
ASSUME = Call("111111111111", "us-east-1", "sts", "assume_role")


def client_error(code: str, message: str = "no", status: int = 400) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "HTTPStatusCode": status, "RequestId": "r-1", "HostId": "", "HTTPHeaders": {}, "RetryAttempts": 0
            },
        },
        "PutRule",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "message", "status", "reason", "retry"),
    [
        ("ThrottlingException", "", 400, Reason.THROTTLED, Retry.SOON),
        ("RequestLimitExceeded", "", 503, Reason.THROTTLED, Retry.SOON),
        ("ConcurrentModificationException", "", 400, Reason.NOT_YET_CONSISTENT, Retry.SOON),
        ("ValidationException", "Provided role 'x' cannot be assumed by principal", 400,
         Reason.NOT_YET_CONSISTENT, Retry.SOON),
        ("MalformedPolicyDocument", "Invalid principal in policy", 400, Reason.NOT_YET_CONSISTENT, Retry.SOON),
        ("ValidationException", "Rule can't be deleted since it has targets.", 400,
         Reason.NOT_YET_CONSISTENT, Retry.SOON),
        ("ValidationException", "name too long", 400, Reason.AWS_ERROR, Retry.PERSON),
        ("AccessDeniedException", "", 400, Reason.ACCESS_DENIED, Retry.PERSON),
        ("LimitExceededException", "", 400, Reason.QUOTA_EXCEEDED, Retry.PERSON),
        ("UnrecognizedClientException", "", 400, Reason.REGION_NOT_ENABLED, Retry.PERSON),
        ("UnknownOperationException", "", 400, Reason.REGION_UNSUPPORTED, Retry.PERSON),
        ("ExpiredTokenException", "", 400, Reason.AWS_UNAVAILABLE, Retry.SOON),
        ("InternalException", "", 500, Reason.AWS_UNAVAILABLE, Retry.SOON),
        ("Surprise", "", 503, Reason.AWS_UNAVAILABLE, Retry.SOON),
    ],
)  # fmt: skip
def test_table(code: str, message: str, status: int, reason: Reason, retry: Retry) -> None:
    error = classify(CALL, client_error(code, message, status))
    assert (error.reason, error.retry) == (reason, retry)
    assert error.code == code
    assert error.request_id == "r-1"
    for part in ("events:PutRule", "111111111111", "us-east-1", code, "r-1"):
        assert part in str(error)


def test_assume_role_has_reasons_of_its_own() -> None:
    assert classify(ASSUME, client_error("AccessDenied", status=403)).reason is Reason.ASSUME_ROLE_DENIED
    assert classify(ASSUME, client_error("RegionDisabledException")).reason is Reason.STS_REGION_NOT_ENABLED


def test_no_credentials_of_our_own_say_what_to_do() -> None:
    error = classify(ASSUME, NoCredentialsError())
    assert error.reason is Reason.BASE_CREDENTIALS_MISSING
    assert "ServiceAccount" in str(error)


def test_outages_are_retried_and_show_no_address() -> None:
    for outage in (
        EndpointConnectionError(endpoint_url="https://secret-host"), ReadTimeoutError(endpoint_url="https://secret-host")
    ):  # fmt: skip
        error = classify(CALL, outage)
        assert (error.reason, error.retry) == (Reason.AWS_UNAVAILABLE, Retry.SOON)
        assert "secret-host" not in str(error)


def test_an_external_id_in_a_message_is_masked() -> None:
    error = classify(ASSUME, client_error("AccessDenied", "wrong ExternalId: canary-7f3", 403))
    assert "canary-7f3" not in str(error)

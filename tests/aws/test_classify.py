"""AWS errors: every sort has its reason and says what helps."""

import socket

import boto3
import pytest
from botocore.config import Config
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
        ("AssociationLimitExceeded", "", 400, Reason.QUOTA_EXCEEDED, Retry.PERSON),
        ("AssociationVersionLimitExceeded", "", 400, Reason.QUOTA_EXCEEDED, Retry.PERSON),
        ("LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000", 409, Reason.QUOTA_EXCEEDED, Retry.PERSON),
        ("OptInRequired", "You are not subscribed to this service.", 401, Reason.ACCOUNT_SUSPENDED, Retry.PERSON),
        ("Blocked", "This account is currently blocked and not recognized as a valid account.", 403,
         Reason.ACCOUNT_SUSPENDED, Retry.PERSON),
        ("AccessDeniedException", "Your account is suspended", 403, Reason.ACCOUNT_SUSPENDED, Retry.PERSON),
        ("ValidationException", "API destinations are not supported in this region", 400,
         Reason.REGION_UNSUPPORTED, Retry.PERSON),
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


DENIAL = "User: arn:aws:sts::111111111111:assumed-role/r/s is not authorized to perform: events:PutRule on resource: x "
ORGANIZATION = "arn:aws:organizations::987654321098:policy/o-qv5af4abcd/service_control_policy/p-2kgnabcd"


@pytest.mark.parametrize(
    ("why", "reason", "advice"),
    [
        ("with an explicit deny in a service control policy", Reason.DENIED_BY_SCP, "an SCP of the organization denies it"),
        (f"with an explicit deny in a service control policy: {ORGANIZATION}", Reason.DENIED_BY_SCP, "an SCP of the"),
        ("because no service control policy allows the events:PutRule action", Reason.DENIED_BY_SCP, "does not allow it"),
        ("with an explicit deny in a resource control policy", Reason.DENIED_BY_SCP, "an RCP of the organization denies it"),
        ("because no permissions boundary allows the events:PutRule action", Reason.ACCESS_DENIED, "permissions boundary"),
        ("with an explicit deny in a permissions boundary", Reason.ACCESS_DENIED, "permissions boundary"),
        ("because no session policy allows the events:PutRule action", Reason.ACCESS_DENIED, "session policy"),
        ("with an explicit deny in an identity-based policy", Reason.ACCESS_DENIED, "a policy denies events:PutRule"),
        ("because no identity-based policy allows the events:PutRule action", Reason.ACCESS_DENIED, "permission events:PutRule"),
        ("", Reason.ACCESS_DENIED, "give the operator's role the permission events:PutRule"),
    ],
)  # fmt: skip
def test_who_denies_is_told_and_what_to_do(why: str, reason: Reason, advice: str) -> None:
    error = classify(CALL, client_error("AccessDeniedException", DENIAL + why, 403))
    assert (error.reason, error.retry) == (reason, Retry.PERSON)
    assert advice in str(error)
    # A message that is cut loses its end: what to do stands before AWS's own words.
    assert str(error).index(advice) < str(error).index("AccessDeniedException")


@pytest.mark.parametrize(
    ("operation", "denied"),
    [("put_targets", "iam:PassRole"), ("put_rule", "events:TagResource"), ("create_connection", "secretsmanager:CreateSecret")],
)  # fmt: skip
def test_the_permission_that_lacks_may_be_another_than_the_calls(operation: str, denied: str) -> None:
    call = Call("111111111111", "us-east-1", "events", operation)
    error = classify(call, client_error("AccessDeniedException", DENIAL.replace("events:PutRule", denied), 403))
    assert f"give the operator's role the permission {denied}:" in str(error)


def test_an_scp_that_denies_entering_is_not_taken_for_a_wrong_trust() -> None:
    message = "User: x is not authorized to perform: sts:AssumeRole with an explicit deny in a service control policy"
    assert classify(ASSUME, client_error("AccessDenied", message, 403)).reason is Reason.DENIED_BY_SCP
    plain = classify(ASSUME, client_error("AccessDenied", "User: x is not authorized to perform: sts:AssumeRole", 403))
    assert plain.reason is Reason.ASSUME_ROLE_DENIED
    for part in ("trusts the operator's role", "ExternalId", "suspended or closed"):
        assert part in str(plain)


def test_what_only_aws_can_decode_is_left_out() -> None:
    message = (
        f"You are not authorized to perform this operation. {DENIAL} Encoded authorization failure message: {'x' * 900}"
    )
    assert "xxx" not in str(classify(CALL, client_error("UnauthorizedOperation", message, 403)))


@pytest.mark.parametrize(
    ("service", "operation", "code", "message", "quota"),
    [
        ("events", "create_connection", "LimitExceededException", "too many", "connections of the region"),
        ("events", "create_api_destination", "LimitExceededException", "too many", "API destinations of the region"),
        ("events", "put_rule", "LimitExceededException", "too many", "rules of the event bus"),
        ("ssm", "create_association", "AssociationLimitExceeded", "at most 2,000", "State Manager associations"),
        ("iam", "create_role", "LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000", "RolesPerAccount"),
        ("iam", "create_role", "LimitExceeded", "no more", "roles of the account"),
        ("ssm", "update_association", "AssociationVersionLimitExceeded", "", "as many versions as it may"),
        ("events", "tag_resource", "LimitExceededException", "", "such resources"),
    ],
)
def test_which_quota_is_used_up(service: str, operation: str, code: str, message: str, quota: str) -> None:
    error = classify(Call("111111111111", "us-east-1", service, operation), client_error(code, message))
    assert error.reason is Reason.QUOTA_EXCEEDED
    assert quota in str(error)


@pytest.mark.parametrize(
    ("number", "reason", "retry"),
    [
        (socket.EAI_NONAME, Reason.REGION_UNSUPPORTED, Retry.PERSON),
        (socket.EAI_AGAIN, Reason.AWS_UNAVAILABLE, Retry.SOON),
    ],
)
def test_a_region_without_the_service_has_no_such_host(
    monkeypatch: pytest.MonkeyPatch, number: int, reason: Reason, retry: Retry
) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(number, "as the resolver says")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    config = Config(retries={"total_max_attempts": 1})
    client = boto3.client(
        "events", "us-east-1", endpoint_url="https://nowhere.invalid", config=config,
        aws_access_key_id="x", aws_secret_access_key="x",
    )  # fmt: skip
    with pytest.raises(EndpointConnectionError) as caught:
        client.describe_rule(Name="x")
    error = classify(CALL, caught.value)
    assert (error.reason, error.retry) == (reason, retry)


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

"""Who makes the current request, for checks that one API call makes against another service's permissions."""

from contextvars import ContextVar
from typing import Any

from ministack.core.iam_evaluator import enforce
from ministack.core.responses import error_response_json, get_account_id, get_region

access_key: ContextVar[str] = ContextVar("access_key", default="")
# Headers and body of the current request.
request: ContextVar[tuple[dict[str, str], bytes]] = ContextVar("request", default=({}, b""))

Response = tuple[int, dict[str, str], bytes]


def denied(action: str, resource: str, **context: str) -> Response | None:
    """AWS's AccessDeniedException where the caller may not do `action` on `resource`, else None."""
    service = action.partition(":")[0]
    answer: Any = enforce(
        access_key.get(), action, service, get_region(), resource_arn=resource, service_context=context
    )
    if answer is None:
        return None
    who = getattr(answer, "principal_arn", "unknown")
    message = (
        f"User: {who} is not authorized to perform: {action} on resource: {resource} "
        f"because no identity-based policy allows the {action} action"
    )
    return response(error_response_json("AccessDeniedException", message, 400))


def arn(service: str, resource: str) -> str:
    """ARN of a resource in the request's account and region."""
    return f"arn:{partition()}:{service}:{get_region()}:{get_account_id()}:{resource}"


def partition() -> str:
    """Partition of the request's region."""
    region = get_region()
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def response(answer: Any) -> Response:
    """Give ministack's untyped answer its type."""
    typed: Response = answer
    return typed


def error(code: str, message: str, status: int = 400) -> Response:
    """An error of a JSON-protocol service."""
    return response(error_response_json(code, message, status))

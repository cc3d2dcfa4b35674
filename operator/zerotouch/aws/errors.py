"""AWS errors sorted by what helps: waiting, a person, or a fix of ours."""

from dataclasses import dataclass
from enum import StrEnum

from zerotouch.api.conditions import Reason


class Retry(StrEnum):
    """How soon another try may help."""

    SOON = "soon"
    PERSON = "person"
    BUG = "bug"


@dataclass(frozen=True)
class Call:
    """Which call it was; `region` is `global` for IAM."""

    account: str
    region: str
    service: str
    operation: str

    @property
    def action(self) -> str:
        """As IAM writes it: `events:DescribeRule`."""
        return f"{self.service}:{''.join(word.capitalize() for word in self.operation.split('_'))}"


class AWSError(Exception):
    """A failed AWS call, classified. The message is safe to show: it holds no parameter of the request."""

    def __init__(
        self,
        call: Call,
        reason: Reason,
        retry: Retry,
        code: str,
        message: str,
        request_id: str = "",
        advice: str = "",
    ) -> None:
        self.call, self.reason, self.retry = call, reason, retry
        self.code, self.aws_message, self.request_id = code, message, request_id
        self.advice = advice
        super().__init__(str(self))

    def __str__(self) -> str:
        """What to do before AWS's own words, which are long: where a message is cut, the end is lost."""
        where = f"{self.call.action} in {self.call.account}/{self.call.region}"
        told = f"{self.code}: {self.aws_message}"
        tail = f"request {self.request_id}" if self.request_id else ""
        if not self.advice:
            return f"{where}: {told} ({tail})" if tail else f"{where}: {told}"
        return f"{where}: {self.advice} ({told}; {tail})" if tail else f"{where}: {self.advice} ({told})"

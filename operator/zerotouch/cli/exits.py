"""The exit statuses, in one place, and the error that carries one to `main`."""

from enum import IntEnum


class Exit(IntEnum):
    """What the exit status of a command says; docs/cli.md shows the same table. From 64 on it follows sysexits.h."""

    text: str

    def __new__(cls, value: int, text: str) -> "Exit":
        member = int.__new__(cls, value)
        member._value_ = value
        member.text = text
        return member

    OK = 0, "all is well; of `plan`: nothing would change"
    NOT_RIGHT = 1, "done, but something is not right: the output says what, and what to do"
    CHANGES = 2, "of `plan`: something would change"
    USAGE = 64, "the command line is wrong"
    NOT_YAML = 65, "the file is not YAML"
    NO_INPUT = 66, "the file is missing or cannot be read"
    INVALID_SPEC = 67, "the object is invalid: the API server would refuse it too"
    WRONG_DOCUMENTS = 68, "the file holds no QualysZeroTouch, or several"
    CLUSTER_UNREACHABLE = 69, "the API server does not answer"
    INTERNAL = 70, "a fault of zerotouch itself"
    CLUSTER_REFUSED = 71, "the API server refuses"
    NO_CONTEXT = 72, "no kubeconfig, or no such context"
    NOT_FOUND = 73, "no such object in the cluster, or no such account in the object"
    AWS_ERROR = 74, "AWS does not answer, or refuses"
    NO_CREDENTIALS = 75, "no AWS credentials"
    EXPIRED_CREDENTIALS = 76, "the AWS credentials have expired"
    UNKNOWN_PROFILE = 77, "no such AWS profile"
    SETTINGS = 78, "a setting is wrong"
    TOKEN = 79, "no usable Qualys token, or the gateway gives none"
    REFUSED = 80, "nothing was changed: not confirmed"
    INTERRUPTED = 130, "interrupted by Ctrl-C or SIGTERM"
    BROKEN_PIPE = 141, "whoever read the output has gone"


class CommandError(Exception):
    """Ends the command: one line that says what is wrong and what to do, and the exit status."""

    def __init__(self, status: Exit, message: str) -> None:
        self.status = status
        super().__init__(message)

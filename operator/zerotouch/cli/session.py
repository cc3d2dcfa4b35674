"""AWS for a command: whose credentials, and a reconciler."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from zerotouch.aws.advice import POLICY_COMMAND
from zerotouch.aws.identity import IdentityError, Wrong, caller_arn
from zerotouch.aws.settings import AWSSettings
from zerotouch.cli.exits import CommandError, Exit
from zerotouch.reconcile.reconciler import Reconciler

_STATUS: Final = {
    Wrong.PROFILE: Exit.UNKNOWN_PROFILE,
    Wrong.MISSING: Exit.NO_CREDENTIALS,
    Wrong.EXPIRED: Exit.EXPIRED_CREDENTIALS,
    Wrong.REFUSED: Exit.NO_CREDENTIALS,
    Wrong.UNREACHABLE: Exit.AWS_ERROR,
}


def identity(settings: AWSSettings, sts_region: str) -> str:
    """The ARN of who acts. Raises CommandError."""
    try:
        return caller_arn(settings, sts_region)
    except IdentityError as error:
        raise CommandError(_STATUS[error.wrong], str(error)) from None


def with_rights_of(policy: str, error: object) -> str:
    """The text of an error of AWS; of what is denied it names the policy that the command needs, not the operator's."""
    return str(error).replace(POLICY_COMMAND, f"zerotouch policy {policy}")


@contextmanager
def reconciler(settings: AWSSettings) -> Iterator[Reconciler]:
    """One for the command; its threads end with it."""
    made = Reconciler(settings)
    try:
        yield made
    finally:
        made.close()

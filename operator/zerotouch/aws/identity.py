"""Whose credentials the base identity's are, and in one word what is wrong with them."""

from enum import StrEnum
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from zerotouch.aws.settings import AWSSettings

_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_ATTEMPTS: Final = 2


class Wrong(StrEnum):
    """What keeps the base identity from acting."""

    PROFILE = "profile"
    MISSING = "missing"
    EXPIRED = "expired"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


class IdentityError(Exception):
    """The message says what to do, and holds nothing of the credentials."""

    def __init__(self, wrong: Wrong, message: str) -> None:
        self.wrong = wrong
        super().__init__(message)


def caller_arn(settings: AWSSettings, sts_region: str) -> str:
    """The base identity's ARN, as STS says (GetCallerIdentity, which no policy can deny). Raises IdentityError."""
    timeouts = {"connect_timeout": settings.connect_timeout, "read_timeout": settings.read_timeout}
    config = Config(retries={"mode": "standard", "total_max_attempts": _ATTEMPTS}, **timeouts)  # type: ignore[arg-type]
    again = f"aws sso login --profile {settings.profile}" if settings.profile else "aws sso login"
    try:
        session: Any = boto3.Session(profile_name=settings.profile, region_name=settings.region)
        return str(session.client("sts", region_name=sts_region, config=config).get_caller_identity()["Arn"])
    except ProfileNotFound as error:
        raise IdentityError(Wrong.PROFILE, f"{error}: see aws configure list-profiles") from None
    except (SSOError, TokenRetrievalError):
        raise IdentityError(Wrong.EXPIRED, f"the AWS sign-in has expired: run {again}") from None
    except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError) as error:
        text = f"no AWS credentials ({type(error).__name__}): set AWS_PROFILE or AWS_ACCESS_KEY_ID, or use --profile"
        raise IdentityError(Wrong.MISSING, text) from None
    except ClientError as error:
        raise _refused(str(error.response.get("Error", {}).get("Code", "Unknown"))) from None
    except BotoCoreError as error:
        text = f"AWS STS in {sts_region} does not answer ({type(error).__name__}): look at the network and the region"
        raise IdentityError(Wrong.UNREACHABLE, text) from None


def _refused(code: str) -> IdentityError:
    if code in _EXPIRED:
        return IdentityError(Wrong.EXPIRED, f"the AWS credentials have expired ({code}): get new ones")
    return IdentityError(Wrong.REFUSED, f"AWS refuses the credentials ({code}): look at AWS_* and the profile")

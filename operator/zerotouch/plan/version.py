"""What tells that somebody wrote to a resource whose content AWS does not show."""

from datetime import datetime, timedelta
from typing import Final

# AWS may stamp a write of ours once more when it has authorized the connection.
_SETTLES_WITHIN: Final = timedelta(minutes=2)


def make_version(arn: str, modified_at: datetime) -> str:
    """The UUID at the end of the ARN, which a recreated resource has anew, and when it was last modified."""
    return f"{arn.rpartition('/')[2]}@{modified_at.isoformat(timespec='seconds')}"


def written_by_others(remembered: str | None, found: str | None) -> bool:
    """Whether it is another resource, or was modified later than we left it. Nothing remembered tells nothing."""
    if remembered is None or found is None or remembered == found:
        return False
    (known, left_at), (identity, modified_at) = _parts(remembered), _parts(found)
    if known != identity or left_at is None or modified_at is None:
        return True
    return modified_at - left_at > _SETTLES_WITHIN


def modified_at(version: str | None) -> datetime | None:
    """The time of modification that a version holds."""
    return _parts(version)[1] if version else None


def _parts(version: str) -> tuple[str, datetime | None]:
    identity, _, at = version.partition("@")
    try:
        return identity, datetime.fromisoformat(at)
    except ValueError:
        return identity, None

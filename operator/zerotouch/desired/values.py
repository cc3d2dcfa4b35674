"""Values that stand for what no spec can say."""

from typing import Final

GLOBAL: Final = "global"
"""The scope of account-wide resources, beside the regions."""


class Unknown:
    """A value that AWS will choose, such as the ARN of something not created yet."""

    def __repr__(self) -> str:
        return "(known after apply)"


UNKNOWN: Final = Unknown()

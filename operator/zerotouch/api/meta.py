"""Names that the outside world sees: API group, kinds, annotations, labels, finalizer."""

from typing import Final

DOMAIN: Final = "zerotouch.dev"
GROUP: Final = DOMAIN
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"

ZEROTOUCH_KIND: Final = "QualysZeroTouch"
ZEROTOUCH_PLURAL: Final = "qualyszerotouches"
ACCOUNT_KIND: Final = "QualysZeroTouchAccount"
ACCOUNT_PLURAL: Final = "qualyszerotouchaccounts"

FINALIZER: Final = f"{DOMAIN}/cleanup"

REQUESTED_AT_ANNOTATION: Final = f"{DOMAIN}/requestedAt"
ROTATE_TOKEN_ANNOTATION: Final = f"{DOMAIN}/rotateToken"
APPROVE_ANNOTATION: Final = f"{DOMAIN}/approve"
ABANDON_ANNOTATION: Final = f"{DOMAIN}/abandon"

SLOT_LABEL: Final = f"{DOMAIN}/slot"
PARENT_LABEL: Final = f"{DOMAIN}/parent"
ACCOUNT_LABEL: Final = f"{DOMAIN}/account"
SLOTS: Final = 64

OWNER_TAG: Final = f"{DOMAIN}/owner"

TEMPLATE_OWNERS: Final = ("template/cloudformation", "template/terraform")
"""Marks of what our templates made. An operator's own mark has three parts."""

"""What a template sets up: the kinds, in contexts whose values are placeholders."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from zerotouch.api.account import ParentRef, QualysZeroTouchAccountSpec
from zerotouch.api.spec import Connector, ConnectorRole, RegionSelection
from zerotouch.api.zerotouch import AccountEntry, QualysZeroTouchSpec
from zerotouch.desired.account import resolve_account
from zerotouch.desired.context import Context
from zerotouch.desired.values import GLOBAL
from zerotouch.qualys.platforms import GATEWAYS
from zerotouch.resources.base import Kind
from zerotouch.resources.registry import ACCOUNT_KINDS, REGION_KINDS
from zerotouch.templates.parameters import (
    ACCOUNT,
    CONNECTOR_ACCOUNT,
    CONNECTOR_EXTERNAL_ID,
    CONNECTOR_ROLE,
    GATEWAY,
    PARTITION,
    REGION,
)
from zerotouch.templates.requests import TemplateError

_ANY_REGION: Final = "*"
_NO_PARENT: Final = ParentRef(name="template", uid="template")


@dataclass(frozen=True)
class Section:
    """Kinds that are made together. `account_wide`: once per account, in its main region."""

    account_wide: bool
    kinds: Sequence[Kind]
    context: Context


def default_spec() -> QualysZeroTouchSpec:
    """What a spec without any wish says: one region, no connector."""
    return QualysZeroTouchSpec.model_validate(
        {
            "qualys": {"platform": "US1", "auth": {"subscriptionTokenSecretRef": {"name": "qualys"}}},
            "accounts": [{"id": "000000000000"}],
            "regions": {"selection": "AllEnabled"},
        }
    )


def sections(spec: QualysZeroTouchSpec, owner: str, regions: Sequence[str]) -> tuple[Section, ...]:
    """`regions`: those that the account-wide resources speak of. Raises TemplateError."""
    if spec.delivery.main is not None:
        raise TemplateError(
            "templates are made for delivery.topology PerRegion only: one that is deployed region by region"
        )
    context = Context(_account_spec(spec), owner, PARTITION, GLOBAL, tuple(regions))
    return (
        Section(True, ACCOUNT_KINDS, context),
        Section(False, REGION_KINDS, replace(context.at(REGION), regions=(REGION,))),
    )


def listed_regions(spec: QualysZeroTouchSpec) -> tuple[str, ...]:
    """The regions by name, or a wildcard where the accounts themselves decide."""
    if spec.regions.selection is RegionSelection.LISTED:
        return tuple(sorted(spec.regions.names))
    return (_ANY_REGION,)


def gateway_of(spec: QualysZeroTouchSpec) -> str:
    """The URL that the spec names. It is not checked: the person who deploys the template sees it."""
    if spec.qualys.platform is not None:
        return GATEWAYS[spec.qualys.platform]
    return (spec.qualys.gateway_url or "").rstrip("/")


def _account_spec(spec: QualysZeroTouchSpec) -> QualysZeroTouchAccountSpec:
    """Of any account: a copy is not validated again, so that placeholders may stand for ids."""
    resolved = resolve_account(_NO_PARENT, spec, AccountEntry(id="000000000000"), GATEWAY, None)
    boundary = spec.access.permissions_boundary_name
    access = resolved.access.model_copy(
        update={
            "permissions_boundary_arn": f"arn:{PARTITION}:iam::{ACCOUNT}:policy/{boundary}" if boundary else None,
        }
    )
    role = ConnectorRole.model_construct(
        name=CONNECTOR_ROLE, trusted_account_id=CONNECTOR_ACCOUNT, external_id=CONNECTOR_EXTERNAL_ID
    )
    connector = Connector.model_construct(role=role, existing_role_name=None)
    return resolved.model_copy(update={"account_id": ACCOUNT, "access": access, "connector": connector})

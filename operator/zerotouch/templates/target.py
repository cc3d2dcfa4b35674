"""What a template sets up: the kinds, in contexts whose values are placeholders."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from zerotouch.api.account import ParentRef, QualysZeroTouchAccountSpec
from zerotouch.api.spec import Connector, ConnectorRole, RegionSelection
from zerotouch.api.zerotouch import AccountEntry, QualysZeroTouchSpec
from zerotouch.desired.account import resolve_account
from zerotouch.desired.context import Context
from zerotouch.desired.routing import Route, Routing
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
    GATEWAY_PATTERN,
    MAIN_REGION,
    PARTITION,
    REGION,
)
from zerotouch.templates.requests import Request, TemplateError, requests

_ANY_REGION: Final = "*"
_ROLES: Final = Routing({}, (MAIN_REGION,), (MAIN_REGION,))
_NO_PARENT: Final = ParentRef(name="template", uid="template")


class Where(StrEnum):
    """In which stacks, or for which regions, of an account a resource is made."""

    ACCOUNT = "account"  # once, where the account-wide resources are made
    EVERYWHERE = "everywhere"
    MAIN = "main"  # in the main region of topology MainRegion
    ELSEWHERE = "elsewhere"  # in its other regions


@dataclass(frozen=True)
class Placed:
    """A request, and where it is made. `name`: of the resource in the template."""

    request: Request
    where: Where

    @property
    def name(self) -> str:
        return self.request.kind + ("Elsewhere" if self.where is Where.ELSEWHERE else "")


def default_spec(main_region: str | None = None) -> QualysZeroTouchSpec:
    """What a spec without any wish says: no connector, whichever regions. `main_region`: with topology MainRegion."""
    delivery = {"topology": "MainRegion", "mainRegion": main_region} if main_region else {}
    return QualysZeroTouchSpec.model_validate(
        {
            "delivery": delivery,
            "qualys": {"platform": "US1", "auth": {"subscriptionTokenSecretRef": {"name": "qualys"}}},
            "accounts": [{"id": "000000000000"}],
            "regions": {"selection": "AllEnabled"},
        }
    )


def placed_requests(spec: QualysZeroTouchSpec, owner: str, regions: Sequence[str]) -> tuple[Placed, ...]:
    """`regions`: those that the account-wide resources, and the main region's rule, speak of."""
    context = Context(_account_spec(spec), owner, PARTITION, GLOBAL, tuple(regions))
    if spec.delivery.main is None:
        there = replace(context.at(REGION), regions=(REGION,))
        return (*_placed(Where.ACCOUNT, ACCOUNT_KINDS, context), *_placed(Where.EVERYWHERE, REGION_KINDS, there))
    main = _routed(context.at(REGION), Route(REGION, tuple(regions), True))
    elsewhere = _routed(context.at(REGION), Route(MAIN_REGION, (REGION,), False))
    return (
        *_placed(Where.ACCOUNT, ACCOUNT_KINDS, replace(context, given_routing=_ROLES)),
        *_merged(list(requests(REGION_KINDS, main)), list(requests(REGION_KINDS, elsewhere))),
    )


def _routed(context: Context, route: Route) -> Context:
    return replace(context, given_routing=Routing({REGION: route}, (), ()))


def _placed(where: Where, kinds: Sequence[Kind], context: Context) -> Iterator[Placed]:
    return (Placed(request, where) for request in requests(kinds, context))


def _merged(main: Sequence[Request], elsewhere: Sequence[Request]) -> Iterator[Placed]:
    """Kinds that are the same in the main region and elsewhere are made everywhere."""
    for kind in dict.fromkeys(request.kind for request in (*main, *elsewhere)):
        here, there = ([r for r in found if r.kind == kind] for found in (main, elsewhere))
        if here == there:
            yield from (Placed(request, Where.EVERYWHERE) for request in here)
        else:
            yield from (Placed(request, Where.MAIN) for request in here)
            yield from (Placed(request, Where.ELSEWHERE) for request in there)


def listed_regions(spec: QualysZeroTouchSpec) -> tuple[str, ...]:
    """The regions by name, or a wildcard where the accounts themselves decide."""
    if spec.regions.selection is RegionSelection.LISTED:
        return tuple(sorted(spec.regions.names))
    return (_ANY_REGION,)


def gateway_of(spec: QualysZeroTouchSpec) -> str:
    """The URL that the spec names, where AWS can deliver to it: the person who deploys the template sees it, and judges it.

    Raises TemplateError.
    """
    if spec.qualys.platform is not None:
        return GATEWAYS[spec.qualys.platform]
    url = (spec.qualys.gateway_url or "").rstrip("/")
    if not re.fullmatch(GATEWAY_PATTERN, url):
        raise TemplateError(
            f"qualys.gatewayURL is {url}, to which AWS cannot deliver: set it to https://HOST or https://HOST:PORT, or leave "
            "-f out, and give the gateway as the parameter"
        )
    return url


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

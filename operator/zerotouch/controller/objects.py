"""Kubernetes objects as the controller sees them: keys, metadata, parsed specs and statuses."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from zerotouch.api import meta
from zerotouch.api.account import QualysZeroTouchAccountSpec, QualysZeroTouchAccountStatus
from zerotouch.api.zerotouch import QualysZeroTouchSpec, QualysZeroTouchStatus
from zerotouch.reconcile.reconciler import AccountInput

_MOST_ANSWERED: Final = 256
_MOST_APPROVED: Final = 64
_M = TypeVar("_M", bound=BaseModel)


@dataclass(frozen=True, order=True)
class Key:
    """Names one object of ours."""

    plural: str
    namespace: str
    name: str

    @property
    def path(self) -> str:
        return f"{collection(self.plural, self.namespace)}/{self.name}"

    @property
    def kind(self) -> str:
        return meta.ZEROTOUCH_KIND if self.plural == meta.ZEROTOUCH_PLURAL else meta.ACCOUNT_KIND

    @property
    def is_parent(self) -> bool:
        return self.plural == meta.ZEROTOUCH_PLURAL

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


def collection(plural: str, namespace: str | None = None) -> str:
    """Path of all objects of a kind, in one namespace or in all."""
    where = f"namespaces/{namespace}/" if namespace else ""
    return f"/apis/{meta.GROUP}/{meta.VERSION}/{where}{plural}"


def secret_path(namespace: str, name: str) -> str:
    return f"/api/v1/namespaces/{namespace}/secrets/{name}"


def parent_key(namespace: str, name: str) -> Key:
    return Key(meta.ZEROTOUCH_PLURAL, namespace, name)


def account_key(namespace: str, name: str) -> Key:
    return Key(meta.ACCOUNT_PLURAL, namespace, name)


def key_of(plural: str, body: Mapping[str, Any]) -> Key:
    return Key(plural, body["metadata"]["namespace"], body["metadata"]["name"])


class InvalidObject(ValueError):
    """An object that the models refuse, for example one stored under an older CRD. Names fields, never their values."""


@dataclass(frozen=True)
class Meta:
    """What the controller needs of an object's metadata."""

    uid: str
    resource_version: str
    generation: int
    deleting: bool
    finalizers: tuple[str, ...]
    annotations: Mapping[str, str]

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Meta":
        data = body["metadata"]
        return cls(
            uid=data["uid"],
            resource_version=data["resourceVersion"],
            generation=data.get("generation", 0),
            deleting="deletionTimestamp" in data,
            finalizers=tuple(data.get("finalizers") or ()),
            annotations=data.get("annotations") or {},
        )

    @property
    def protected(self) -> bool:
        """Whether our finalizer holds it."""
        return meta.FINALIZER in self.finalizers

    @property
    def requested_at(self) -> str | None:
        """Cut to what the status can answer."""
        value = self.annotations.get(meta.REQUESTED_AT_ANNOTATION)
        return None if value is None else value[:_MOST_ANSWERED]

    @property
    def rotate_token(self) -> str | None:
        return self.annotations.get(meta.ROTATE_TOKEN_ANNOTATION)

    @property
    def approve(self) -> str | None:
        """The hash of the plan that a person approved; cut to what the status can answer."""
        value = self.annotations.get(meta.APPROVE_ANNOTATION, "").strip()
        return value[:_MOST_APPROVED] or None

    @property
    def abandoned(self) -> bool:
        """Whether a person gave up on cleaning AWS."""
        return self.annotations.get(meta.ABANDON_ANNOTATION, "").lower() == "true"


@dataclass(frozen=True)
class Parent:
    """A `QualysZeroTouch`, parsed."""

    key: Key
    meta: Meta
    spec: QualysZeroTouchSpec
    status: QualysZeroTouchStatus
    body: Mapping[str, Any]

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Parent":
        """Raises InvalidObject."""
        spec = _parse(QualysZeroTouchSpec, body.get("spec"), "spec")
        status = _parse(QualysZeroTouchStatus, body.get("status"), "status")
        return cls(key_of(meta.ZEROTOUCH_PLURAL, body), Meta.of(body), spec, status, body)


@dataclass(frozen=True)
class Account:
    """A `QualysZeroTouchAccount`, parsed."""

    key: Key
    meta: Meta
    spec: QualysZeroTouchAccountSpec
    status: QualysZeroTouchAccountStatus
    body: Mapping[str, Any]

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Account":
        """Raises InvalidObject."""
        spec = _parse(QualysZeroTouchAccountSpec, body.get("spec"), "spec")
        status = _parse(QualysZeroTouchAccountStatus, body.get("status"), "status")
        return cls(key_of(meta.ACCOUNT_PLURAL, body), Meta.of(body), spec, status, body)

    @property
    def parent_key(self) -> Key:
        return parent_key(self.key.namespace, self.spec.parent.name)

    def input(
        self,
        owner_id: str,
        token: str | None,
        trial_token: str | None = None,
        due_surveys: frozenset[str] = frozenset(),
    ) -> AccountInput:
        """What a pass needs to know; a region that was never entered (total 0) is none that we were in."""
        entered = [r for r in self.status.regions if r.total > 0]
        return AccountInput(
            self.spec,
            f"{owner_id}/{self.key.namespace}/{self.spec.parent.name}",
            previous={r.name: r.hash for r in entered},
            field_hashes={r.name: r.field_hashes for r in entered},
            versions={r.name: r.connection_version for r in entered},
            carried={r.name: r.token for r in entered},
            healings={r.name: r.healing for r in entered},
            token=token,
            trial_token=trial_token,
            due_surveys=due_surveys,
        )


def spec_hash(spec: QualysZeroTouchAccountSpec) -> str:
    """Stands for everything declared for an account; a removal that was decided does not count."""
    text = json.dumps(dump(spec.model_copy(update={"removal": None})), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def dump(model: BaseModel) -> dict[str, Any]:
    """As it is written to the API server, without lists and maps that are empty by default: noise in `kubectl describe`."""
    data: dict[str, Any] = model.model_dump(by_alias=True, mode="json", exclude_none=True)
    _leave_out_empty(model, data)
    return data


def _leave_out_empty(model: BaseModel, data: dict[str, Any]) -> None:
    for name, field in type(model).model_fields.items():
        key, value = field.alias or name, getattr(model, name)
        if isinstance(value, BaseModel):
            _leave_out_empty(value, data[key])
        elif isinstance(value, list | dict) and not value and field.get_default(call_default_factory=True) == value:
            del data[key]
        elif isinstance(value, list):
            for one, dumped in zip(value, data[key], strict=True):
                if isinstance(one, BaseModel):
                    _leave_out_empty(one, dumped)


def _parse(model: type[_M], content: Any, where: str) -> _M:
    try:
        return model.model_validate(content or {})
    except ValidationError as error:
        problems = error.errors(include_input=False, include_context=False, include_url=False)
        fields = "; ".join(f"{'.'.join([where, *map(str, p['loc'])])}: {p['msg']}" for p in problems[:5])
        raise InvalidObject(fields) from None

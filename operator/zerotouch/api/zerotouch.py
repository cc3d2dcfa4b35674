"""`QualysZeroTouch`, the object that people write."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from zerotouch.api.adoption import AdoptionPolicy, adoption_field
from zerotouch.api.conditions import ObjectStatus
from zerotouch.api.coverage import Coverage
from zerotouch.api.detection import Detection
from zerotouch.api.drift import DriftPolicy
from zerotouch.api.partition import of_the_same_partition
from zerotouch.api.spec import (
    Connector,
    DeletionPolicy,
    Delivery,
    Inventory,
    Mode,
    NamePrefix,
    Regions,
    Tags,
)
from zerotouch.api.types import (
    AccountID,
    Duration,
    ExternalID,
    IAMName,
    Model,
    ObjectName,
    RegionName,
    RoleARN,
    SecretKey,
    exactly_one,
    rules,
)

Platform = Literal[
    "US1",
    "US2",
    "US3",
    "US4",
    "EU1",
    "EU2",
    "EU3",
    "IN1",
    "CA1",
    "AE1",
    "UK1",
    "AU1",
    "KSA1",
    "GOV1",
]


class CredentialsSecretRef(Model):
    """A Secret with the keys `username` and `password`."""

    name: ObjectName = Field(description="Name of the Secret, in the object's own namespace.")


class TokenSecretRef(Model):
    """A key of a Secret that holds a subscription token."""

    name: ObjectName = Field(description="Name of the Secret, in the object's own namespace.")
    key: SecretKey = Field(default="token", description="Key of the Secret that holds the token.")


class Auth(Model):
    """Where the subscription token comes from. Exactly one field."""

    model_config = ConfigDict(json_schema_extra=exactly_one("credentialsSecretRef", "subscriptionTokenSecretRef"))

    credentials_secret_ref: CredentialsSecretRef | None = Field(
        default=None,
        description="User and password of a Qualys API user; the operator mints the subscription token.",
    )
    subscription_token_secret_ref: TokenSecretRef | None = Field(
        default=None, description="A subscription token that was made by hand."
    )


class TokenOptions(Model):
    """How the subscription token is minted and rotated."""

    expiry: int = Field(
        default=500000,
        ge=1,
        le=2147483647,
        description="Sent as `expiry` when a token is minted; Qualys does not publish its unit, so exp of the token decides.",
    )
    rotate_before: Duration = Field(
        default="168h",
        description="How long before its exp a minted token is rotated, 1h to 9999h, but never before two thirds of its "
        "life are over; for a token made by hand, how long before its exp a warning is given.",
        json_schema_extra=rules(("duration(self) >= duration('1h')", "rotateBefore must be at least 1h", None)),
    )
    trial: Duration = Field(
        default="10m",
        description="How long one region of one account carries a new token before the others get it, 0s to 24h: time for "
        "an instance to start there, and for Qualys to refuse the token if it is bad.",
        json_schema_extra=rules(
            ("duration(self) <= duration('24h')", "trial must be from 0s to 24h, for example 10m", None)
        ),
    )


class Qualys(Model):
    """The Qualys platform and how to authorize against it."""

    model_config = ConfigDict(json_schema_extra=exactly_one("platform", "gatewayURL"))

    platform: Platform | None = Field(
        default=None,
        description="Qualys platform, from https://www.qualys.com/platform-identification/.",
    )
    gateway_url: (
        Annotated[
            str,
            Field(
                pattern=r"^https?://[A-Za-z0-9.:-]+/*$",
                max_length=253,
                json_schema_extra=rules(
                    (
                        "self.startsWith('https://') || self.matches('^http://(127[.]0[.]0[.]1|localhost)(:[0-9]+)?/*$')",
                        "the token is sent there, so the URL must begin with https:// (http:// only to a loopback address)",
                        None,
                    )
                ),
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="https URL of a private platform's API gateway; the operator must allow its host.",
    )
    auth: Auth = Field(description="Where the subscription token comes from; give exactly one of its fields.")
    token: TokenOptions = Field(default=TokenOptions(), description="How the subscription token is minted and rotated.")


class Access(Model):
    """The role that the operator assumes in every account; an account may override it."""

    role_name: IAMName = Field(default="zerotouch", description="Name of the role in every account.")
    external_id: ExternalID | None = Field(default=None, description="ExternalId sent when assuming the role.")
    sts_region: RegionName = Field(
        default="us-east-1",
        description="Region whose STS is asked; it must be enabled in every account, and be of the same partition of AWS as "
        "every role and region.",
    )
    permissions_boundary_name: IAMName | None = Field(
        default=None,
        description="Name of a managed policy in every account that bounds the roles which the operator creates.",
    )


class AccountEntry(Model):
    """One AWS account."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.roleARN) || self.roleARN.contains(':' + self.id + ':')",
                "roleARN is a role of another account: its account id must be this entry's id",
                ".roleARN",
            )
        )
    )

    id: AccountID = Field(description="The AWS account id, 12 digits in quotes.")
    name: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="A name for people."
    )
    role_arn: RoleARN | None = Field(default=None, description="The role to assume, instead of access.roleName.")
    external_id: ExternalID | None = Field(default=None, description="ExternalId, instead of access.externalID.")
    regions: Regions | None = Field(default=None, description="Regions, instead of spec.regions.")


_MAIN = "has(self.delivery) && has(self.delivery.mainRegion)"
_IS_CHOSEN = (
    "!has({0}) || (has({0}.selection) && {0}.selection == 'AllEnabled' "
    "? !has({0}.exclude) || !(self.delivery.mainRegion in {0}.exclude) "
    ": !has({0}.names) || self.delivery.mainRegion in {0}.names)"
)
_NOT_IN_CHINA = (
    "topology MainRegion does not work in China, where EventBridge hands no events from region to region: use PerRegion"
)


class QualysZeroTouchSpec(Model):
    """The accounts and regions that Qualys is to scan, and how."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                f"!({_MAIN}) || ({_IS_CHOSEN.format('self.regions')})",
                "delivery.mainRegion is not among the regions to set up: add it to regions.names, or take it out of "
                "regions.exclude",
                ".delivery.mainRegion",
            ),
            (
                f"!({_MAIN}) || self.accounts.all(a, {_IS_CHOSEN.format('a.regions')})",
                "delivery.mainRegion is not among the regions of an account that overrides them: add it to that account's "
                "regions, or declare the account in an object of its own",
                ".delivery.mainRegion",
            ),
            (
                f"!({_MAIN}) || !has(self.access) || !has(self.access.stsRegion) || !self.access.stsRegion.startsWith('cn-')",
                _NOT_IN_CHINA,
                ".delivery.topology",
            ),
            *of_the_same_partition(),
        )
    )

    qualys: Qualys = Field(description="The Qualys platform (platform or gatewayURL) and how to authorize against it.")
    access: Access = Field(
        default=Access(),
        description="The role that the operator assumes in every account.",
    )
    accounts: Annotated[list[AccountEntry], Field(min_length=1, max_length=2000)] = Field(
        description="The AWS accounts, at most 2,000; for more, write more objects.",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["id"],
        },
    )
    regions: Regions = Field(description="The regions to set up in every account; an account may override them.")
    inventory: Inventory = Field(default=Inventory(), description="How SSM collects inventory.")
    delivery: Delivery = Field(default=Delivery(), description="How EventBridge hands events to Qualys.")
    connector: Connector | None = Field(
        default=None,
        description="The permissions of the Qualys connector, with exactly one of its fields; nothing is done about "
        "them where not given.",
    )
    coverage: Coverage = Field(
        default=Coverage(),
        description="How it is found out whether the running instances report inventory, without which Qualys cannot scan "
        "them.",
    )
    mode: Mode = Field(
        default=Mode.ENFORCE,
        description="Enforce: make AWS as declared. Observe: change nothing in AWS, not even to clean up, and mint no token; "
        "tell what differs.",
    )
    adoption_policy: AdoptionPolicy = adoption_field()
    drift_policy: DriftPolicy = Field(
        default=DriftPolicy(),
        description="Which drifts are mended, and which are only told, in mode Enforce.",
    )
    deletion_policy: DeletionPolicy = Field(
        default=DeletionPolicy.RETAIN,
        description="What becomes of the AWS resources when the object, an account or a region is removed.",
    )
    suspend: bool = Field(
        default=False,
        description="true: touch nothing, not even to clean up, until it is false again.",
    )
    interval: Duration = Field(
        default="5m",
        description="Time between two looks at an account, 30s to 24h, for example 5m or 1h30m.",
        json_schema_extra=rules(
            (
                "duration(self) >= duration('30s') && duration(self) <= duration('24h')",
                "interval must be from 30s to 24h, for example 5m",
                None,
            )
        ),
    )
    detection: Detection | None = Field(
        default=None,
        description="How changes that others make in AWS are found, beside the look at every interval: by events, within "
        "seconds, and who made them. Costs nothing, and makes no call, where not given.",
    )
    tags: Tags = Field(
        default_factory=dict,
        description="Tags for every AWS resource that can have tags, at most 40.",
    )
    name_prefix: NamePrefix = Field(
        default="qualys-zerotouch",
        description="Name, or beginning of the name, of every AWS resource; cannot be changed.",
    )


class AccountCounts(Model):
    """How many accounts are in which state."""

    total: int = Field(ge=0, description="Accounts declared.")
    ready: int = Field(ge=0, description="Accounts in which everything is right.")
    not_ready: int = Field(ge=0, description="Accounts in which something is wrong or in progress.")
    deleting: int = Field(default=0, ge=0, description="Accounts being cleaned up.")


class WorstAccount(Model):
    """An account that needs attention."""

    id: AccountID = Field(description="The AWS account id.")
    name: Annotated[str, Field(max_length=253)] = Field(description="Name of its QualysZeroTouchAccount.")
    reason: Annotated[str, Field(max_length=64)] = Field(description="Why it is not Ready.")
    message: Annotated[str, Field(max_length=512)] = Field(description="What was found and what to do.")


class TokenStatus(Model):
    """The subscription token in use; never its value."""

    fingerprint: Annotated[str, Field(max_length=12)] = Field(description="Keyed hash of the token, 12 hex digits.")
    expires_at: datetime | None = Field(default=None, description="exp of the token, where it has one.")
    next: Annotated[str, Field(max_length=12)] | None = Field(
        default=None, description="Fingerprint of the token that is being rolled out and will be the one in use."
    )
    behind: int | None = Field(
        default=None, ge=0, description="Regions of accounts that still carry another token; empty where none does."
    )
    behind_targets: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=10)] = Field(
        default_factory=list, description="Up to 10 of them, as account/region."
    )


class QualysZeroTouchStatus(ObjectStatus):
    """What the operator found and did."""

    accounts: AccountCounts | None = Field(default=None, description="How many accounts are in which state.")
    ready_accounts: Annotated[str, Field(max_length=16)] | None = Field(
        default=None, description="Ready accounts of all, as ready/total."
    )
    worst: Annotated[list[WorstAccount], Field(max_length=20)] = Field(
        default_factory=list, description="Up to 20 accounts that need attention."
    )
    token: TokenStatus | None = Field(default=None, description="The subscription token in use.")

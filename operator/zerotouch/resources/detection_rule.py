"""Rules that tell the operator's event bus of changes to our resources: one in each region, and one for IAM.

They forward directly to the operator's bus, because an event makes one hop between Regions or accounts.
"""

from typing import Final

from zerotouch.aws.calls import RegionAPI
from zerotouch.desired.context import Context
from zerotouch.resources.base import Differences, Fields, Observed, OptionalKind
from zerotouch.resources.detection_pattern import iam_events_region, iam_pattern, region_pattern
from zerotouch.resources.detection_role import DetectionRole, bus_of
from zerotouch.resources.rules import create_rule, delete_rule, observe_rule, update_rule, wanted_rule

TARGET_ID: Final = "zerotouch"
DESCRIPTION: Final = "Tells zerotouch of changes to its resources"


class DetectionRule(OptionalKind):
    """Kind `DetectionRule`."""

    name = "DetectionRule"
    account_wide = False
    needs: tuple[str, ...] = ()

    def resource_name(self, context: Context) -> str:
        return f"{context.prefix}-detection"

    def desired(self, context: Context) -> Fields | None:
        bus = bus_of(context)
        if bus is None:
            return None
        pattern = iam_pattern(context) if self.account_wide else region_pattern(context)
        target = {"Arn": bus, "RoleArn": context.iam_arn("role", DetectionRole.name_of(context))}
        return wanted_rule(DESCRIPTION, pattern, context.tags, {TARGET_ID: target})

    def observe(self, api: RegionAPI, context: Context) -> Observed | None:
        return observe_rule(self._there(api, context), self.resource_name(context), context.owner)

    def create(self, api: RegionAPI, context: Context, token: str | None) -> None:
        create_rule(self._there(api, context), self.resource_name(context), self.desired(context) or {})

    def update(
        self, api: RegionAPI, context: Context, observed: Observed, differences: Differences, token: str | None
    ) -> None:
        name, wanted = self.resource_name(context), self.desired(context) or {}
        update_rule(self._there(api, context), name, wanted, observed, differences)

    def delete(self, api: RegionAPI, context: Context, observed: Observed) -> None:
        delete_rule(self._there(api, context), self.resource_name(context), observed)

    def _there(self, api: RegionAPI, context: Context) -> RegionAPI:
        return api


class IAMDetectionRule(DetectionRule):
    """Kind `IAMDetectionRule`. In the one region where IAM's events appear, whichever regions are set up."""

    name = "IAMDetectionRule"
    account_wide = True
    needs: tuple[str, ...] = ("DetectionRole",)

    def resource_name(self, context: Context) -> str:
        return f"{context.prefix}-detection-iam"

    def _there(self, api: RegionAPI, context: Context) -> RegionAPI:
        return api.sibling(iam_events_region(context.partition))

"""What is told as applied of a resource that drifted as well."""

from zerotouch.api.account import State
from zerotouch.controller.account_events import applied_in
from zerotouch.plan.change import Action, Change, Difference, ResourceID
from zerotouch.reconcile.report import Drift, ScopeReport

RULE, QUEUE = ResourceID("Rule", "us-east-1", "q"), ResourceID("DeadLetterQueue", "us-east-1", "q")
STATE, TAGS = Difference("state", "ENABLED", "DISABLED"), Difference("tags.team", "platform", "secops")


def test_of_each_resource_what_is_declared_anew() -> None:
    changes = (Change(RULE, Action.UPDATE, (STATE, TAGS)), Change(QUEUE, Action.UPDATE, (TAGS,)))
    drifts = (Drift(RULE, STATE, mended=True), Drift(QUEUE, TAGS, mended=True))
    report = ScopeReport("us-east-1", State.READY, changes=changes, drifts=drifts)
    assert list(applied_in(report)) == [Change(RULE, Action.UPDATE, (TAGS,))]

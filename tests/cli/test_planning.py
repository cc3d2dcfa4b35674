"""From a report to a plan, and from a plan to what people read."""

import json
from typing import Any

import pytest

from zerotouch.api.account import QualysZeroTouchAccountSpec, State
from zerotouch.api.conditions import Reason
from zerotouch.aws.errors import Retry
from zerotouch.cli.planning import AccountPlan, make_plan, plan_data, plan_lines
from zerotouch.desired.values import UNKNOWN
from zerotouch.plan.change import Action, Change, Conflict, Difference, ResourceID
from zerotouch.reconcile.report import AccountReport, Problem, ScopeReport

ACCOUNT = "111111111111"
RULE = ResourceID("Rule", "us-east-1", "qualys-zerotouch")
CONNECTION = ResourceID("Connection", "us-east-1", "qualys-zerotouch")
ELSEWHERE = ResourceID("Connection", "eu-west-1", "qualys-zerotouch")
DISABLED = Change(RULE, Action.UPDATE, (Difference("state", "ENABLED", "DISABLED"),))
NEW = Change(CONNECTION, Action.CREATE, (), {"state": "AUTHORIZED", "token": None})


def token(found: str, resource: ResourceID = CONNECTION, wanted: str | None = None) -> Change:
    return Change(resource, Action.UPDATE, (Difference("token", wanted, found),))


def spec(fingerprint: str | None = None) -> QualysZeroTouchAccountSpec:
    return QualysZeroTouchAccountSpec.model_validate(
        {
            "accountID": ACCOUNT,
            "name": "payments",
            "parent": {"name": "production", "uid": "u"},
            "access": {"roleARN": f"arn:aws:iam::{ACCOUNT}:role/zerotouch", "stsRegion": "us-east-1"},
            "gatewayURL": "https://gateway.example",
            "tokenFingerprint": fingerprint,
            "regions": {"names": ["us-east-1"]},
            "inventory": {},
            "delivery": {},
            "deletionPolicy": "Delete",
            "interval": "5m",
            "namePrefix": "qualys-zerotouch",
        }
    )


def plan(*changes: Change, fingerprint: str | None = None, new_token: bool = False, **scope: Any) -> AccountPlan:
    report = AccountReport(ACCOUNT, (ScopeReport("us-east-1", State.NOT_READY, planned=changes, **scope),))
    return make_plan(spec(fingerprint), report, new_token)


@pytest.mark.parametrize(
    ("changes", "needs", "kept", "told"),
    [
        ([], False, None, 0),
        ([token("aaa")], False, "aaa", 0),
        ([token("aaa"), token("aaa", ELSEWHERE)], False, "aaa", 0),
        # Each connection works with the token that it has.
        ([token("aaa"), token("bbb", ELSEWHERE)], False, None, 0),
        ([token("aaa"), DISABLED], False, "aaa", 1),
        # Every pass over the account is for one token.
        ([token("aaa"), token("bbb", ELSEWHERE), DISABLED], True, None, 3),
        ([NEW], True, None, 1),
        ([NEW, token("aaa", ELSEWHERE)], True, None, 2),
    ],
)
def test_connections_keep_their_token_where_none_is_given(
    changes: list[Change], needs: bool, kept: str | None, told: int
) -> None:
    made = plan(*changes)
    assert (made.needs_token, made.token, len(made.changes)) == (needs, kept, told)


def test_a_token_that_is_given_is_compared() -> None:
    made = plan(token("aaa", wanted="ccc"), fingerprint="ccc")
    assert (made.needs_token, made.token, made.changes) == (True, "ccc", (token("aaa", wanted="ccc"),))
    assert not plan(DISABLED, fingerprint="ccc").needs_token


def test_a_token_that_is_yet_to_be_got_is_shown_so() -> None:
    (change,) = plan(token("aaa"), new_token=True).changes
    assert change.differences == (Difference("token", UNKNOWN, "aaa"),)
    assert '    ~ token = "aaa" -> (known after apply)' in "\n".join(
        plan_lines([plan(token("aaa"), new_token=True)], "")
    )


def test_the_text() -> None:
    made = plan(
        NEW,
        DISABLED,
        Change(ResourceID("Rule", "eu-west-1", "old"), Action.DELETE),
        problem=Problem(Reason.ACCESS_DENIED, "events:DescribeRule: AccessDenied", Retry.PERSON),
        conflicts=(Conflict(RULE, "Rule x exists and is not ours"),),
    )
    assert "\n".join(plan_lines([made, plan()], "nothing")) == (
        "account 111111111111 payments\n"
        "\n"
        "  us-east-1\n"
        "    + Connection qualys-zerotouch\n"
        '        + state = "AUTHORIZED"\n'
        "        + token = (known after apply)\n"
        "    ~ Rule qualys-zerotouch\n"
        '        ~ state = "DISABLED" -> "ENABLED"\n'
        "\n"
        "  eu-west-1\n"
        "    - Rule old\n"
        "\n"
        "  ! conflict: Rule x exists and is not ours\n"
        "  ! us-east-1: AccessDenied: events:DescribeRule: AccessDenied\n"
        "\n"
        "Plan: 1 to create, 1 to change, 1 to remove, 1 conflicts, 1 problems, in 2 accounts."
    )
    assert list(plan_lines([plan()], "Nothing.")) == ["Nothing. (1 account)"]


def test_what_others_have_set_up_is_told_and_is_no_change() -> None:
    made = plan(delivered_twice_by=("rule/theirs to api-destination/theirs",), rivals=("a-1 theirs",))
    text = list(plan_lines([made, plan()], "No changes."))
    assert text[0] == "account 111111111111 payments"
    assert text[2].startswith(
        "  ! us-east-1: DeliveredTwice: each instance start is told to Qualys twice, also by rule/theirs"
    )
    assert text[3].startswith("  ! us-east-1: SecondInventoryAssociation: other inventory associations")
    assert text[-1] == "No changes. (2 accounts)"
    assert [(b["region"], b["reason"]) for b in plan_data([made])["accounts"][0]["beside"]] == [
        ("us-east-1", "DeliveredTwice"),
        ("us-east-1", "SecondInventoryAssociation"),
    ]
    assert made.right


def test_long_values_are_broken_up() -> None:
    wanted = {"Statement": [{"Action": [f"events:Action{n}" for n in range(12)]}]}
    lines = "\n".join(plan_lines([plan(Change(RULE, Action.UPDATE, (Difference("policy", wanted, None),)))], ""))
    assert "        ~ policy:\n          - (absent)\n          + {\n" in lines
    assert max(map(len, lines.splitlines())) <= 110


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE])
def test_external_ids_are_masked(action: Action) -> None:
    trust = {"Statement": [{"Condition": {"StringEquals": {"sts:ExternalId": ["canary"]}}}]}
    change = Change(RULE, action, (Difference("trust", trust, None),), {"trust": trust})
    assert "canary" not in "\n".join(plan_lines([plan(change)], ""))
    assert "(masked)" in "\n".join(plan_lines([plan(change)], ""))
    assert "canary" not in json.dumps(plan_data([plan(change)]))


def test_the_data() -> None:
    data = plan_data([plan(NEW, DISABLED)])
    assert data["summary"] == {
        "accounts": 1, "create": 1, "change": 1, "adopt": 0, "remove": 0, "conflicts": 0, "problems": 0,
    }  # fmt: skip
    (account,) = data["accounts"]
    assert (account["id"], account["name"]) == (ACCOUNT, "payments")
    assert account["changes"] == [
        {
            "action": "create",
            "region": "us-east-1",
            "kind": "Connection",
            "name": "qualys-zerotouch",
            "fields": {"state": "AUTHORIZED", "token": "(known after apply)"},
        },
        {
            "action": "update",
            "region": "us-east-1",
            "kind": "Rule",
            "name": "qualys-zerotouch",
            "fields": {"state": {"from": "DISABLED", "to": "ENABLED"}},
        },
    ]

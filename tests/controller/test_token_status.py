"""What a parent's status says of its token."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.controller.test_rollout import KEYS, NEW, OLD, fleet, record
from zerotouch.api.conditions import Condition, Reason
from zerotouch.api.zerotouch import QualysZeroTouchStatus, TokenStatus
from zerotouch.controller.index import Carrier
from zerotouch.controller.parent_status import ParentProblem
from zerotouch.controller.token_status import TokenView, token_view
from zerotouch.controller.tokens import HeldToken, TokenResult
from zerotouch.qualys.tokens import SubscriptionToken

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TRIAL = timedelta(minutes=10)
CURRENT = HeldToken(SubscriptionToken("canary", NOW + timedelta(days=3)), OLD)
NEXT = HeldToken(SubscriptionToken("canary", None), NEW)


def view(result: TokenResult, records: list, previous: tuple[Condition, ...] = (), now: datetime = NOW) -> TokenView:  # type: ignore[type-arg]
    return token_view(result, records, TRIAL, QualysZeroTouchStatus(conditions=[*previous]), 5, now)


def told(found: TokenView) -> dict[str, tuple[str, str]]:
    return {c.type: (c.status, c.reason) for c in found.conditions}


FINE = {"TokenCurrent": ("True", "Succeeded"), "TokenRolledOut": ("True", "Succeeded")}


def test_all_is_well() -> None:
    found = view(TokenResult(CURRENT), list(fleet(0, 3).values()))
    assert told(found) == FINE
    assert found.status is not None
    assert found.status.model_dump(exclude_none=True) == {
        "fingerprint": OLD,
        "expires_at": NOW + timedelta(days=3),
        "behind_targets": [],
    }


def test_an_expiring_token_is_told() -> None:
    found = view(TokenResult(CURRENT, expiring="store a new one"), [])
    assert told(found)["TokenCurrent"] == ("False", "TokenExpiring")


def test_a_rotation_that_only_a_person_can_do_is_told() -> None:
    (current, _) = view(TokenResult(CURRENT, asked_in_vain=True), []).conditions
    assert (current.status, current.reason) == ("True", "Succeeded")
    assert "store a new one in its Secret" in current.message


def test_a_rollout_names_who_is_behind_and_is_stuck_after_hours() -> None:
    records = list(fleet(1, 9).values())
    first = view(TokenResult(CURRENT, NEXT), records)
    assert told(first)["TokenRolledOut"] == ("False", "Progressing")
    assert first.status is not None
    assert (first.status.next, first.status.behind, len(first.status.behind_targets)) == (NEW, 18, 10)
    assert first.status.behind_targets[0] == "000000000001/eu-west-1"
    for hours, reason in ((1, "Progressing"), (3, "TokenRolloutStuck")):
        later = view(TokenResult(CURRENT, NEXT), records, tuple(first.conditions), NOW + timedelta(hours=hours))
        assert told(later)["TokenRolledOut"] == ("False", reason)
        assert later.conditions[1].last_transition_time == NOW
    assert "000000000001/eu-west-1" in later.conditions[1].message
    assert "the old one expires at 2026-01-04T00:00:00+00:00" in later.conditions[1].message
    done = view(TokenResult(NEXT), list(fleet(10, 0).values()), tuple(later.conditions), NOW)
    assert told(done) == FINE


def test_where_deliveries_with_the_new_one_fail_is_told() -> None:
    carrier = Carrier("us-east-1", NEW, True, False, NOW, failed_at=NOW + timedelta(minutes=1))
    trying = record(KEYS[0], NEW)
    trying = replace(trying, view=replace(trying.view, carriers=(carrier,)))
    found = view(TokenResult(CURRENT, NEXT), [trying, record(KEYS[1], OLD)])
    assert "deliveries with the new one fail in 000000000000/us-east-1: see Delivering" in found.conditions[1].message


def test_a_region_that_was_down_is_behind_though_its_account_is_to_carry_the_new_one() -> None:
    found = view(TokenResult(CURRENT, NEXT), [record(KEYS[0], NEW, ready=False, carried=OLD)])
    assert found.status is not None
    assert found.status.behind == 2


@pytest.mark.parametrize(
    ("result", "says"),
    [
        (TokenResult(CURRENT), "store a new one in its Secret"),
        (TokenResult(CURRENT, minted=True), "a new one is minted"),
        (
            TokenResult(CURRENT, minted=True, mint_again_at=NOW + timedelta(days=1)),
            "the next one is minted at 2026-01-02T00:00:00+00:00",
        ),
    ],
)
def test_a_refused_token_says_where_and_what_to_do(result: TokenResult, says: str) -> None:
    found = view(result, [record(KEYS[0], OLD, refuses=True)])
    current = found.conditions[0]
    assert (current.status, current.reason) == ("False", "TokenRefused")
    assert f"refuses token {OLD} in 000000000000/eu-west-1, 000000000000/us-east-1" in current.message
    assert says in current.message
    assert "canary" not in current.message


def test_the_refusal_of_a_token_that_is_being_replaced_is_no_news() -> None:
    found = view(TokenResult(CURRENT, NEXT, minted=True), [record(KEYS[0], OLD, refuses=True)])
    assert told(found)["TokenCurrent"] == ("True", "Succeeded")


def test_in_mode_observe_nothing_is_rolled_out() -> None:
    assert set(told(view(TokenResult(CURRENT, observing=True), list(fleet(1, 9).values())))) == {"TokenCurrent"}


def test_without_a_usable_token_it_is_not_current_and_the_expired_one_stays_known() -> None:
    expired = TokenStatus(fingerprint=OLD, expires_at=NOW - timedelta(hours=1), next=NEW, behind=2)
    before = QualysZeroTouchStatus(token=expired)
    problem = ParentProblem(Reason.TOKEN_INVALID, "Secret x, key token: the token expired: store a new one")
    found = token_view(TokenResult(problem=problem), [], TRIAL, before, 5, NOW)
    assert told(found)["TokenCurrent"] == ("False", "TokenInvalid")
    assert found.conditions[0].message == problem.message
    assert found.status == TokenStatus(fingerprint=OLD, expires_at=expired.expires_at)

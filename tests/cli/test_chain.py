"""The chain, where no emulator is needed to break it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from zerotouch.api.account import State
from zerotouch.api.conditions import Reason
from zerotouch.aws.errors import Retry
from zerotouch.cli.chain import Answer, Link, Target, Token, chain, first_broken
from zerotouch.cli.prognosis import diagnose, lines
from zerotouch.plan.change import Action, Change, Conflict, Difference, ResourceID
from zerotouch.plan.funnel import Funnel
from zerotouch.plan.ownership import Ownership
from zerotouch.reconcile.delivery import Activity, DeliveryFinding, Letter
from zerotouch.reconcile.report import AccountReport, Problem, ScopeReport, Surveyed
from zerotouch.resources.base import Observed

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
REGION = "us-east-1"
THERE = Observed({}, "arn", Ownership.OURS)
WELL = DeliveryFinding("AUTHORIZED", "ENABLED", activity=Activity(last_success_at=NOW - HOUR), waiting=0)


def scope(name: str, kinds: tuple[str, ...], **more: Any) -> ScopeReport:
    return ScopeReport(name, State.READY, seen=dict.fromkeys(kinds, THERE), **more)


def region(delivery: DeliveryFinding = WELL, **more: Any) -> ScopeReport:
    kinds = ("InventoryAssociation", "Connection", "APIDestination", "Rule", "DeadLetterQueue")
    covered = Funnel(running=1, online=1, inventoried=1, covered=1)
    surveys = {"delivery": Surveyed(delivery), "coverage": Surveyed(covered)}
    return scope(REGION, kinds, **{"surveys": surveys, "delivered_twice_by": (), "rivals": (), **more})


def target(there: ScopeReport | None = None, **more: Any) -> Target:
    report = AccountReport("1" * 12, (scope("global", ("ExecutionRole",)), there or region()))
    return Target(report, REGION, REGION, "arn:role", "arn:caller", **more)


def answers(links: list[Link]) -> dict[str, Answer]:
    return {link.name: link.answer for link in links}


def named(wanted: Target) -> str | None:
    broken = first_broken(chain(wanted, NOW))
    return broken.name if broken else None


def resource(kind: str) -> ResourceID:
    return ResourceID(kind, REGION, "n")


def test_all_is_good() -> None:
    assert set(answers(chain(target(), NOW)).values()) == {Answer.GOOD}


@pytest.mark.parametrize(
    ("token", "broken"),
    [
        (Token(expires_at=NOW + HOUR), None),
        (Token(expires_at=NOW), "token"),
        (Token(trouble="SecretNotFound: there is no Secret"), "token"),
    ],
)
def test_the_token(token: Token, broken: str | None) -> None:
    assert named(target(token=token)) == broken


@pytest.mark.parametrize(("known", "broken"), [(True, "token"), (False, None)])
def test_another_token_in_the_connection(known: bool, broken: str | None) -> None:
    change = Change(resource("Connection"), Action.UPDATE, (Difference("token", "a", "b"),))
    assert named(target(region(planned=(change,)), token=Token(known=known))) == broken


def test_what_stops_the_operator_comes_first() -> None:
    change = Change(resource("Rule"), Action.UPDATE, (Difference("state", "ENABLED", "DISABLED"),))
    assert named(target(region(planned=(change,)), stopped="spec.suspend is true")) == "object"
    assert named(target(region(planned=(change,)))) == "rule"


def test_a_name_that_is_taken_is_a_broken_link() -> None:
    conflict = Conflict(resource("APIDestination"), "it is not ours")
    assert named(target(region(conflicts=(conflict,)))) == "API destination"


def test_an_account_that_cannot_be_entered_ends_the_chain() -> None:
    problem = Problem(Reason.ASSUME_ROLE_DENIED, "sts:AssumeRole: AccessDenied", Retry.PERSON)
    wanted = replace(target(), report=AccountReport("1" * 12, problem=problem))
    links = chain(wanted, NOW)
    assert named(wanted) == "access"
    assert "rule" not in answers(links)


def test_a_region_that_is_not_declared_is_told() -> None:
    assert named(replace(target(), region="eu-west-1", home="eu-west-1")) == "region"


def test_what_could_not_be_looked_at_is_not_known() -> None:
    bare = scope(REGION, ("Rule",), problem=Problem(Reason.AWS_UNAVAILABLE, "no answer", Retry.SOON))
    links = chain(target(bare), NOW)
    assert first_broken(links) is None
    assert answers(links)["connection"] is Answer.UNKNOWN
    assert answers(links)["delivery"] is Answer.UNKNOWN


@pytest.mark.parametrize(
    ("letter_at", "success_at", "answer"),
    [
        (NOW - HOUR, NOW, Answer.GOOD),
        (NOW, NOW - HOUR, Answer.BROKEN),
        (NOW, None, Answer.BROKEN),
    ],
)
def test_letters_older_than_the_last_success_are_history(
    letter_at: datetime, success_at: datetime | None, answer: Answer
) -> None:
    finding = replace(
        WELL,
        activity=Activity(last_success_at=success_at),
        waiting=2,
        letters=(Letter(letter_at, "SDK_CLIENT_ERROR", "status 500"),),
    )
    assert answers(chain(target(region(finding)), NOW))["dead letters"] is answer


def test_with_a_main_region_the_way_leads_through_it() -> None:
    main = replace(region(foreign_destinations=("arn:thief",)), name="eu-west-1")
    there = scope(REGION, ("InventoryAssociation", "Rule"), surveys=region().surveys)
    report = AccountReport("1" * 12, (scope("global", ("ExecutionRole", "ForwardRole")), there, main))
    assert named(Target(report, REGION, "eu-west-1", "arn:role", "arn:caller")) == "API destination"


@pytest.mark.parametrize(
    ("found", "answer", "says"),
    [
        ({"delivered_twice_by": ("rule/theirs to api-destination/q",)}, Answer.WARNING, "twice, also by rule/theirs"),
        ({"rivals": ("a-1 theirs",)}, Answer.WARNING, "on which ours does not work: a-1 theirs"),
        ({"delivered_twice_by": None}, Answer.UNKNOWN, "could not be looked at"),
        ({}, Answer.GOOD, "nobody else"),
    ],
)
def test_what_others_have_set_up_is_a_warning_and_no_broken_link(
    found: dict[str, Any], answer: Answer, says: str
) -> None:
    links = chain(target(region(**found)), NOW)
    assert (links[-1].name, links[-1].answer) == ("exclusive", answer)
    assert says in links[-1].evidence
    assert bool(links[-1].mend) == (answer is Answer.WARNING)
    assert first_broken(links) is None


def test_the_doctor_shows_warnings_first_among_what_is_not_broken() -> None:
    warned = replace(target(region(rivals=("a-1 theirs",))), report=replace(target().report, account_id="2" * 12,
                     scopes=(*target().report.scopes[:1], region(rivals=("a-1 theirs",)))))  # fmt: skip
    told = list(lines(diagnose([target(), warned])))
    assert told[0].startswith(f"222222222222/{REGION}  ok  ! exclusive: other inventory associations")
    assert told[1] == f"111111111111/{REGION}  ok"
    assert told[-2].startswith("Warning: exclusive: other inventory associations have nodes of their own")
    assert told[-1].startswith("What to do: delete them")

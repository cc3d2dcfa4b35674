"""A year of life in hours: every rotation on time, no delivery lost, one mint each, whatever is killed or away."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.controller.token_life import DAY, HOUR, LIFE, ROTATE_BEFORE, START, Life

YEAR = 365 * 24


@pytest.fixture
def life() -> Iterator[Life]:
    life = Life()
    yield life
    life.end()


def test_a_year_of_trouble(life: Life) -> None:
    """Kills at every step of a mint, a gateway that is away for two days, regions down for a day, all in each rotation."""
    held: dict[str, int] = {}
    for hour in range(YEAR):
        rotation, day = divmod(hour, 23 * 24)
        day //= 24
        if hour % 50 == 7:
            life.restart()
        if day == 22 and hour % 24 == 0:
            # The next token is due tomorrow: what will go wrong this time?
            life.kube.kill_in, life.kube.after_write = rotation % 3 + 1, rotation % 2 == 1
            life.kill_at_gateway = rotation % 4 == 3
            life.kube.refuse_in = rotation % 3 or None
            if rotation % 2:
                life.away_until = life.now + 3 * DAY
            life.accounts[rotation % 4].regions["us-east-1"].down_until = life.now + 2 * DAY + 12 * HOUR
        life.hour()
        for token in life.kept():
            held.setdefault(token, hour)
    assert not life.lost
    assert life.delivered > 4 * 2 * 2 * YEAR * 0.9
    reasons = life.minted
    assert reasons[0] == "first"
    assert set(reasons) <= {"first", "due", "lost"}
    # A token lives 30 days and is followed a week before its end, up to three days later where the gateway is away.
    assert 13 <= reasons.count("due") <= 16
    assert reasons.count("lost") == sum(token not in held for token in life.issued)


def test_each_rotation_starts_on_time(life: Life) -> None:
    for _ in range(YEAR):
        life.hour()
    assert set(life.minted) == {"first", "due"}
    gaps = [later - earlier for earlier, later in zip(life.mint_times, life.mint_times[1:], strict=False)]
    assert all(LIFE - ROTATE_BEFORE <= gap <= LIFE - ROTATE_BEFORE + HOUR for gap in gaps)
    assert not life.lost


def test_a_region_that_comes_back_with_the_old_token_gets_the_new_one_and_nobody_mints_for_it(life: Life) -> None:
    region = life.accounts[2].regions["eu-west-1"]
    region_down = START + 22 * DAY
    while life.now < START + 26 * DAY:
        if life.now == region_down:
            region.down_until = START + 24 * DAY + 12 * HOUR
        life.hour()
        if region_down + 2 * DAY < life.now < region.down_until:
            assert len(life.kept()) == 2, "the old token is in use until the last target carries the new one"
    assert life.minted == ["first", "due"]
    assert len(life.kept()) == 1
    assert not life.lost


def test_a_revoked_token_is_replaced_within_hours_by_one_mint(life: Life) -> None:
    for _ in range(24):
        life.hour()
    life.revoked |= set(life.kept())
    for _ in range(12):
        life.hour()
    before = life.lost.total()
    life.hour()
    assert life.lost.total() == before
    assert life.minted == ["first", "refused"]


def test_a_bad_new_token_harms_one_target_only_and_is_followed_by_another(life: Life) -> None:
    for _ in range(24):
        life.hour()
    life.rotate_now("leak")
    life.hour()
    (old, bad) = life.kept()
    life.revoked.add(bad)
    for _ in range(48):
        life.hour()
    assert len(life.lost) == 1
    assert life.minted == ["first", "asked", "refused"]
    assert old not in life.kept()
    assert bad not in life.kept()


def test_a_gateway_that_refuses_every_token_mints_few_and_heals_when_it_is_over(life: Life) -> None:
    for _ in range(24):
        life.hour()
    life.refuse_all = True
    for _ in range(60 * 24):
        life.hour()
    for at in life.mint_times[1:]:
        assert sum(at <= other < at + 7 * DAY for other in life.mint_times) <= 3
    assert len(life.minted) <= 1 + 3 * (60 // 7 + 1)
    life.refuse_all = False
    for _ in range(24):
        life.hour()
    before = life.lost.total()
    for _ in range(24 * 24):
        life.hour()
    assert life.lost.total() == before


class Year(RuleBasedStateMachine):
    """Anything, in any order, as long as no outage outlasts what rotateBefore leaves room for."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Life(3)
        self.calm_from = START
        self.causes = 0

    def teardown(self) -> None:
        self.life.end()

    @rule(hours=st.sampled_from([1, 2, 3, 12, 24, 72, 240, 480]))
    def time_passes(self, hours: int) -> None:
        for _ in range(hours):
            self.life.hour()

    @rule()
    def killed(self) -> None:
        self.life.restart()

    @rule(write=st.integers(1, 3), after=st.booleans())
    def to_be_killed_at_a_write(self, write: int, after: bool) -> None:
        self.life.kube.kill_in, self.life.kube.after_write = write, after
        self.life.hour()

    @rule()
    def to_be_killed_while_minting(self) -> None:
        self.life.kill_at_gateway = True

    @rule(write=st.integers(1, 3))
    def others_write_the_secret(self, write: int) -> None:
        self.life.kube.refuse_in = write

    @rule(hours=st.integers(1, 48))
    def the_gateway_is_away(self, hours: int) -> None:
        if self.life.now >= self.calm_from:
            self.life.away_until = self.life.now + hours * HOUR
            self.calm_from = self.life.now + 7 * DAY

    @rule(account=st.integers(0, 2), hours=st.integers(1, 30))
    def a_region_is_down(self, account: int, hours: int) -> None:
        if self.life.now >= self.calm_from:
            self.life.accounts[account].regions["us-east-1"].down_until = self.life.now + hours * HOUR
            self.calm_from = self.life.now + 7 * DAY

    @rule()
    def another_account(self) -> None:
        if len(self.life.accounts) < 6:
            self.life.add_account()

    @rule()
    def other_credentials(self) -> None:
        self.causes += 1
        self.life.credentials(f"p-{self.causes}")

    @rule()
    def rotate_now(self) -> None:
        self.causes += 1
        self.life.rotate_now(f"leak-{self.causes}")

    @invariant()
    def nothing_was_lost_and_every_token_had_its_reason(self) -> None:
        life = self.life
        assert not life.lost, f"lost at {life.now}"
        counts = {reason: life.minted.count(reason) for reason in ("first", "asked", "refused")}
        assert counts["first"] <= 1
        assert counts["asked"] <= self.causes
        assert counts["refused"] == 0

    @invariant()
    def one_mint_for_each_rotation(self) -> None:
        due = self.life.minted.count("due")
        assert due <= (self.life.now - START) / (LIFE - ROTATE_BEFORE - timedelta(days=1)) + 1


TestYear = Year.TestCase
TestYear.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)

"""Token buckets: never faster than the rate, never mixed between accounts."""

from hypothesis import given
from hypothesis import strategies as st

from zerotouch.aws.budget import RATES, Bucket, Budget


@given(st.lists(st.floats(min_value=0, max_value=2), min_size=1, max_size=200))
def test_never_faster_than_rate_and_burst(gaps: list[float]) -> None:
    rate, burst = 2.0, 8.0
    bucket = Bucket(rate, burst, 0.0)
    now = 0.0
    granted: list[float] = []
    for gap in gaps:
        now += gap
        granted.append(now + bucket.reserve(now))
    for index, at in enumerate(granted):
        assert index + 1 <= burst + rate * at + 1e-6


def test_one_accounts_hunger_is_not_anothers() -> None:
    budget = Budget(clock=lambda: 0.0)
    waits = [budget.reserve("1" * 12, "us-east-1", "ssm", "list_associations") for _ in range(50)]
    assert waits[-1] > 0
    assert budget.reserve("2" * 12, "us-east-1", "ssm", "list_associations") == 0
    assert budget.reserve("1" * 12, "eu-west-1", "ssm", "list_associations") == 0


def test_a_slower_operation_has_a_bucket_of_its_own() -> None:
    assert RATES["ssm:describe_association"] < RATES["ssm"]
    budget = Budget(clock=lambda: 0.0)
    for _ in range(50):
        budget.reserve("1" * 12, "us-east-1", "ssm", "describe_association")
    assert budget.reserve("1" * 12, "us-east-1", "ssm", "list_associations") == 0

"""Event patterns and policy documents are compared as what they mean."""

import pytest

from zerotouch.resources.patterns import as_pattern, lets_starts_through
from zerotouch.resources.roles import as_tree


def test_alternatives_of_a_pattern_have_no_order() -> None:
    one = '{"source": ["aws.ec2", "aws.s3"], "detail": {"state": [{"prefix": "a"}, "running"]}}'
    other = '{"detail": {"state": ["running", {"prefix": "a"}]}, "source": ["aws.s3", "aws.ec2"]}'
    assert as_pattern(one) == as_pattern(other)


@pytest.mark.parametrize("pattern", [None, "no json"])
def test_what_is_no_pattern_stays(pattern: str | None) -> None:
    assert as_pattern(pattern) == pattern


STARTS = '{"source": ["aws.ec2"], "detail-type": ["EC2 Instance State-change Notification"], "detail": {"state": ["running"]}}'


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (STARTS, True),
        (STARTS.replace('["running"]', '["stopped", "running"]'), True),
        (STARTS.replace('["running"]', '[{"anything-but": ["stopped"]}]'), True),
        ('{"source": ["aws.ec2"]}', True),
        ('{"account": ["1"]}', True),
        (STARTS.replace("running", "stopped"), False),
        (STARTS.replace("aws.ec2", "aws.s3"), False),
        (STARTS.replace("State-change", "Other"), False),
        (None, False),
        ("", False),
        ("no json", False),
        ("{}", False),
        ("[]", False),
    ],
)
def test_which_patterns_let_starts_through(pattern: str | None, expected: bool) -> None:
    assert lets_starts_through(pattern) is expected


def test_statements_have_no_order() -> None:
    first, second = {"Effect": "Allow", "Action": "a"}, {"Effect": "Deny", "Action": ["a"]}
    assert as_tree({"Statement": [first, second]}) == as_tree({"Statement": [second, first]})
    assert as_tree({"Statement": first}) == as_tree({"Statement": [first]})

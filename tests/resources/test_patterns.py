"""Event patterns and policy documents are compared as what they mean."""

import pytest

from zerotouch.resources.patterns import as_pattern
from zerotouch.resources.roles import as_tree


def test_alternatives_of_a_pattern_have_no_order() -> None:
    one = '{"source": ["aws.ec2", "aws.s3"], "detail": {"state": [{"prefix": "a"}, "running"]}}'
    other = '{"detail": {"state": ["running", {"prefix": "a"}]}, "source": ["aws.s3", "aws.ec2"]}'
    assert as_pattern(one) == as_pattern(other)


@pytest.mark.parametrize("pattern", [None, "no json"])
def test_what_is_no_pattern_stays(pattern: str | None) -> None:
    assert as_pattern(pattern) == pattern


def test_statements_have_no_order() -> None:
    first, second = {"Effect": "Allow", "Action": "a"}, {"Effect": "Deny", "Action": ["a"]}
    assert as_tree({"Statement": [first, second]}) == as_tree({"Statement": [second, first]})
    assert as_tree({"Statement": first}) == as_tree({"Statement": [first]})

"""Shares by size."""

from plait.data.mixing import Proportional
from tests.data.mixing.sizes import COUNTS, sizes


def test_shares_are_those_of_the_sizes() -> None:
    total = sum(COUNTS.values())
    assert Proportional().shares_of(sizes()) == {n: count / total for n, count in COUNTS.items()}

"""Policies without draws: equally many batches of each source."""

import pytest

from plait.data.mixing import AllSources, RoundRobin
from plait.data.mixing.base import Size
from plait.data.mixing.bases.in_turn import InTurn
from tests.data.mixing.sizes import drawn_shares, sizes


@pytest.mark.parametrize("policy", [RoundRobin(), AllSources()], ids=repr)
def test_shares_are_those_of_the_batches(policy: InTurn) -> None:
    of = sizes(large=100, middle=50, small=10)
    assert policy.shares_of(of) == pytest.approx(
        {"large": 0.625, "middle": 0.3125, "small": 0.0625}
    )
    assert drawn_shares(policy, of, 300) == pytest.approx(policy.shares_of(of))


def test_no_share_is_made_up_for_batches_of_unknown_size() -> None:
    assert AllSources().shares_of({"a": Size(None, 3, None), "b": Size(9, 3, 3)}) == {}

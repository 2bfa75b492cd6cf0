"""Equal shares."""

from plait.data.mixing import EqualShares
from tests.data.mixing.sizes import sizes


def test_shares_are_equal_and_turns_make_up_for_batch_sizes() -> None:
    of = sizes(batch_size=10, small=50)
    assert set(EqualShares().shares_of(of).values()) == {1 / 3}
    turns = EqualShares().turns(of)
    assert abs(turns["large"] / turns["small"] - 5) < 1e-12

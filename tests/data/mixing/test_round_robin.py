"""The sources in turn."""

import pytest

from plait.core.errors import ConfigError
from plait.data.mixing import RoundRobin
from plait.data.mixing.base import Size
from tests.data.mixing.sizes import sizes


def test_sources_take_turns_until_the_longest_is_through() -> None:
    of = sizes()
    steps = RoundRobin().steps(of)
    assert steps == 3 * 3125
    order = RoundRobin().order(of, steps, seed=5).flatten().tolist()
    assert order[:7] == [0, 1, 2, 0, 1, 2, 0]
    assert [order.count(number) for number in range(3)] == [3125] * 3


def test_a_stream_needs_steps() -> None:
    with pytest.raises(ConfigError, match=r"'b' has no length"):
        RoundRobin().steps({"a": Size(10, 1, 10), "b": Size(None, None, 10)})

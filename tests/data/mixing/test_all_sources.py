"""All sources in each step."""

from plait.data.mixing import AllSources
from tests.data.mixing.sizes import sizes


def test_each_step_has_every_source_until_the_longest_is_through() -> None:
    of = sizes(small=1)
    steps = AllSources().steps(of)
    assert steps == 3125
    assert AllSources().order(of, steps, seed=0).tolist() == [[0, 1, 2]] * steps

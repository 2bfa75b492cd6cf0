"""Numbers below a total are spread evenly from 0 on."""

from itertools import pairwise

import pytest

from plait.core.spaced import spaced


@pytest.mark.parametrize(("total", "count"), [(7, 3), (100, 6), (5, 5), (3, 10), (1, 1)])
def test_numbers_are_spread_evenly(total: int, count: int) -> None:
    found = spaced(total, count)
    assert len(found) == min(total, count)
    assert found[0] == 0
    gaps = {b - a for a, b in pairwise([*found, total])}
    assert max(gaps) - min(gaps) <= 1


def test_of_nothing_there_is_no_place() -> None:
    assert spaced(0, 5) == [] and spaced(5, 0) == []

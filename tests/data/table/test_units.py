"""Rows that stay together, against loops."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plait.data.table.units import Units


@given(st.lists(st.sampled_from("abcd"), min_size=1), st.randoms(use_true_random=False))
def test_rows_of_units(names: list[str], random) -> None:
    units = Units(len(names), np.array(names))
    own = {name: [row for row, other in enumerate(names) if other == name] for name in set(names)}
    assert units.size.tolist() == [len(own[name]) for name in sorted(own)]
    assert [sorted(own)[unit] for unit in units.of] == names
    chosen = random.sample(range(len(own)), random.randint(1, len(own)))
    rows = [own[sorted(own)[unit]] for unit in chosen]
    assert units.rows(np.array(chosen)).tolist() == [row for each in rows for row in each]
    assert units.first_rows(np.array(chosen)).tolist() == [each[0] for each in rows]


def test_each_row_is_a_unit_by_default() -> None:
    units, named = Units(5), Units(5, np.arange(5))
    chosen = np.array([3, 0, 4])
    for found in (units, named):
        assert found.of.tolist() == list(range(5))
        assert found.size.tolist() == [1] * 5
        assert found.rows(chosen).tolist() == found.first_rows(chosen).tolist() == [3, 0, 4]

"""The entries of a row."""

import pytest
import torch

from plait.core.columns import Column
from plait.core.errors import ConfigError, ShapeError
from plait.encoders.table import Row
from tests.encoders.tables import category, number


def test_entries_follow_the_columns() -> None:
    pair = Column("pair", "numbers", center=[1, 2], scale=[3, 4], missing=[0, 0], edges=[[0], [1]])
    row = Row.of([category("a", 3), pair, category("b", 5), number("c").plain()])
    assert row.entries == 5
    assert [(c.entry, c.codes) for c in row.categories] == [(0, 5), (3, 7)]
    assert [(n.entry, n.center, n.scale) for n in row.numbers] == [(1, 1, 3), (2, 2, 4), (4, 0, 1)]
    assert [n.varies for n in row.numbers] == [False, False, True]


def test_rows_of_another_table_are_refused() -> None:
    row = Row.of([number("a"), number("b")])
    row.check(torch.zeros(3, 2))
    for shape in ((3, 1), (3, 3), (2,)):
        with pytest.raises(ShapeError, match=r"must be \[B, 2\].*found"):
            row.check(torch.zeros(shape))


@pytest.mark.parametrize("facts", [{"scale": 1e-40}, {"scale": 0.0}, {"center": 1e36}])
def test_numbers_beyond_float32_are_refused(facts: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="'a' must have a scale"):
        Row.of([number("a", **facts)])


def test_a_table_without_columns_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least one column"):
        Row.of([])


def test_what_is_no_entry_of_a_row_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'said' is of kind text.*Fused"):
        Row.of([Column("said", "text")])

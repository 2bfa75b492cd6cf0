import pytest

from plait.core.errors import ShapeError
from plait.evaluation.table_of_scores import costs_of


def test_directions_turn_columns_and_leave_the_table_as_it_is() -> None:
    table = [[1.0, 2.0], [3.0, 4.0]]
    assert costs_of(table, None).tolist() == table
    assert costs_of(table, [True, False]).tolist() == [[-1.0, 2.0], [-3.0, 4.0]]
    assert table == [[1.0, 2.0], [3.0, 4.0]]


def test_shapes() -> None:
    with pytest.raises(ShapeError, match=r"`points` must be \[N, M\], a row for each; found \[2\]"):
        costs_of([1.0, 2.0], None, name="points")
    with pytest.raises(ShapeError, match="one for each of 2 columns; found 1"):
        costs_of([[1.0, 2.0]], [True])

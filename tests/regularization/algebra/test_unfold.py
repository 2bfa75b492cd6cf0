import pytest
import torch

from plait.regularization.algebra.unfold import row_axes, unfold, written


def test_an_unfolding_has_the_chosen_axes_as_rows() -> None:
    tensor = torch.arange(24).view(2, 3, 4)
    for rows, columns in (((0,), (1, 2)), ((1,), (0, 2)), ((0, 2), (1,)), ((2,), (0, 1))):
        matrix = unfold(tensor, rows)
        for position in torch.cartesian_prod(*map(torch.arange, tensor.shape)).tolist():
            row = column = 0
            for axis in rows:
                row = row * tensor.shape[axis] + position[axis]
            for axis in columns:
                column = column * tensor.shape[axis] + position[axis]
            assert matrix[row, column] == tensor[tuple(position)]


@pytest.mark.parametrize("order", [2, 3, 4, 5])
def test_all_divisions_in_two_are_there_once(order: int) -> None:
    found = [frozenset(rows) for rows in row_axes(order, "all")]
    assert len(found) == len(set(found)) == 2 ** (order - 1) - 1
    assert all(0 in rows and len(rows) < order for rows in found)


def test_the_forms() -> None:
    assert row_axes(4, "last_axis") == [(3,)]
    assert row_axes(2, "tucker") == [(0,), (1,)]
    assert row_axes(1, "tucker") == [(0,)]
    assert [written(3, rows) for rows in row_axes(3, "tensor_train")] == ["0|1,2", "0,1|2"]

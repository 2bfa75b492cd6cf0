"""Values are checked, and rows go to the table of their task."""

from pathlib import Path

import numpy as np
import pytest
import torch

from plait.core.errors import DataError
from plait.data.tables import check_values, mean_and_scale, table_of_each
from tests.recipes.table_folders import landmine


def test_the_first_value_that_breaks_its_rule_is_named() -> None:
    values = np.array([[1, 2], [3, 9], [9, 0]])
    with pytest.raises(
        DataError, match=r"`x` in a\.npz must be below 5; found 9 in row 1, column 1"
    ):
        check_values(Path("a.npz"), "x", values, values < 5, "below 5")
    check_values("a.npz", "x", values, values < 10, "below 10")


def test_a_constant_column_has_scale_one() -> None:
    assert mean_and_scale(np.array([1.0, 3.0])) == (2.0, 1.0)
    assert mean_and_scale(np.full(4, 7.0)) == (7.0, 1.0)


def test_rows_go_to_the_table_of_their_task() -> None:
    arrays = landmine()
    names, rows = ["a", "b", "c"], np.array([3, 9, 10, 77, 118])
    found = table_of_each(names, arrays["task"], arrays["x"], arrays["y"], rows)
    for number, name in enumerate(names):
        own = [row for row in rows if arrays["task"][row] == number]
        assert found.inputs[name].dtype == found.targets[name].dtype == torch.float32
        assert np.array_equal(found.inputs[name], arrays["x"][own])
        assert np.array_equal(found.targets[name], arrays["y"][own])

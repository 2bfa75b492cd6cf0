"""Values by the names of the tasks."""

import pytest
import torch

from plait.balancing import Info
from plait.balancing.contract.names import check_names, tasks_of_rows, tasks_present, values_by_task
from plait.core.errors import ConfigError, ShapeError


def test_names_come_from_info_or_count_the_losses() -> None:
    losses = torch.ones(2)
    assert tasks_present(losses, Info(("b", "a"))) == ("b", "a")
    assert tasks_present(losses, Info()) == tasks_present(losses, None) == ("0", "1")


def test_values_take_the_order_of_the_tasks_and_the_dtype_of_the_losses() -> None:
    like = torch.zeros(1, dtype=torch.float64)
    found = values_by_task({"a": 2, "b": 0.1}, ["b", "c", "a"], like, default=1.0)
    assert found.tolist() == [0.1, 1.0, 2.0]
    assert found.dtype == torch.float64
    assert values_by_task(None, ["a"], like, default=0.5).tolist() == [0.5]


def test_an_unknown_name_is_refused() -> None:
    check_names(["a"], ["a", "b"])
    with pytest.raises(ConfigError, match=r"unknown task 'depht'.*Did you mean 'depth'"):
        check_names(["depht"], ["depth"])


def test_names_are_those_of_the_info_or_numbers() -> None:
    assert tasks_of_rows(torch.zeros(2, 5), Info(("x", "y"))) == ("x", "y")
    assert tasks_of_rows(torch.zeros(2, 5), None) == ("0", "1")
    assert tasks_of_rows(torch.zeros(2, 5), Info()) == ("0", "1")
    with pytest.raises(ShapeError, match=r"one row for each of the tasks \['x', 'y'\]; found 3"):
        tasks_of_rows(torch.zeros(3, 5), Info(("x", "y")))
    with pytest.raises(ShapeError, match=r"must be \[T, P\]; found \[3\]"):
        tasks_of_rows(torch.zeros(3), None)

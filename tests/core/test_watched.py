"""Tables of numbers for the log."""

import pytest
import torch

from plait.core import Watched


def test_rows_are_named_by_the_columns() -> None:
    table = Watched({"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([0.5, 4.0])}, ("x", "y"))
    assert table.plain() == {"a": {"x": 1.0, "y": 2.0}, "b": {"x": 0.5, "y": 4.0}}


def test_without_columns_there_is_one_number_in_a_row() -> None:
    plain = Watched({"a": torch.tensor(0.25), "b": torch.tensor(2)}).plain()
    assert plain == {"a": 0.25, "b": 2.0}
    assert all(type(number) is float for number in plain.values())


def test_columns_and_numbers_have_to_agree() -> None:
    table = Watched({"a": torch.tensor([1.0, 2.0])}, ("x",))
    with pytest.raises(ValueError, match="longer"):
        table.plain()

"""Inputs that say that a number is missing."""

import torch

from plait.encoders.table import Missing, Row
from tests.encoders.tables import category, number


def test_there_is_one_for_each_number_that_was_missing_at_times() -> None:
    columns = [
        number("never"),
        category("k", 3),
        number("at times", missing=0.5),
        number("always", (), missing=1.0),
        number("seldom", missing=0.01),
    ]
    module = Missing(Row.of(columns).numbers)
    assert module.outputs == 2
    nan = torch.nan
    rows = torch.tensor([[nan, 0, nan, nan, 1.0], [0, 2, 1, 0, nan], [1, 1, 1, 1, 1]])
    assert module(rows).tolist() == [[1, 0], [0, 1], [0, 0]]
    assert module.double()(rows).dtype == torch.float64

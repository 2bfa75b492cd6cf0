"""Rows with the columns of all processes, and the part of a direction that one of them holds."""

import torch
from torch import nn

from plait.engine.all_columns import AllColumns
from plait.gradients import Layout
from tests.distributed.group import Group
from tests.distributed.sharded import columns


def test_what_is_whole_is_left_alone() -> None:
    layer = nn.Linear(3, 2)
    every = AllColumns(Layout(known=[layer.weight, layer.bias]))
    rows = torch.ones(2, 8)
    assert every.gather(rows) is rows
    assert every.part(rows[0]).data_ptr() == rows.data_ptr()
    assert every.columns(layer.bias) == slice(6, 8)


def test_columns_come_in_the_order_of_one_process(two: Group) -> None:
    for gathered, wanted, same in two(columns):
        assert torch.equal(gathered, wanted)
        assert same

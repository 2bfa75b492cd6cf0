import torch
from torch import nn

from plait.tasks.block.stacked import Stacked, chosen
from plait.tasks.heads import FittedUnit, InUnits


def test_a_stack_is_kept_until_a_unit_may_have_changed() -> None:
    units = [FittedUnit(torch.zeros(1), torch.tensor([1.0 + place])) for place in range(3)]
    stacked = Stacked([unit._buffers for unit in units], "scale", (2,))
    first = stacked()
    assert first.tolist() == [[1, 1], [2, 2], [3, 3]]
    assert stacked() is first
    units[1].fit(torch.zeros(1), torch.tensor([5.0]))
    assert stacked().tolist() == [[1, 1], [5, 5], [3, 3]]
    units[1].load_state_dict(FittedUnit(torch.zeros(1), torch.tensor([7.0])).state_dict())
    assert stacked().tolist() == [[1, 1], [7, 7], [3, 3]]
    nn.ModuleList(units).double()
    assert stacked().dtype == torch.float64
    units[0].scale.fill_(9.0)
    assert stacked().tolist() == [[9, 9], [7, 7], [3, 3]]


def test_units_of_heads_are_loaded_with_them() -> None:
    heads = [InUnits(nn.Linear(1, 1), torch.zeros(1), torch.ones(1)) for _ in range(3)]
    stacked = Stacked([head._buffers for head in heads], "mean", (1,))
    assert stacked().tolist() == [[0], [0], [0]]
    model = nn.ModuleList(heads)
    model.load_state_dict({name: value + 1 for name, value in model.state_dict().items()})
    assert stacked().tolist() == [[1], [1], [1]]


def test_rows_are_chosen_or_all() -> None:
    values = torch.arange(6.0).reshape(3, 2)
    assert chosen(values, None) is values
    assert chosen(values, torch.tensor([2, 0])).tolist() == [[4, 5], [0, 1]]

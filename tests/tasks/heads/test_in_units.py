import torch
from torch import nn

from plait.tasks.heads import InUnits


def test_outputs_are_scaled_and_moved_to_the_labels_unit() -> None:
    head = InUnits(nn.Identity(), mean=torch.tensor([10.0, 0.0]), scale=torch.tensor([2.0, 0.5]))
    assert head(torch.tensor([[1.0, 4.0]])).tolist() == [[12.0, 2.0]]


def test_the_unit_is_saved_but_not_trained() -> None:
    head = InUnits(nn.Linear(1, 1), mean=torch.zeros(1), scale=torch.ones(1))
    assert {"mean", "scale"} <= head.state_dict().keys()
    assert {name for name, _ in head.named_parameters()} == {"head.weight", "head.bias"}

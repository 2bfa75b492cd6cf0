import torch
from torch import nn

from plait.tasks.heads import mlp


def test_an_mlp_has_relu_between_its_linear_layers() -> None:
    net = mlp(4, [5, 6], 2)
    x = torch.randn(3, 4)
    first, second, last = (layer for layer in net if isinstance(layer, nn.Linear))
    assert torch.equal(net(x), last(second(first(x).clamp(min=0)).clamp(min=0)))
    assert len(mlp(4, [], 2)) == 1

"""Gradients at parameters in parts are those of all examples, and leave `.grad` as it was."""

import torch
from torch import nn

from tests.distributed.group import Group
from tests.distributed.sharded import differentiated


def test_two_losses_one_after_the_other(two: Group) -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2)).double()
    out = plain(torch.arange(12.0).double().view(4, 3))
    parameters = dict(plain.named_parameters())
    found = two(differentiated)
    for position, loss in enumerate([out[:, 0].sum(), out[:, 1].square().sum()]):
        gradients = torch.autograd.grad(loss, list(parameters.values()), retain_graph=True)
        wanted = dict(zip(parameters, gradients, strict=True))
        first, second = (each["gradients"][position] for each in found)
        for each in (first, second):
            assert each.keys() == wanted.keys()
            for name in ("0.weight", "0.bias"):  # in parts: they come as sums over the processes
                torch.testing.assert_close(each[name], wanted[name])
        torch.testing.assert_close(first["1.weight"] + second["1.weight"], wanted["1.weight"])
        lengths = torch.stack([wanted[name].norm() for name in ("0.weight", "0.bias")])
        torch.testing.assert_close(found[0]["lengths"][position], lengths)
        torch.testing.assert_close(found[1]["lengths"][position], lengths)
    assert all(each["kept"] and each["leaves"] == set(parameters) for each in found)

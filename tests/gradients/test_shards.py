"""Gradients at parameters in parts are those of all examples, and leave `.grad` as it was."""

import torch
from torch import nn

from tests.distributed.group import Group
from tests.distributed.sharded import differentiated


def test_two_losses_one_after_the_other(two: Group) -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2)).double()
    out = plain(torch.arange(12.0).double().view(4, 3))
    names = [name for name, _ in plain.named_parameters()]
    for position, loss in enumerate([out[:, 0].sum(), out[:, 1].square().sum()]):
        wanted = dict(
            zip(names, torch.autograd.grad(loss, list(plain.parameters()), retain_graph=True))
        )
        found = two(differentiated) if position == 0 else found
        for each in found:
            gradients = each["gradients"][position]
            assert gradients.keys() == wanted.keys()
            for name in ("0.weight", "0.bias"):  # that are in parts: sums over the processes
                torch.testing.assert_close(gradients[name], wanted[name])
            lengths = torch.stack([wanted[name].norm() for name in ("0.weight", "0.bias")])
            torch.testing.assert_close(each["lengths"][position], lengths)
        both = (
            found[0]["gradients"][position]["1.weight"]
            + found[1]["gradients"][position]["1.weight"]
        )
        torch.testing.assert_close(both, wanted["1.weight"])
    assert all(each["kept"] and each["leaves"] == set(names) for each in found)

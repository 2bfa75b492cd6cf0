"""Running statistics of batch normalisation, alike in all processes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from plait.core.errors import UnsupportedError
from plait.distributed import Ranks


def average_statistics(model: nn.Module, here: Ranks) -> None:
    """Gives running means and variances their mean over the processes, in their place.

    Each process normalises by the mean and variance of its own part of a batch, as micro-batches
    do. In one process nothing is done.

    Args:
        model: the model.
        here: the processes.
    """
    if here.alone:
        return
    found = [each for each in _statistics(model) if each.is_floating_point()]
    for buffer, total in zip(found, here.sum(found), strict=True):
        buffer.copy_(total / here.size)


def check_alike(model: nn.Module, here: Ranks) -> None:
    """Checks that all processes have the same buffers; those that are averaged have.

    Raises:
        UnsupportedError: a module writes to a buffer what its own part of the data gives.
    """
    if here.alone:
        return
    averaged = set(map(id, _statistics(model)))
    named = [(name, each) for name, each in model.named_buffers() if id(each) not in averaged]
    sums = [each.detach().double().nan_to_num().sum().cpu() for _, each in named]
    own = torch.stack(sums) if sums else torch.zeros(0)
    apart = here.most(own) + here.most(-own)  # highest - lowest
    for (name, _), distance in zip(named, apart.tolist(), strict=True):
        if distance != 0:
            raise UnsupportedError(
                f"the buffer {name} of the model has other values in each process: its module "
                "writes what its own examples give, and would drift apart. Use a module without "
                "such a buffer, or train in one process."
            )


def _statistics(model: nn.Module) -> list[Tensor]:
    return [
        buffer
        for module in model.modules()
        if isinstance(module, _BatchNorm)
        for buffer in module.buffers(recurse=False)
    ]

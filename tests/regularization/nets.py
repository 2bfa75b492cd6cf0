"""Networks of several tasks, one each, to be tied."""

import torch
from torch import nn


class Net(nn.Module):
    """A layer, batch normalisation, and a second layer without bias."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.top = nn.Linear(4, 2, bias=False)


def networks(tasks: str = "abc", dtype: torch.dtype = torch.float64) -> dict[str, nn.Module]:
    """Networks from different starts."""
    return {task: Net().to(dtype) for task in tasks}


def values(nets: dict[str, nn.Module], *names: str) -> torch.Tensor:
    """The named parameters of every network as rows `[T, P]`."""
    return torch.stack(
        [torch.cat([net.get_parameter(name).flatten() for name in names]) for net in nets.values()]
    ).detach()

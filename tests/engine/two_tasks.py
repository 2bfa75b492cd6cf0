"""Two tasks on one layer, alone and as a model, for the tests of processes and shards."""

import torch
from torch import Tensor, nn

import plait
from plait.sharing import Hard
from plait.tasks import Regression


def losses(trunk: nn.Module) -> dict[str, Tensor]:
    z = trunk(torch.ones(6, 4))
    return {"a": z[:, 0].square().mean(), "b": (z[:, 1] - 1).square().mean()}


def model() -> plait.MultiTaskModel:
    tasks = [Regression("a"), Regression("b")]
    return plait.MultiTaskModel(Hard(nn.Linear(4, 3)), tasks, example=torch.zeros(2, 4))

"""Tasks in two opposed groups, and tasks that are alike, on a trunk that serves one group."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import Regression

FEATURES = 6
GROUPS = (("a1", "a2", "a3"), ("b1", "b2", "b3"))
TASKS = GROUPS[0] + GROUPS[1]
Data = tuple[Tensor, dict[str, Tensor]]


def opposed(rows: int = 80, *, noise: float = 1.0, seed: int = 0) -> Data:
    """The same inputs for all; a for one group and -a for the other, and noise of each task."""
    return _data(
        {task: sign for g, sign in zip(GROUPS, (1, -1), strict=True) for task in g},
        rows,
        noise,
        seed,
    )


def alike(rows: int = 80, *, noise: float = 1.0, seed: int = 0) -> Data:
    """The same inputs for all, and a for all; the noise of each task is its own."""
    return _data(dict.fromkeys(TASKS, 1), rows, noise, seed)


def _data(signs: dict[str, int], rows: int, noise: float, seed: int) -> Data:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(rows, FEATURES, generator=generator)
    target = 2 * torch.tanh(inputs[:, :3].sum(dim=1))
    return inputs, {
        task: sign * target + noise * torch.randn(rows, generator=generator)
        for task, sign in signs.items()
    }


def network(tasks: Iterable[str] = TASKS, *, seed: int = 0) -> MultiTaskModel:
    """A trunk with one output, which every task's head hands on as it is: heads cannot turn it."""
    torch.manual_seed(seed)
    trunk = nn.Sequential(nn.Linear(FEATURES, 8), nn.Tanh(), nn.Linear(8, 1))
    made = [Regression(task, mean=0.0, scale=1.0) for task in tasks]
    model = MultiTaskModel(Hard(trunk), made, example=torch.zeros(2, FEATURES), seed=seed)
    with torch.no_grad():
        for name, parameter in model.heads.named_parameters():
            parameter.fill_(0.0 if name.endswith("bias") else 1.0)
    model.freeze("heads.*")
    return model


def train(model: MultiTaskModel, data: Data, *, steps: int = 100) -> MultiTaskModel:
    """Trains jointly by a plain sum."""
    inputs, labels = data
    batch = model.batch(inputs, {task: labels[task] for task in model.tasks})
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        losses = model.losses([model(inputs)], batch)
        torch.stack([*losses.values()]).sum().backward()
        optimizer.step()
    return model


def losses_on(model: MultiTaskModel, data: Data) -> dict[str, float]:
    inputs, labels = data
    batch = model.batch(inputs, {task: labels[task] for task in model.tasks})
    with torch.no_grad():
        losses = model.losses([model(inputs)], batch)
    return {task: loss.item() for task, loss in losses.items()}

"""One problem on which every connection is tried: steps of a sequence, each a yes or no."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

import plait.connections
from plait.balancing import Equal
from plait.connections import Connection
from plait.core.keys import safe_key
from plait.core.lookup import names, parameters
from plait.engine import backward
from plait.model import MultiTaskModel
from plait.sharing import Separate
from plait.tasks import Binary

TASKS = ("a", "b.c", "d%")
METHODS = names(plait.connections, Connection)
WITH_ALPHA = [name for name in METHODS if "alpha" in parameters(getattr(plait.connections, name))]
OPTIONS: dict[str, dict[str, Any]] = {}  # that a method cannot do without


def new(name: str, **options: Any) -> Connection:
    """A connection by its name."""
    made: Connection = getattr(plait.connections, name)(**{**OPTIONS.get(name, {}), **options})
    return made


def network() -> nn.Module:
    """Two blocks, in four stages."""
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 6), nn.Tanh())


def inputs(batch: int = 12) -> Tensor:
    return torch.randn(batch, 4, generator=torch.Generator().manual_seed(batch))


def model_of(*connections: Connection, tasks: Sequence[str] = TASKS) -> MultiTaskModel:
    """One network for each task; all starts depend on the seed and the names alone."""
    torch.manual_seed(2)
    return MultiTaskModel(
        Separate(network(), copies="reset"),
        [Binary(task) for task in tasks],
        example=inputs(2),
        connections=connections,
        seed=4,
    )


def labels(x: Tensor) -> dict[str, Tensor]:
    """Each step is taken by some of those who took the one before."""
    found, taken = {}, torch.ones(len(x), dtype=torch.bool)
    for axis, task in enumerate(TASKS):
        taken = taken & (x[:, axis] > -0.5)
        found[task] = taken.float()[:, None]
    return found


class Run:
    """A model in training on one batch."""

    def __init__(self, *connections: Connection, tasks: Sequence[str] = TASKS) -> None:
        self.model = model_of(*connections, tasks=tasks)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.02)
        self.balancer = Equal()
        x = inputs()
        targets = {task: value for task, value in labels(x).items() if task in tasks}
        self.batch = self.model.batch(x, targets)

    def objective(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The losses, and the terms beside them."""
        outputs = [self.model(part.inputs) for part in self.batch.parts]
        return self.model.losses(outputs, self.batch), self.model.penalty(outputs)

    def step(self, number: int = 0, of: int = 1) -> None:
        self.model.set_progress(number / of)
        self.optimizer.zero_grad()
        losses, penalty = self.objective()
        backward(losses, self.balancer, penalty)
        self.optimizer.step()
        self.model.after_step(self.optimizer)


def own_state(model: MultiTaskModel, task: str) -> dict[str, Tensor]:
    """What belongs to one task: its network and its head."""
    keys = (f"sharing.encoders.{safe_key(task)}.", f"heads.{safe_key(task)}.")
    return {k: v.clone() for k, v in model.state_dict().items() if k.startswith(keys)}

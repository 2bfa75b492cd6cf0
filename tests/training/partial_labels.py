"""A float64 problem whose labels are missing in every way, and the same labels row by row."""

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from plait.balancing import Balancer, Info
from plait.core.batch import Batch, Part
from plait.engine import Backward
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import BaseTask, Binary, Classification, MultiLabel, Regression
from plait.training import StepRecord, parameter_groups, training_step
from tests.training.problem import balancer

ROWS, FEATURES = 12, 5
WAYS = ("value", "mask", "weight", "value and weight")  # how a label is said to be missing
Labels = dict[str, Tensor]


def tasks(weights: Mapping[str, float] | None = None) -> list[BaseTask]:
    """One of each kind that reads a vector, with class weights where there are classes."""
    made: list[BaseTask] = [
        Regression("size", mean=0.0, scale=1.0),
        Regression("pair", outputs=2, mean=0.5, scale=2.0),
        Regression("potency", bounded=True, mean=0.0, scale=1.0),
        Classification("kind", classes=3, class_weights=(0.5, 1.0, 2.0)),
        MultiLabel("marks", labels=2),
        Binary("toxic", class_weights=(1.0, 4.0)),
    ]
    for task in made:
        task.weight = (weights or {}).get(task.name, 1.0)
    return made


TASKS = tuple(task.name for task in tasks())


def model(weights: Mapping[str, float] | None = None) -> MultiTaskModel:
    """A shared trunk without statistics of the batch, which would make examples act on others."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        trunk = nn.Sequential(nn.Linear(FEATURES, 8), nn.Tanh(), nn.Linear(8, 6), nn.Tanh())
    inputs = torch.zeros(2, FEATURES, dtype=torch.float64)
    return MultiTaskModel(Hard(trunk.double()), tasks(weights), example=inputs)


def complete(seed: int, rows: int = ROWS) -> tuple[Tensor, Labels]:
    """Inputs, and a label for every row and task."""
    draw = torch.Generator().manual_seed(seed)
    inputs = torch.randn(rows, FEATURES, generator=draw, dtype=torch.float64)
    return inputs, {
        "size": torch.randn(rows, 1, generator=draw, dtype=torch.float64),
        "pair": torch.randn(rows, 2, generator=draw, dtype=torch.float64),
        "potency": bounds(torch.randn(rows, 1, 2, generator=draw, dtype=torch.float64)),
        "kind": torch.randint(3, (rows,), generator=draw),
        "marks": (torch.randn(rows, 2, generator=draw) > 0).double(),
        "toxic": (torch.randn(rows, generator=draw) > 0).double(),
    }


def bounds(numbers: Tensor) -> Tensor:
    """Makes (low, high) of pairs: intervals, numbers that are known, and bounds on one side."""
    found = numbers.sort(dim=-1).values
    found[0::4] = found[0::4, :, :1]
    found[1::4, :, 0] = -math.inf
    found[2::4, :, 1] = math.inf
    return found


def partial(
    seed: int, way: str = "value", missing: float = 0.4, absent: Iterable[str] = ()
) -> tuple[Tensor, Labels, Labels]:
    """Inputs, labels and weights; each task keeps a label in its first row, unless it is absent.

    Where a label is missing by its weight, or by the mask, a value stands there all the same.
    """
    inputs, labels = complete(seed)
    draw = torch.Generator().manual_seed(seed + 1000)
    weights: Labels = {}
    for name, target in labels.items():
        shape = target.shape[:-1] if name == "potency" else target.shape
        lost = torch.rand(shape, generator=draw) < missing
        lost[0] = False
        if name in absent:
            lost[:] = True
        if "value" in way:
            target[lost] = -100 if name == "kind" else math.nan
        if way == "mask":
            weights[name] = ~lost
        elif "weight" in way:
            drawn = torch.randint(1, 9, shape, generator=draw) / 4  # sums are exact
            again = torch.rand(shape, generator=draw) < missing
            again[0] = False
            off = lost if way == "weight" else again
            weights[name] = torch.where(off, 0.0, drawn)
    return inputs, labels, weights


def masked(made: MultiTaskModel, *drawn: Any) -> Batch:
    """The batch as a user has it."""
    return made.batch(*drawn)


def alone(made: MultiTaskModel, inputs: Tensor, labels: Labels, weights: Labels) -> Batch:
    """The rows with a label that counts, task by task: a part of its own for each."""
    parts: list[Part] = []
    for name, task in made.tasks.items():
        mass = task.label_weights(labels[name], weights.get(name))
        rows = mass.reshape(len(inputs), -1).sum(dim=1) > 0
        if not rows.any():
            continue
        kept = {name: weights[name][rows]} if name in weights else None
        parts += made.batch(inputs[rows], {name: labels[name][rows]}, kept).parts
    return Batch(tuple(parts))


class Steps:
    """A model in training, step by step, with any method."""

    def __init__(
        self,
        name: str | Balancer = "Equal",
        *,
        weights: Mapping[str, float] | None = None,
        optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.SGD,
        weight_decay: float = 0.0,
        engine: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.model = model(weights)
        self.balancer = balancer(name) if isinstance(name, str) else name
        self.balancer.double().setup(TASKS)
        groups = parameter_groups(self.model, self.balancer, lr=0.05, weight_decay=weight_decay)
        self.optimizer = optimizer(groups, lr=0.05)
        self.engine = Backward(self.balancer, self.model, **(engine or {}))
        self.options = options
        self.epoch = 0

    @property
    def taken(self) -> int:
        """The independent batches of a step."""
        return self.balancer.batches

    def __call__(self, *batches: Batch, **options: Any) -> StepRecord:
        record = training_step(
            self.model,
            batches,
            self.engine,
            self.optimizer,
            info=Info((), epoch=self.epoch, learning_rate=0.05),
            autocast=nullcontext(),
            device=torch.device("cpu"),
            **{**self.options, **options},
        )
        self.epoch += 1
        return record


def assert_close(one: nn.Module, two: nn.Module) -> None:
    """To ten digits."""
    pairs = zip(one.named_parameters(), two.parameters(), strict=True)
    for (name, found), expected in pairs:
        torch.testing.assert_close(
            found, expected, rtol=1e-10, atol=1e-10, msg=lambda text, name=name: f"{name}: {text}"
        )

"""Models in which features and predictions pass between the tasks."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from plait.connections.base import Connection
from plait.connections.edges.graph import key_of
from plait.core.features import FeatureShape
from plait.core.keys import safe_key
from plait.model import MultiTaskModel
from plait.sharing import Separate, Sharing
from plait.tasks import BaseTask, Classification, MultiLabel, Regression

X = 3  # length of an input vector


def mlp(width: int = 5) -> nn.Sequential:
    return nn.Sequential(nn.Linear(X, width), nn.Tanh())


def labels(*names: str, number: int = 1) -> list[BaseTask]:
    return [MultiLabel(name, labels=number) for name in names]


def classes(*names: str, number: int = 3) -> list[BaseTask]:
    return [Classification(name, classes=number) for name in names]


def numbers(*names: str, number: int = 1) -> list[BaseTask]:
    return [Regression(name, outputs=number) for name in names]


def new(
    tasks: Sequence[BaseTask],
    *connections: Connection,
    encoder: Callable[[], nn.Module] = mlp,
    sharing: Sharing | None = None,
    example: Any = None,
    seed: int = 0,
) -> MultiTaskModel:
    """A model in float64 of networks that start apart."""
    torch.manual_seed(0)
    model = MultiTaskModel(
        Separate(encoder(), copies="reset") if sharing is None else sharing,
        tasks,
        example=torch.zeros(2, X) if example is None else example,
        connections=connections,
        seed=seed,
    )
    return model.double()


def rows(batch: int = 4, width: int = X) -> Tensor:
    return torch.randn(batch, width, dtype=torch.float64)


def encoded(model: MultiTaskModel, task: str, x: Tensor) -> Tensor:
    """The features of a task alone."""
    found: Tensor = model.sharing.networks()[task](x)
    return found


def head(model: MultiTaskModel, task: str) -> nn.Linear:
    """The one layer of a head."""
    linear = [m for m in model.heads[safe_key(task)].modules() if isinstance(m, nn.Linear)]
    assert len(linear) == 1
    return linear[0]


def alpha_of(connection: Connection, source: str, target: str) -> Any:
    gates = connection.gates
    assert gates is not None
    return gates.value((source, target))


def unit(modules: nn.ModuleDict, source: str, target: str) -> Any:
    return modules[key_of((source, target))]


def grads(value: Tensor, module: nn.Module) -> list[Tensor | None]:
    """Gradients of the sum of a tensor: None where a parameter is not reached."""
    parameters = list(module.parameters())
    if not parameters:
        return []
    return list(torch.autograd.grad(value.sum(), parameters, allow_unused=True, retain_graph=True))


def reached(value: Tensor, module: nn.Module) -> bool:
    return any(grad is not None for grad in grads(value, module))


def runs(model: MultiTaskModel) -> list[str]:
    """A list that grows by `encoder t` and `head t` as they run."""
    order: list[str] = []

    def note(what: str) -> Callable[..., None]:
        return lambda *_: order.append(what)

    for task, network in model.sharing.networks().items():
        network[0].register_forward_hook(note(f"encoder {task}"))
    for task in model.tasks:
        model.heads[safe_key(task)].register_forward_hook(note(f"head {task}"))
    return order


def vector(*sizes: int) -> FeatureShape:
    """Shapes of levels that are vectors."""
    return FeatureShape(tuple((size,) for size in sizes))


def train(model: MultiTaskModel, x: Tensor, targets: dict[str, Tensor], steps: int = 3) -> None:
    """A few steps of Adam on the whole objective."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(steps):
        outputs = [model(x)]
        batch = model.batch(x, targets)
        terms = [*model.losses(outputs, batch).values(), *model.penalty(outputs).values()]
        optimizer.zero_grad()
        torch.stack(terms).sum().backward()
        optimizer.step()


def copied(model: MultiTaskModel) -> dict[str, Tensor]:
    return copy.deepcopy(model.state_dict())

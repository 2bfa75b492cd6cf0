"""Models of connected networks, and their training by `plait.backward`."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from plait.balancing import Equal
from plait.connections import Connection
from plait.core.keys import safe_key
from plait.core.seeding import derive_seed
from plait.encoders import ConvEncoder
from plait.engine import backward
from plait.model import MultiTaskModel
from plait.sharing import Separate
from plait.tasks import Regression

TASKS = ("a", "b.c", "d%")


class Kind(NamedTuple):
    """How to make a network, and a batch of its inputs."""

    build: Callable[[], nn.Module]
    inputs: Callable[[int], Tensor]


class Tokens(nn.Module):
    """An embedding and two maps: whole numbers in, tokens out."""

    channel_dim = -1

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            [
                nn.Embedding(9, 4),
                nn.Sequential(nn.Linear(4, 6), nn.GELU()),
                nn.Sequential(nn.Linear(6, 6), nn.LayerNorm(6), nn.ReLU()),
            ]
        )


def mlp() -> nn.Module:
    """Two blocks, in four stages."""
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 6), nn.ReLU())


def conv() -> nn.Module:
    """Two blocks, in two stages, with batch normalisation."""
    return ConvEncoder(in_channels=2, widths=(4, 4), norm=True)


KINDS = {
    "mlp": Kind(mlp, lambda batch: torch.randn(batch, 4)),
    "conv": Kind(conv, lambda batch: torch.randn(batch, 2, 8, 8)),
    "tokens": Kind(Tokens, lambda batch: torch.randint(0, 9, (batch, 5))),
}


def model_of(
    *connections: Connection,
    tasks: Sequence[str] = TASKS,
    kind: str = "mlp",
    encoder: Any = None,
    example: Any = None,
    copies: Any = "reset",
) -> MultiTaskModel:
    """One network for each task, from starts that depend on its name alone."""
    torch.manual_seed(5)
    found = KINDS[kind]
    return MultiTaskModel(
        Separate(found.build() if encoder is None else encoder, copies=copies),
        [Regression(task) for task in tasks],
        example=found.inputs(2) if example is None else example,
        connections=connections,
        seed=3,
    )


def labels(task: str, number: int) -> Tensor:
    """The labels of a task, whatever the others are."""
    generator = torch.Generator().manual_seed(derive_seed("labels", task))
    return torch.randn(number, generator=generator)


def train(
    model: MultiTaskModel, inputs: Any, *, steps: int = 3, optimizer: str = "SGD"
) -> list[dict[str, float]]:
    """Trains on one batch; returns the losses before each step."""
    rates: dict[str, dict[str, float]] = {
        "SGD": {"lr": 0.05, "momentum": 0.9},
        "Adam": {"lr": 0.01},
    }
    made = getattr(torch.optim, optimizer)(model.parameters(), **rates[optimizer])
    balancer, history = Equal(), []
    targets = {task: labels(task, len(inputs)) for task in model.tasks}
    batch = model.batch(inputs, targets)
    for _ in range(steps):
        made.zero_grad()
        outputs = [model(part.inputs) for part in batch.parts]
        losses = model.losses(outputs, batch)
        backward(losses, balancer, model.penalty(outputs))
        made.step()
        model.after_step(made)
        history.append({task: loss.item() for task, loss in losses.items()})
    return history


def own_state(model: MultiTaskModel, task: str) -> dict[str, Tensor]:
    """What belongs to one task: its network and its head."""
    return {key: value for key, value in model.state_dict().items() if f"{safe_key(task)}." in key}


def assert_trains_as_alone(
    make: Callable[[], Connection], kind: str, optimizer: str, *, frozen: bool
) -> None:
    """Training with the connection is bit for bit that of one network for each task alone."""
    torch.manual_seed(1)
    inputs = KINDS[kind].inputs(6)
    connection = make()
    joint = model_of(connection, kind=kind)
    if frozen:
        connection.requires_grad_(False)
    train(joint, inputs, optimizer=optimizer)
    trained = copy.deepcopy(joint.state_dict())
    for task in TASKS:
        joint.load_state_dict(trained)
        single = model_of(tasks=[task], kind=kind)
        train(single, inputs, optimizer=optimizer)
        alone, beside = own_state(single, task), own_state(joint, task)
        assert alone.keys() == single.state_dict().keys()
        for key, value in alone.items():
            assert torch.equal(value, beside[key]), key
        for training in (True, False):
            one, all_of_them = single.train(training)(inputs), joint.train(training)(inputs)
            assert torch.equal(one[task], all_of_them[task])


@contextmanager
def counted(networks: Mapping[str, nn.Module]) -> Iterator[dict[str, list[int]]]:
    """Says which stages of each network run, in order."""
    found: dict[str, list[int]] = {task: [] for task in networks}
    handles = []
    for task, network in networks.items():
        for position, stage in enumerate(network.children()):

            def note(*_: Any, to: list[int] = found[task], number: int = position) -> None:
                to.append(number)

            handles.append(stage.register_forward_hook(note))
    yield found
    for handle in handles:
        handle.remove()


def upstream(model: MultiTaskModel, inputs: Any, task: str, of: str) -> list[Tensor | None]:
    """Gradients of one task's prediction in another's network."""
    model.zero_grad()
    model(inputs)[task].square().sum().backward()
    return [p.grad for p in model.sharing.networks()[of].parameters()]

"""Networks of several tasks, one each, to be tied; training with them."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

import plait
from plait.balancing import Equal
from plait.core.keys import safe_key
from plait.model import MultiTaskModel
from plait.regularization import ParameterRegularizer, Regularizer
from plait.sharing import Separate
from plait.tasks import Regression

Kind = TypeVar("Kind", bound=ParameterRegularizer)


class Net(nn.Module):
    """A layer, batch normalisation, and a second layer without bias."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(3, 4)
        self.norm = nn.BatchNorm1d(4)
        self.top = nn.Linear(4, 2, bias=False)


def networks(tasks: Sequence[str] = "abc", dtype: torch.dtype = torch.float64) -> dict[str, Net]:
    """Networks from different starts."""
    return {task: Net().to(dtype) for task in tasks}


def values(nets: Mapping[str, nn.Module], *names: str) -> torch.Tensor:
    """The named parameters of every network as rows `[T, P]`."""
    return torch.stack(
        [torch.cat([net.get_parameter(name).flatten() for name in names]) for net in nets.values()]
    ).detach()


def linear(rows: Tensor) -> dict[str, nn.Module]:
    """One linear network of one output for each row `[T, d]`."""
    nets: dict[str, nn.Module] = {}
    for position, row in enumerate(rows):
        net = nets[f"t{position}"] = nn.Linear(len(row), 1, bias=False, dtype=rows.dtype)
        with torch.no_grad():
            net.weight.copy_(row)
    return nets


def on_rows(regularizer: Kind, rows: Tensor) -> Kind:
    """The regularizer, set up on linear networks."""
    regularizer.setup(linear(rows))
    return regularizer


def rows_of(regularizer: ParameterRegularizer) -> Tensor:
    """The weights of such networks, `[T, d]`."""
    (layer,) = regularizer.groups
    return torch.stack([parameter.detach().flatten() for parameter in layer])


def tied(regularizer: Kind, nets: Mapping[str, nn.Module]) -> Kind:
    """The regularizer, set up on networks; on all as one, if it ties none."""
    whole = nn.ModuleDict({safe_key(task): net for task, net in nets.items()})
    regularizer.setup(nets if regularizer.ties else {"all": whole})
    return regularizer


def gradient(regularizer: ParameterRegularizer) -> Tensor:
    """The gradient of R in the weights of linear networks, `[T, d]`."""
    (layer,) = regularizer.groups
    return torch.stack([g.flatten() for g in torch.autograd.grad(regularizer.cost(), layer)])


# --- in a model -------------------------------------------------------------------------------


def model_of(
    tasks: Sequence[str], regularizers: Sequence[Regularizer], encoder: nn.Module | None = None
) -> MultiTaskModel:
    """Networks with one start and a head for each task, in float32."""
    torch.manual_seed(7)
    if encoder is None:
        encoder = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Tanh())
    return MultiTaskModel(
        Separate(encoder, copies="clone"),
        [Regression(task) for task in tasks],
        example=torch.zeros(2, 3),
        regularization=regularizers,
    )


def train(
    model: MultiTaskModel,
    steps: int = 4,
    make: type[torch.optim.Optimizer] = torch.optim.SGD,
    **options: Any,
) -> MultiTaskModel:
    """Trains on all of a small data set in every step, by `plait.backward`."""
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randn(16, 3, generator=generator)
    targets = torch.randn(16, 4, generator=generator)
    optimizer = make(model.parameters(), **{"lr": 0.1, **options})
    balancer = Equal()
    columns = {task: targets[:, "abcd".index(task[0])] for task in model.tasks}
    batch = model.batch(inputs, columns)
    for _ in range(steps):
        optimizer.zero_grad()
        outputs = [model(part.inputs) for part in batch.parts]
        plait.backward(model.losses(outputs, batch), balancer, model.penalty(outputs))
        optimizer.step()
        model.after_step(optimizer)
    return model

"""Two equal models of many like tasks: the heads of one are joined, those of the other are not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from plait.balancing import Equal
from plait.core.keys import safe_key
from plait.engine import Backward
from plait.model import MultiTaskModel
from plait.sharing import Hard
from plait.tasks import Regression
from plait.training import Joining

TASKS, WIDTH, BATCH = 10, 3, 6
NAMES = [f"t{number}" for number in range(TASKS)]

Make = Callable[[Any], torch.optim.Optimizer]
Extra = Callable[[MultiTaskModel], Tensor]


def model(tasks: int = TASKS, *, hidden: Sequence[int] = (), seed: int = 0) -> MultiTaskModel:
    """A small trunk and like heads, in float64."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = nn.Sequential(nn.Linear(WIDTH, 4), nn.Tanh()).double()
    made = [Regression(f"t{number}", mean=0.0, scale=1.0, hidden=hidden) for number in range(tasks)]
    return MultiTaskModel(
        Hard(encoder), made, example=torch.zeros(2, WIDTH, dtype=torch.float64), seed=seed
    )


def losses_of(
    made: MultiTaskModel, names: Sequence[str], inputs: Tensor, labels: Tensor
) -> dict[str, Tensor]:
    """The mean squared error of some tasks; labels `[B, T]`."""
    out = made(inputs, names)
    places = {task: place for place, task in enumerate(made.tasks)}
    return {task: (out[task][:, 0] - labels[:, places[task]]).square().mean() for task in names}


@dataclass
class Twin:
    """A model in training."""

    model: MultiTaskModel
    optimizer: torch.optim.Optimizer
    joining: Joining
    backward: Backward

    def differentiate(
        self, names: Sequence[str], inputs: Tensor, labels: Tensor, penalty: Tensor | None = None
    ) -> None:
        self.backward(losses_of(self.model, names, inputs, labels), penalty)


def twins(
    make: Make, change: Callable[[MultiTaskModel], object] = lambda made: None, **options: Any
) -> list[Twin]:
    """Two equal models with optimizers by `make`; the second one's heads are joined.

    Args:
        make: of the parameters that learn, or of what else it reads of the model.
        change: what is done to each model before.
        options: of `model`.
    """
    found = []
    for join in (False, True):
        made = model(**options)
        change(made)
        optimizer = make(made)
        joining = Joining(made, optimizer)
        if join:
            joining.join()
            assert joining.blocks, str(joining)
        found.append(Twin(made, optimizer, joining, Backward(Equal(), made)))
    return found


def head(made: MultiTaskModel, task: str) -> nn.Module:
    return made.heads[safe_key(task)]


def learning(made: MultiTaskModel) -> list[nn.Parameter]:
    return [parameter for parameter in made.parameters() if parameter.requires_grad]


def batches(steps: int, *, seed: int = 0, tasks: int = TASKS) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    options: Any = {"generator": generator, "dtype": torch.float64}
    return [
        (torch.randn(BATCH, WIDTH, **options), torch.randn(BATCH, tasks, **options))
        for _ in range(steps)
    ]


def present(steps: int, *, seed: int = 0) -> list[list[str]]:
    """The tasks of each step: every one with a chance of 0.6, at least one."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.rand(steps, TASKS, generator=generator) < 0.6
    return [[NAMES[i] for i in row.nonzero().flatten().tolist()] or NAMES[:1] for row in drawn]


def distance(one: MultiTaskModel, two: MultiTaskModel) -> float:
    """The largest difference of a parameter."""
    pairs = zip(one.parameters(), two.parameters(), strict=True)
    return max(float((a.detach() - b.detach()).abs().max()) for a, b in pairs)

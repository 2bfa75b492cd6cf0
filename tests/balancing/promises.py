"""What the contract tests of all balancers run on."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

import plait.balancing
from plait.balancing import Balancer, BilevelBalancer, GramianBalancer, Info
from plait.core.lookup import names, parameters
from plait.engine import Backward, Record
from plait.training import parameter_groups

# `Backward` gives no method a bilevel problem: those have tests of their own
METHODS = names(plait.balancing, Balancer)
TASKS = ("a", "b.c", "d")  # a dot in a name must do no harm


def method(name: str) -> type[Balancer]:
    found = getattr(plait.balancing, name)
    assert inspect.isclass(found)
    assert issubclass(found, Balancer)
    return found


GRAMIAN_METHODS = [name for name in METHODS if issubclass(method(name), GramianBalancer)]


def by_hand(tasks: int, group: int = 0) -> Info:
    """What a call by hand gives a method that reads the losses as well."""
    return Info(tuple(map(str, range(tasks))), torch.ones(tasks), group=group)


def is_random(name: str) -> bool:
    """A method that draws owns a generator, and takes its seed."""
    return "seed" in parameters(method(name))


class Toy(nn.Module):
    """A shared layer and a head for each task, from fixed weights."""

    def __init__(self, tasks: Iterable[str] = TASKS, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.trunk = nn.Sequential(nn.Linear(4, 8), nn.Tanh())
        heads = {name: nn.Linear(8, 1) for name in TASKS}
        self.heads = nn.ModuleDict({name.replace(".", "/"): heads[name] for name in tasks})

    def forward(self, step: int, tasks: Iterable[str]) -> dict[str, Tensor]:
        return self.losses(step, tasks)

    def losses(self, step: int = 0, tasks: Iterable[str] = TASKS) -> dict[str, Tensor]:
        """Squared errors on the batch of a step; the tasks want opposite things of one input."""
        weight = next(self.parameters())
        generator = torch.Generator().manual_seed(step)
        inputs = torch.randn(16, 4, generator=generator).to(weight)
        hidden = self.trunk(inputs)
        wanted = {
            "a": inputs[:, :1] * 3,
            "b.c": torch.sin(inputs[:, :1]) - inputs[:, 1:2],
            "d": inputs.sum(dim=1, keepdim=True) / 5,
        }
        heads = {task: self.heads[task.replace(".", "/")] for task in tasks}
        return {t: (head(hidden) - wanted[t]).square().mean() for t, head in heads.items()}


class ToyProblem:
    """What a bilevel method may ask about a step of the toy, with SGD."""

    def __init__(self, model: Toy, number: int, tasks: Iterable[str], lr: float) -> None:
        self.model, self.number, self.lr = model, number, lr
        self.tasks = tuple(tasks)
        named = dict(model.named_parameters())
        self.names, self.parameters = tuple(named), tuple(named.values())

    def train(self, parameters: Sequence[Tensor]) -> Tensor:
        return self._losses(parameters, self.number)

    def val(self, parameters: Sequence[Tensor]) -> Tensor:
        return self._losses(parameters, self.number + 1000)

    def virtual_step(
        self, parameters: Sequence[Tensor], gradient: Sequence[Tensor]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        pairs = zip(parameters, gradient, strict=True)
        slope = tuple(torch.full_like(parameter, -self.lr) for parameter in parameters)
        return tuple(parameter - self.lr * g for parameter, g in pairs), slope

    def _losses(self, parameters: Sequence[Tensor], number: int) -> Tensor:
        given = dict(zip(self.names, parameters, strict=True))
        losses = torch.func.functional_call(self.model, given, (number, self.tasks))
        return torch.stack(list(losses.values()))


class Run:
    """A model in training, and everything that a checkpoint of it has to hold."""

    def __init__(
        self, name: str, tasks: Iterable[str] = TASKS, *, dtype: torch.dtype = torch.float32
    ) -> None:
        self.model = Toy(tasks).to(dtype)
        self.balancer = method(name)().to(dtype)
        self.balancer.setup(tuple(tasks))
        groups = parameter_groups(self.model, self.balancer, lr=0.01)
        self.optimizer = torch.optim.Adam(groups)
        self.engine = Backward(self.balancer, self.model)

    def backward(self, losses: Any, **given: Any) -> Record:
        """The engine's call, in the first epoch."""
        return self.engine(losses, info=Info(epoch=0), **given)

    def losses(self, number: int, tasks: Iterable[str] = TASKS) -> list[dict[str, Tensor]]:
        """Those of each independent batch whose losses are handed over in a step."""
        return [
            self.model.losses(number + 1000 * batch, tasks) for batch in range(self.handed_over)
        ]

    @property
    def handed_over(self) -> int:
        return 1 if isinstance(self.balancer, BilevelBalancer) else self.balancer.batches

    def problem(self, number: int, tasks: Iterable[str] = TASKS) -> ToyProblem | None:
        bilevel = isinstance(self.balancer, BilevelBalancer)
        return ToyProblem(self.model, number, tasks, 0.01) if bilevel else None

    def step(self, number: int, tasks: Iterable[str] = TASKS) -> Record:
        @torch.no_grad()
        def reread() -> dict[str, Tensor]:
            return self.model.losses(number, tasks)

        self.optimizer.zero_grad()
        record = self.backward(self.losses(number, tasks), problem=self.problem(number, tasks))
        self.optimizer.step()
        self.balancer.after_step(reread if self.balancer.rereads else None)
        return record

    def state_dict(self) -> dict[str, Any]:
        parts = (self.model, self.balancer, self.engine, self.optimizer)
        return {type(part).__name__: part.state_dict() for part in parts}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        for part in (self.model, self.balancer, self.engine, self.optimizer):
            part.load_state_dict(state[type(part).__name__])


def same(first: Any, second: Any) -> bool:
    """Whether two nested states are equal to the last bit."""
    if isinstance(first, Tensor):
        return isinstance(second, Tensor) and torch.equal(first, second)
    if isinstance(first, Mapping):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second)

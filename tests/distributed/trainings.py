"""One training of a few steps, in one process on joined batches, or in each process on its part."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.func import functional_call

from plait.balancing import BilevelBalancer, Info
from plait.distributed import ranks
from plait.distributed.shards import whole_value
from plait.engine import Backward, Record
from plait.training import parameter_groups
from plait.training.virtual_step import virtual_step
from tests.balancing.promises import TASKS, method

Rows = Sequence[slice]  # the micro-batches of a process
STEPS = 5
SIZE = 12


@dataclass(frozen=True)
class Way:
    """How the rows of each joined batch are shared out.

    Args:
        parts: for each rank its micro-batches.
        labels: `{task: rows with a label}`, all by default.
        from_step: labels are those from this step on; all before.
    """

    parts: Sequence[Rows] = ((slice(0, 6),), (slice(6, 12),))
    labels: Mapping[str, slice] | None = None
    from_step: int = 0


WAYS = {
    "equal": Way(),
    "unequal": Way(((slice(0, 3),), (slice(3, 12),))),
    "absent on a rank": Way(labels={"b.c": slice(0, 4), "a": slice(5, 12)}),
    "absent later": Way(labels={"b.c": slice(0, 4), "d": slice(2, 9)}, from_step=2),
    "absent on all": Way(labels={"d": slice(0, 0)}, from_step=1),
    "a rank without labels": Way(labels=dict.fromkeys(TASKS, slice(7, 11)), from_step=1),
    "accumulated": Way(
        ((slice(0, 2), slice(2, 6)), (slice(6, 7), slice(7, 9), slice(9, 12))),
        {"b.c": slice(1, 8)},
    ),
    "accumulated alike": Way(
        ((slice(0, 2), slice(2, 6)), (slice(6, 7), slice(7, 12))), {"b.c": slice(1, 8)}
    ),
    "four": Way(tuple((slice(at, at + 3),) for at in (0, 3, 6, 9)), {"b.c": slice(2, 9)}),
    "one accumulates": Way(((slice(0, 6),), (slice(6, 7), slice(7, 12)))),
}


class Net(nn.Module):
    """A trunk of two layers, one of which a single task passes by, and a head for each task."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Linear(4, 6)
        self.second = nn.Linear(6, 6)
        self.unused = nn.Linear(2, 2)
        self.heads = nn.ModuleDict({name.replace(".", "/"): nn.Linear(6, 1) for name in TASKS})
        self.double()

    def forward(self, x: Tensor, labels: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return self.losses(x, labels)

    def losses(self, x: Tensor, labels: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Means of squared errors over the rows with a label; without any a task is absent."""
        low = self.first(x).tanh()
        high = self.second(low).tanh()
        wanted = {"a": x[:, 0] * 3, "b.c": torch.sin(x[:, 1]) - x[:, 2], "d": x.sum(dim=1) / 5}
        found = {}
        for task, mask in labels.items():
            if mask.any():
                read = low if task == "d" else high
                errors = self.heads[task.replace(".", "/")](read)[:, 0] - wanted[task]
                found[task] = errors[mask].square().mean()
        return found


def batch_of(way: Way, step: int, batch: int) -> tuple[Tensor, dict[str, Tensor]]:
    """The joined batch: inputs `[N, 4]`, and which rows have a label of which task."""
    generator = torch.Generator().manual_seed(1000 * batch + step)
    x = torch.randn(SIZE, 4, dtype=torch.float64, generator=generator)
    labels = {task: torch.ones(SIZE, dtype=torch.bool) for task in TASKS}
    for task, rows in (way.labels or {}).items() if step >= way.from_step else ():
        labels[task] = torch.zeros(SIZE, dtype=torch.bool)
        labels[task][rows] = True
    return x, labels


def counted(masks: Mapping[str, Tensor]) -> dict[str, float]:
    return {task: float(mask.sum()) for task, mask in masks.items() if mask.any()}


Part = tuple[Tensor, dict[str, Tensor]]


class NetProblem:
    """What a bilevel method asks about the net, of a training and a validation batch."""

    def __init__(self, net: Net, optimizer: torch.optim.SGD, train: Part, val: Part) -> None:
        self.net, self.optimizer, self.batches = net, optimizer, (train, val)
        self.names = [name for name, _ in net.named_parameters()]
        self.parameters = tuple(net.parameters())
        self.tasks = tuple(task for task in TASKS if train[1][task].any() or not ranks().alone)

    def at(self, parameters: Sequence[Tensor], part: Part) -> Tensor:
        state = dict(zip(self.names, parameters, strict=True))
        found = functional_call(self.net, state, part)
        return torch.stack([found.get(task, torch.zeros(())).double() for task in self.tasks])

    def train(self, parameters: Sequence[Tensor]) -> Tensor:
        return self.at(parameters, self.batches[0])

    def val(self, parameters: Sequence[Tensor]) -> Tensor:
        return self.at(parameters, self.batches[1])

    def virtual_step(self, parameters: Sequence[Tensor], gradient: Sequence[Tensor]) -> Any:
        return virtual_step(self.optimizer, self.parameters, parameters, gradient)


class Training:
    """A training of the net, whose batches are those of `way`.

    Args:
        make: the balancer.
        way: how rows are shared out; in one process each batch is whole.
        penalty: whether a term beside the losses pulls the first layer to zero.
        sharded: whether several processes hold parts of the trunk; by pairs of them where there are
            four.
        options: of `plait.Backward`.
    """

    def __init__(
        self,
        make: Callable[[], Any],
        way: Way,
        *,
        penalty: bool = False,
        sharded: bool = False,
        **options: Any,
    ) -> None:
        self.here, self.way, self.penalty = ranks(), way, penalty
        self.net, self.balancer = Net(), make().double()
        if sharded and not self.here.alone:
            shard(self.net.first, self.net.second)
        self.balancer.setup(TASKS)
        groups = parameter_groups(self.net, self.balancer, lr=0.02)
        self.optimizer = torch.optim.SGD(groups, momentum=0.9)
        self.backward = Backward(self.balancer, self.net, **options)

    def parts(self, step: int, batch: int) -> list[Part]:
        x, labels = batch_of(self.way, step, batch)
        rows = [slice(0, SIZE)] if self.here.alone else self.way.parts[self.here.rank]
        return [(x[each], {task: mask[each] for task, mask in labels.items()}) for each in rows]

    def step(self, number: int) -> Record:
        self.optimizer.zero_grad()
        batches = [self.parts(number, batch) for batch in range(self.balancer.batches)]
        counts = [[counted(labels) for _, labels in parts] for parts in batches]
        self.backward.start(Info(epoch=0), counts=counts)
        problem = None
        if isinstance(self.balancer, BilevelBalancer):
            problem = NetProblem(self.net, self.optimizer, *(parts[0] for parts in batches))
            batches = batches[:1]
        for batch, parts in enumerate(batches):
            totals = {t: sum(n.get(t, 0.0) for n in counts[batch]) for t in TASKS}
            for position, (x, labels) in enumerate(parts):
                last = batch + 1 == len(batches) and position + 1 == len(parts)
                shares = {t: n / totals[t] for t, n in counts[batch][position].items()}
                self.backward.add(
                    self.net.losses(x, labels),
                    None if len(parts) == 1 else shares,
                    penalty=self.net.first.weight.square().sum() if self.penalty and last else None,
                    batch=batch,
                    problem=problem,
                )
        record = self.backward.finish()
        self.optimizer.step()
        self.balancer.after_step((lambda: self.reread(batches)) if self.balancer.rereads else None)
        return record

    @torch.no_grad()
    def reread(self, batches: Any) -> dict[str, Tensor]:
        """The losses of the joined batch: sum(n L) / sum(n) over micro-batches and processes."""
        rows = torch.zeros(2, len(TASKS), dtype=torch.float64)
        for parts in batches:
            for x, labels in parts:
                for task, loss in self.net.losses(x, labels).items():
                    mass = float(labels[task].sum())
                    rows[:, TASKS.index(task)] += torch.stack([loss * mass, torch.tensor(mass)])
        (sums,) = self.here.sum([rows])
        return {t: s / n for t, s, n in zip(TASKS, *sums, strict=True) if n > 0}


def shard(*modules: nn.Module) -> None:
    """Divides the parameters of modules among the processes."""
    size = ranks().size
    shape, names = ((2, 2), ("machines", "parts")) if size == 4 else ((size,), ("parts",))
    mesh = init_device_mesh("cpu", shape, mesh_dim_names=names)
    for module in modules:
        fully_shard(module, mesh=mesh, reshard_after_forward=True)


Result = tuple[dict[str, Tensor], list[dict[str, Any]], list[str]]


def train(
    name: str, way: str, options: Mapping[str, Any] | None = None, steps: int = STEPS
) -> Result:
    """Returns the parameters, what the records said, and whose gradient is None at the end."""
    training = Training(method(name), WAYS[way], **(options or {}))
    told = []
    for number in range(steps):
        record = training.step(number)
        told.append(
            {
                "tasks": record.tasks,
                "losses": record.losses.tolist(),
                "weights": None if record.weights is None else record.weights.tolist(),
                "norms": None if record.norms is None else record.norms.tolist(),
            }
        )
    named = dict(training.net.named_parameters())
    without = [key for key, parameter in named.items() if parameter.grad is None]
    state = {key: whole_value(parameter.detach()) for key, parameter in named.items()}
    return state, told, without

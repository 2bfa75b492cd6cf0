"""Losses, weights and gradients of one step, before anything outside is changed."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from plait.balancing.base import Balancer
from plait.balancing.contract.info import Info
from plait.core.errors import ConfigError
from plait.core.lazy_values import LazyValues, Slices, names_of
from plait.core.names import Names
from plait.core.numbers import NO_NUMBERS
from plait.engine.memory import Memory
from plait.engine.micro_batch import MicroBatch, TaskLosses
from plait.engine.one_pass import check_stacked, weighs_heads_by_task
from plait.engine.options import Options
from plait.engine.replicas import Replicas
from plait.engine.rows import Rows
from plait.gradients import add, refuse_complex, roots, values_of

Pairs = Iterable[tuple[Tensor, Tensor]]  # (parameter, gradient)
Own = Iterable[tuple[Tensor, str, Tensor]]  # (parameter, the one task that reaches it, gradient)
NOTHING = torch.zeros(0)
ROWS = 2  # independent batches whose rows are read; a third one has none

Named = tuple[Names, Tensor]  # names, and a value for each of them


class Gathered:
    """Gathers the losses, weights and gradients of one step; changes nothing outside.

    Args:
        balancer: decides the weights.
        options: see `Backward`.
        memory: what lives across steps.
        model: the model, if the caller gave one.
        info: where the training is.
        measure: norms and cosines are wanted of a loss method too.
        retain_graph: the last pass keeps the graph as well.
        replicas: what is exchanged with other processes; None without any.

    Attributes:
        losses: `{task: loss}`, scalars without a graph, of the micro-batches so far; those of the
            first batch where a method reads several.
        known_losses: the same on the host, once they were read.
        weights: `{task: weight}`, on the chosen scale; empty until they are known.
        gradients: `{id of the parameter: (parameter, gradient)}`.
        gramian: `[..., T, T]`, on the device, until it is read; None where none is formed.
        multiply: forms it, in a dtype at least; until it is read, as `gramian`.
        matrix: the Gramian `[..., T, T]`, float64, once it was read.
        tasks: those of the Gramian, in its order; empty where none is formed.
        flag: what the balancer found out of the ordinary; None if nothing.
        reused: the weights are those of an earlier step.
        batches: independent batches so far.
        whole: those of them that came as one micro-batch.
        others: `{id: leaf}` of the leaves that are reached and not trained.
        several: the step has several micro-batches; the batch of each process is one.
        latest: the losses of the last micro-batch, with their graph.
        other_losses, penalties, new_weights: names and values that are still to be read.
        lengths: of `gradients`, `[n]` in their order, as of the last read.
        rows: lengths `[T]` of the rows behind the Gramian, once it was read.
        own_lengths, other_lengths: what the last read told of gradients at the parameters of one
            task, as `(task, length)`, and of all those gathered so far, as a sum.
        bound: the gradient is not longer than this; infinite until it is known.
        extreme: single precision does not hold a weight.
        outside: single precision may not hold the square of the gradient's length.
    """

    def __init__(
        self,
        balancer: Balancer,
        options: Options,
        memory: Memory,
        model: nn.Module | None,
        info: Info,
        *,
        measure: bool = False,
        retain_graph: bool = False,
        replicas: Replicas | None = None,
    ) -> None:
        self.balancer = balancer
        self.options = options
        self.memory = memory
        self.model = model
        self.info = info
        self.measure = measure
        self.retain_graph = retain_graph
        self.replicas = replicas
        self.others: dict[int, Tensor] = {}
        self.losses: dict[str, Tensor] = {}
        self.known_losses = NO_NUMBERS
        self.weights: Mapping[str, float | Tensor] = {}
        self.gradients: dict[int, tuple[Tensor, Tensor]] = {}
        self.gramian: Tensor | None = None
        self.multiply: Callable[[torch.dtype], Tensor] | None = None
        self.matrix: np.ndarray | None = None
        self.tasks: tuple[str, ...] = ()
        self.flag: str | None = None
        self.reused = False
        self.batches = 0
        self.whole: set[int] = set()
        self.several = replicas is not None
        self.latest: TaskLosses = {}
        self.other_losses: list[Named] = []
        self.penalties: list[Named] = []
        self.new_weights: list[Named] = []
        self.lengths = NOTHING
        self.rows: np.ndarray = np.array(())
        self.own_lengths: list[tuple[str, float]] = []
        self.other_lengths = 0.0
        self.bound = math.inf
        self.extreme = False
        self.outside = False
        self._values: Tensor | None = None  # all losses, where they came at once

    @property
    def heads_by_task(self) -> bool:
        """Whether a task's weight counts at the parameters that it alone reaches."""
        return weighs_heads_by_task(self.balancer, self.options)

    @property
    def present(self) -> Collection[str]:
        """The tasks of the first batch, in whatever process."""
        return self.losses if self.replicas is None else self.replicas.tasks[0]

    @property
    def sharded(self) -> bool:
        """Whether several processes hold parts of the parameters."""
        return self.replicas is not None and bool(self.replicas.sharded)

    @property
    def accumulated(self) -> bool:
        """Whether a process has several micro-batches of one batch."""
        return self.several if self.replicas is None else self.replicas.accumulated

    def form(self, tasks: Sequence[str], multiply: Callable[[torch.dtype], Tensor]) -> None:
        """Forms the Gramian of `tasks`, on the device.

        Args:
            tasks: in the order of the rows.
            multiply: returns the inner products `[..., T, T]`, multiplied in a dtype at least; it
                is asked again, for double precision, if single precision turns out to lose some.
        """
        self.tasks, self.multiply, self.gramian = tuple(tasks), multiply, multiply(torch.float32)

    def note(self, micro: MicroBatch) -> None:
        """Notes the losses and penalties of a micro-batch, on the device."""
        tasks, count = micro.tasks, len(micro.losses)
        self.others.update((id(leaf), leaf) for leaf in micro.others)
        if not tasks and not micro.penalties:
            return
        several = micro.shares is not None
        check_stacked(micro.losses, self.balancer, self.options, self.measure, several)
        values = values_of((*roots(micro.losses), *micro.penalties.values()))
        if values.is_complex():
            refuse_complex({**micro.losses, **micro.penalties})
        found = values[:count]
        if micro.penalties and self.replicas is not None:
            self.replicas.note_penalties(values[count:])
        elif micro.penalties:
            self.penalties.append((Names(micro.penalties), values[count:]))
        if not tasks:
            return
        self._count(micro)
        self.latest = micro.losses
        if self.replicas is not None:
            assert micro.shares is not None
            self.replicas.note(micro.batch, tasks, found, micro.shares)
            return
        if micro.batch > 0 or micro.shares is not None:
            self.other_losses.append((tasks, found))
        if micro.batch > 0:
            return
        if micro.shares is None:
            self._values, self.losses = found, LazyValues.of(Slices(found, 0, tasks))
            return
        self._values = None
        for task, value in zip(tasks, found.unbind(), strict=True):
            part = value * micro.shares[task]
            self.losses[task] = self.losses[task] + part if task in self.losses else part

    def _count(self, micro: MicroBatch) -> None:
        """Counts batches, each of which is whole or comes in parts."""
        if micro.batch in self.whole or (micro.shares is None and micro.batch < self.batches):
            raise ConfigError(
                "several micro-batches of one batch need `shares`, the part of each task's labels "
                "that each of them holds; found one without. Give `add(losses, {task: n / N})`."
            )
        if micro.shares is None:
            self.whole.add(micro.batch)
        self.several = self.several or micro.shares is not None
        self.batches = max(self.batches, micro.batch + 1)

    def values_of(self, tasks: Sequence[str]) -> Tensor:
        """Returns the losses `[T]` of tasks, without a graph."""
        if self._values is not None and tuple(tasks) == names_of(self.losses):
            return self._values
        return values_of(self.losses[task] for task in tasks)

    def informed(
        self, tasks: Iterable[str], losses: Tensor, dtype: torch.dtype = torch.float32
    ) -> Info:
        """Returns the `Info` of this step: tasks present, their losses `[T]`, dtype of the rows."""
        wide = torch.promote_types(dtype, torch.float32)
        given = {**vars(self.info), "tasks": tuple(tasks), "losses": losses, "dtype": wide}
        return Info(**given)  # as `dataclasses.replace` does, in half the time

    def scale(self, tasks: int) -> float:
        """Returns the factor from the paper's weights of T tasks to the chosen scale."""
        return self._divisor(tasks) if self.options.scale == "sum" else 1.0

    def equal(self, tasks: int) -> float:
        """Returns the weight that equal weighting gives each of T tasks."""
        return self.scale(tasks) / self._divisor(tasks)

    def _divisor(self, tasks: int) -> float:
        """Returns T for a method whose equal weights are 1/T each, else 1."""
        return float(tasks) if self.balancer.equal_weight == "mean" else 1.0

    def weigh_equally(self, tasks: Collection[str]) -> None:
        """Gives each task the weight of equal weighting."""
        self.weights = dict.fromkeys(tasks, self.equal(len(tasks)))

    def weights_of(self, tasks: Iterable[str]) -> Tensor:
        """Returns the weights `[T]` of tasks, in double precision, on the host."""
        return torch.tensor([float(self.weights[task]) for task in tasks], dtype=torch.float64)

    def collect(self, pairs: Pairs) -> None:
        """Adds gradients to those of the step; micro-batches take the memory of one."""
        for parameter, gradient in pairs:
            known = self.gradients.get(id(parameter))
            total = gradient if known is None else add(known[1], gradient)
            self.gradients[id(parameter)] = (parameter, total)

    def collect_local(self, pairs: Pairs) -> None:
        """Adds gradients of this process, which with several are summed by `join` first."""
        self.collect(pairs if self.replicas is None else self.replicas.collect(pairs))

    def join(self, rows: Rows | None = None, *, local: bool = True) -> None:
        """Sums over all processes what this one has; in one process it does nothing.

        Args:
            rows: whose gradients at the parameters of one task are summed.
            local: whether gradients of this process are summed too; else losses and penalties.
        """
        if self.replicas is None:
            return
        pairs, losses, penalty = self.replicas.sum(self.memory.rows.layout, rows, local=local)
        self.memory.met = self.replicas.met
        self.collect(pairs)
        if losses is None:
            return
        (tasks, found), *others = zip(self.replicas.tasks, losses, strict=True)
        self._values, self.losses = found, LazyValues.of(Slices(found, 0, tasks))
        self.other_losses = others
        self.penalties = [] if penalty is None else [(Names([""]), penalty.reshape(1))]

    def join_rows(self, rows: Rows, among: Collection[str] | None = None) -> None:
        """Sums rows over all processes, and all else that this one has; in one it does nothing.

        Args:
            rows: of this process.
            among: the tasks that have rows; all that are present by default.
        """
        if self.replicas is not None:
            rows.buffer(min(self.balancer.batches, ROWS) - 1)
            self.replicas.sum_rows(rows, self.memory.rows.layout, among)
            self.join(rows)

    def collect_own(self, own: Own, factor: float = 1.0, *, local: bool = False) -> None:
        """Adds gradients at parameters of one task, by its weight if the heads count by task.

        Those at leaves that are not trained count 1.

        Args:
            own: `(parameter, task, gradient)`.
            factor: of all of them.
            local: whether they are of this process alone.
        """
        collect = self.collect_local if local else self.collect
        for parameter, task, gradient in own:
            weight = factor * (self.weights[task] if self.heads_by_task else 1.0)
            if id(parameter) in self.others:
                weight = 1.0
            plain = isinstance(weight, float) and weight == 1.0
            collect([(parameter, gradient if plain else gradient * weight)])

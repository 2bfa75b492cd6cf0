"""Exchanges of several processes in a step, so that it is that of the joined batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError, UnsupportedError
from plait.core.names import Names
from plait.core.numbers import added
from plait.core.shards import is_shard
from plait.distributed import Ranks
from plait.engine.micro_batch import TaskLosses
from plait.engine.one_pass import are_stacked
from plait.engine.rows import Rows
from plait.engine.wholes import Counts, Labels, Whole
from plait.gradients import Layout, reached_by

Pairs = Iterable[tuple[Tensor, Tensor]]  # (parameter, gradient)
OUTSIDE = "gradients of parameters outside of `model`", "Give a module that holds them"
SPARSE = "sparse gradients", "Make the table without `sparse=True`"
Met = tuple[Layout, Tensor]  # a layout, and what it was told


class Replicas:
    """The part of this process in a step that several processes take together.

    The batch of a process is a micro-batch of the joined batch: each loss is multiplied by
    ``n_here / n`` of its labels before it is differentiated, so that losses, rows and gradients of
    all processes are plain sums, also where batches are unequal or a task is absent. What decides
    the way of the step goes between the hosts, which waits for no device:

        at `start`        label counts: tasks that are present anywhere, and their shares
        at each `add`     which task reaches which parameter: one layout of the rows
        before `solve`    losses, rows and gradients that the route has, summed on the device

    Args:
        here: the processes.
        names: tasks that all processes know, in one order.
        counts: for each independent batch the label counts of its micro-batches here.
        wholes: the same batches, as all processes have them.
        parameters: all that are trained, in an order that the processes have in common.
        met: the layout of the rows, and what it was told in earlier steps; None in the first.
        terms: penalties that all processes know, in one order; new ones are added to the list.

    Attributes:
        sharded: the places of parameters that are sharded; their gradients come added up.
        tasks: for each independent batch the tasks with a label in any process, in one order.
        shares: for each batch `{task: n_here / n}` of these tasks.
        reached_here: parameters that the tasks of the micro-batch at hand reach in this process.
        accumulated: whether any process has several micro-batches of one batch.
        met: as given, with what this step has added.
    """

    def __init__(
        self,
        here: Ranks,
        names: list[str],
        counts: Counts,
        wholes: Sequence[Whole],
        parameters: Sequence[nn.Parameter],
        met: Met | None = None,
        terms: list[str] | None = None,
    ) -> None:
        self.ranks = here
        self.names = names
        self.parameters = list(parameters)
        self.met = met
        self.terms: list[str] = [] if terms is None else terms
        self._own_terms: set[str] = set()
        self._place = {id(parameter): place for place, parameter in enumerate(parameters)}
        self.sharded = [place for place, each in enumerate(parameters) if is_shard(each)]
        self.tasks = [
            Names(task for task in names if whole.counts.get(task, 0) > 0) for whole in wholes
        ]
        self.shares: list[dict[str, float]] = [
            {task: mine.get(task, 0.0) / whole.counts[task] for task in tasks}
            for mine, whole, tasks in zip(map(added, counts), wholes, self.tasks, strict=True)
        ]
        self.accumulated = any(n > 1 for whole in wholes for n in whole.parts)
        # exchanges at `add`, as many in every process
        self._parts = max(map(sum, zip(*(whole.parts for whole in wholes), strict=True)))
        self._reached = torch.zeros(len(names), len(parameters), dtype=torch.uint8)
        self.reached_here = self._reached
        self._losses: list[dict[str, Tensor]] = [{} for _ in counts]
        self._penalty: Tensor | None = None
        self._local: dict[int, Tensor] = {}  # gradients of this process, by place
        self._double = 0  # whether losses are in double precision
        self._exchanged = 0
        self._has_losses = False

    @property
    def batches(self) -> int:
        """Independent batches in which any task has a label."""
        return sum(1 for tasks in self.tasks if tasks)

    def part(
        self,
        losses: TaskLosses,
        shares: Labels | None,
        terms: Mapping[str, Tensor],
        batch: int,
    ) -> tuple[TaskLosses, dict[str, float], dict[str, Tensor]]:
        """Returns losses, their shares in the joined batch, and penalties by ``1 / W``.

        Tasks whose labels count nothing in any process are left out.

        Raises:
            ConfigError: a loss has no label count.
            UnsupportedError: the losses are one vector.
        """
        if are_stacked(losses):
            raise UnsupportedError(
                "losses that are one vector of like tasks are not differentiated in several "
                "processes yet. Run the model without `model.flow.joint(True)`."
            )
        missing = [task for task in losses if task not in self.names]
        if missing:
            raise ConfigError(
                f"`counts` must have the labels of each task with a loss; found none of "
                f"{missing[0]!r}. Count the labels behind each loss."
            )
        self._own_terms.update(terms)
        known = self.shares[batch]
        joined = {
            task: known[task] * (1.0 if shares is None else shares[task])
            for task in losses
            if task in known
        }
        if len(joined) < len(losses):
            losses = {task: losses[task] for task in joined}
        return losses, joined, {name: term / self.ranks.size for name, term in terms.items()}

    def note(self, batch: int, tasks: Sequence[str], values: Tensor, shares: Labels) -> None:
        """Adds losses of this process, each by its share."""
        self._double = max(self._double, int(values.dtype == torch.float64))
        known = self._losses[batch]
        for task, value in zip(tasks, values.double().unbind(), strict=True):
            part = value * shares[task]
            known[task] = known[task] + part if task in known else part

    def note_penalties(self, values: Tensor) -> None:
        """Adds penalties of this process."""
        total = values.double().sum()
        self._penalty = total if self._penalty is None else self._penalty + total

    def collect(self, pairs: Pairs) -> list[tuple[Tensor, Tensor]]:
        """Adds gradients of this process, to be summed; returns those that need no sum.

        They are those of leaves of its own, and of sharded parameters.

        Raises:
            UnsupportedError: a gradient is sparse, or of a parameter outside of the model.
        """
        others = []
        for parameter, gradient in pairs:
            place = self._place.get(id(parameter))
            if gradient.is_sparse:
                raise _unsupported(*SPARSE)
            if is_shard(gradient):
                others.append((parameter, gradient))
            elif place is not None:
                known = self._local.get(place)
                self._local[place] = gradient if known is None else known + gradient
            elif isinstance(parameter, nn.Parameter):
                raise _unsupported(*OUTSIDE)
            else:
                others.append((parameter, gradient))
        return others

    def meet(self, losses: TaskLosses, layout: Layout, others: Iterable[Tensor] = ()) -> None:
        """Agrees on what the losses of a micro-batch reach, before any of them is differentiated.

        Args:
            losses: of this process; may be empty.
            layout: gets the columns of what turns out to be shared, in the same order everywhere.
            others: leaves that are reached and not trained.

        Raises:
            UnsupportedError: a parameter outside of the model is reached; a sharded one is reached
                in some of the processes alone.
        """
        if any(isinstance(each, nn.Parameter) for each in others):
            raise _unsupported(*OUTSIDE)
        rows = {task: row for row, task in enumerate(self.names)}
        table = torch.zeros(len(self.names) + 3, len(self.parameters), dtype=torch.uint8)
        numbers = table.numpy()
        for leaf, tasks in reached_by(losses) if losses else ():
            place = self._place.get(id(leaf))
            if place is not None:
                for task in tasks:
                    numbers[rows[task], place] = 1
        numbers[-1, 0], numbers[-2, 0] = self._double, not self._own_terms.issubset(self.terms)
        self.reached_here = table[:-3]
        if self.sharded:
            numbers[-3, self.sharded] = numbers[:-3, self.sharded].max(0) == 0
        table = self.ranks.most(table)
        self._double = int(table[-1, 0])
        if table[-2, 0]:
            self.terms[:] = self.ranks.union([*self.terms, *sorted(self._own_terms)])
        self._exchanged += 1
        _check_sharded(self, table)
        self._reached |= table[:-3]
        if self.met is None or self.met[0] is not layout or len(self.met[1]) < len(self.names):
            self.met = layout, torch.zeros_like(self._reached)
        told = self.met[1]
        if not torch.equal(told | self._reached, told):
            for row, place in self._reached.nonzero().tolist():  # task by task, as rows are written
                layout.meet(self.parameters[place], (self.names[row],))
            told |= self._reached

    def reaching(self, task: str) -> list[Tensor]:
        """Returns the parameters that a task has reached in any process, in their order."""
        row = self._reached[self.names.index(task)]
        return [self.parameters[place] for place in row.nonzero().flatten().tolist()]

    @property
    def reached_now(self) -> list[Tensor]:
        """The parameters that a loss of this step has reached in any process, task by task."""
        found = {place: None for _, place in self._reached.nonzero().tolist()}
        return [self.parameters[place] for place in found]

    def same_layer(self, layer: Tensor | None, tasks: int, layout: Layout) -> Tensor | None:
        """Returns one layer for all processes, found by the one whose first losses were most.

        Args:
            layer: that this process has found.
            tasks: of how many losses.
            layout: of the rows.
        """
        self._catch_up(layout)
        place = -1 if layer is None else self._place[id(layer)]
        found = enumerate(self.ranks.gather((tasks, place)))
        _, _, chosen = max((count, -rank, place) for rank, (count, place) in found)
        return None if chosen < 0 else self.parameters[chosen]

    def subset(self, weights: Tensor, tasks: Iterable[str]) -> Tensor:
        """Returns the weights of some tasks of the first batch, in their order."""
        return weights[[self.tasks[0].place[task] for task in tasks]]

    def sum_rows(self, rows: Rows, layout: Layout, among: Iterable[str] | None = None) -> None:
        """Sums the rows of each batch, in their place: one collective for each `[T, P]`.

        The gradients of the heads wait for `sum`.

        Args:
            rows: of this process.
            layout: their columns.
            among: the tasks that have rows; all that are present by default.

        Raises:
            UnsupportedError: a gradient is sparse.
        """
        self._catch_up(layout)
        wanted = set(self.names if among is None else among)
        for batch, tasks in enumerate(self.tasks[: len(rows.buffers)]):
            if rows.buffers[batch].has_sparse:
                raise _unsupported(*SPARSE)
            reached = {task: self.reaching(task) for task in tasks if task in wanted}
            rows.buffers[batch].complete(reached)
            jacobian = rows.buffers[batch].jacobian
            for columns in layout.whole:
                self.ranks.sum_(jacobian[:, columns])

    def sum(
        self, layout: Layout, rows: Rows | None = None, *, local: bool = True
    ) -> tuple[list[tuple[Tensor, Tensor]], list[Tensor] | None, Tensor | None]:
        """Sums all else in one flat collective.

        Args:
            layout: of the rows.
            rows: whose gradients at the heads are summed.
            local: whether the gradients that were collected are summed.

        Returns:
            The latter as `(parameter, gradient)` in one order; the losses of each batch and the
            penalties, None if they were summed before.
        """
        self._catch_up(layout)
        reached = self._local_anywhere() if local else []
        owned = [] if rows is None else [each.own_of_rows for each in rows.buffers]
        heads = [gradient for own in owned for _, _, gradient in own if not is_shard(gradient)]
        gradients = [self._gradient(place) for place in reached]
        known = [] if self._has_losses else self._loss_vectors()
        summed = self.ranks.sum([*heads, *gradients, *known])
        of_heads = iter(summed)
        for buffer, own in zip(() if rows is None else rows.buffers, owned, strict=False):
            buffer.put_own([g if is_shard(g) else next(of_heads) for _, _, g in own])
        summed = summed[len(heads) :]
        found, summed = summed[: len(reached)], summed[len(reached) :]
        if local:
            self._local.clear()
        pairs: list[tuple[Tensor, Tensor]] = [
            (self.parameters[p], each) for p, each in zip(reached, found, strict=True)
        ]
        if self._has_losses:
            return pairs, None, None
        self._has_losses = True
        dtype = torch.float64 if self._double else torch.float32
        *losses, penalty = [each.to(dtype) for each in summed]
        return pairs, losses, penalty

    def _catch_up(self, layout: Layout) -> None:
        """Takes part in the exchanges of processes that have more micro-batches."""
        while self._exchanged < self._parts:
            self.meet({}, layout)

    @property
    def tasks_at(self) -> dict[int, tuple[str, ...]]:
        """The tasks that have reached a parameter in any process, by its id."""
        found: dict[int, tuple[str, ...]] = {}
        for row, place in self._reached.nonzero().tolist():
            key = id(self.parameters[place])
            found[key] = (*found.get(key, ()), self.names[row])
        return found

    def _local_anywhere(self) -> list[int]:
        """Returns the places with a gradient of any process that is still to be summed."""
        mask = torch.zeros(len(self.parameters), dtype=torch.uint8)
        mask[list(self._local)] = 1
        found: list[int] = self.ranks.most(mask).nonzero().flatten().tolist()
        return found

    def _gradient(self, place: int) -> Tensor:
        known = self._local.get(place)
        return torch.zeros_like(self.parameters[place]) if known is None else known

    def _loss_vectors(self) -> list[Tensor]:
        """Returns the losses of each batch, and the penalty as one number, in float64."""
        zero = torch.zeros((), dtype=torch.float64, device=self.parameters[0].device)
        vectors = [
            torch.stack([known.get(task, zero) for task in tasks]) if tasks else zero.new_zeros(0)
            for tasks, known in zip(self.tasks, self._losses, strict=True)
        ]
        return [*vectors, zero if self._penalty is None else self._penalty]


def _check_sharded(replicas: Replicas, table: Tensor) -> None:
    """Refuses sharded parameters that some processes reach and others do not."""
    for place in replicas.sharded:
        if table[-3, place] and table[:-3, place].any():
            shape = list(replicas.parameters[place].shape)
            raise UnsupportedError(
                f"a sharded parameter {shape} is reached in some of the processes alone, which "
                "would wait for the others. Give each of them an example with a label in each "
                "micro-batch, and shard only what the losses of all tasks reach."
            )


def _unsupported(what: str, way: str) -> UnsupportedError:
    return UnsupportedError(f"{what} are not added up over several processes yet. {way}.")

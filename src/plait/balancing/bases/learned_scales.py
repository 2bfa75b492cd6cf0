"""The base of methods whose weights are parameters that the optimizer learns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from plait.balancing.base import LossBalancer
from plait.balancing.contract.info import Info
from plait.core.errors import ConfigError, ShapeError
from plait.core.keys import safe_key
from plait.networks.joined import Joined, row_of


class LearnedScales(LossBalancer):
    """Keeps one learned number s_t for each task, on a logarithmic scale.

    The optimizer learns them along with the model; `plait.parameter_groups` gives them to it
    without weight decay, which would pull the weights towards each other.

    Args:
        init: first value of s_t.
        bound: s_t is kept in [-bound, bound], so that a loss that vanishes cannot send its weight
            to infinity. A step that leads out is cut at the bound when s_t is next read, so that
            s_t can come back at once.

    Raises:
        ConfigError: `bound` is not positive.
    """

    learns = True
    positive_losses = True

    def __init__(self, *, init: float, bound: float) -> None:
        super().__init__()
        if not bound > 0:
            raise ConfigError(f"`bound` must be positive; found {bound}.")
        self.init = init
        self.bound = bound

    @property
    @abstractmethod
    def scales(self) -> nn.ParameterDict:
        """The parameters s_t, scalars by `safe_key(task)`; empty before `setup`."""

    def setup(self, tasks: Sequence[str]) -> None:
        """Makes one s for each task; a second call for the same tasks keeps what was learned."""
        super().setup(tasks)
        for task in tasks:
            if safe_key(task) not in self.scales:
                self.scales[safe_key(task)] = nn.Parameter(torch.tensor(float(self.init)))

    def named_tasks(self, losses: Tensor, info: Info | None) -> tuple[str, ...]:
        """Returns the tasks present; in a call without `info.tasks`, all tasks of `setup`.

        Raises:
            ConfigError: a task was not set up.
            ShapeError: the number of losses differs from that of the tasks.
        """
        tasks = (info.tasks if info else ()) or self.tasks
        unknown = set() if tasks == self.tasks else set(tasks).difference(self.tasks)
        if unknown:
            task = next(task for task in tasks if task in unknown)
            raise ConfigError(
                f"{type(self).__name__} knows no task {task!r}; call `setup` with all tasks first."
            )
        if len(tasks) != len(losses):
            raise ShapeError(
                f"`losses` must have one entry for each of the {len(tasks)} tasks; found "
                f"{len(losses)}. Name the tasks present in `info`."
            )
        return tasks

    def read(self, tasks: Sequence[str], losses: Tensor) -> Tensor:
        """Returns s `[T]`, with graph, in the dtype of `losses`."""
        joined = self._joined()
        if joined is not None:
            return self._rows(joined, tasks).to(losses)
        learned = [self.scales[safe_key(task)] for task in tasks]
        # A clamp in the graph has no gradient outside the bound, and s_t would stay there
        with torch.no_grad():
            for s in learned:
                s.clamp_(-self.bound, self.bound)
        return torch.stack(learned).to(losses)

    def learned(self) -> list[nn.Parameter]:
        """Returns the s_t that an optimizer moves: one vector of them all while they are joined."""
        joined = self._joined()
        return super().learned() if joined is None else [joined.whole]

    def _joined(self) -> Joined | None:
        """Returns the vector whose entries the s_t are; None where each stands alone."""
        first = next(iter(self.scales.values()), None)
        row = None if first is None else row_of(first)
        return row.joined if row is not None and row.joined.intact() else None

    def _rows(self, joined: Joined, tasks: Sequence[str]) -> Tensor:
        """Returns s `[T]` of the tasks present, cut at the bound; that of others stays as it is."""
        whole: Tensor = joined.whole
        if tuple(tasks) == joined.tasks:
            with torch.no_grad():
                whole.clamp_(-self.bound, self.bound)
            return whole
        rows = torch.tensor([joined.place[task] for task in tasks], device=whole.device)
        with torch.no_grad():
            cut = whole.index_select(0, rows).clamp(-self.bound, self.bound)
            whole.index_copy_(0, rows, cut)
        return whole.index_select(0, rows)

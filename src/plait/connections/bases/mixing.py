"""The base of connections that mix the outputs of the tasks' stages."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from plait.connections.bases.stage import StageConnection
from plait.connections.edges.graph import Edge
from plait.connections.edges.wiring import Wiring
from plait.core.errors import ConfigError, ShapeError
from plait.core.watched import Watched

Init = float | Literal["balanced", "identity"]


class Mixing(StageConnection):
    """Replaces the output of a stage by a mixture of the tasks' outputs of that stage.

    A task that reads no other has no unit and stays as it is.

    Args:
        edges: pairs [source, target]: the target reads the source; all pairs in both directions by
            default.
        after: numbers of the stages, from 0, that are followed by a unit; by default those that end
            a block, the last one among them.
        lr_scale: factor of the learning rate of the units.

    Attributes:
        stages: numbers of the stages that are followed by a unit; empty before `setup`.
    """

    symmetric = True

    def __init__(
        self,
        *,
        edges: Sequence[Sequence[str]] | None = None,
        after: Sequence[int] | None = None,
        lr_scale: float = 1.0,
    ) -> None:
        super().__init__(edges=edges)
        if not lr_scale > 0:
            raise ConfigError(f"`lr_scale` must be above 0; found {lr_scale}.")
        self.after = None if after is None else list(after)
        self.lr_scale = lr_scale
        self.stages: tuple[int, ...] = ()

    def setup(self, wiring: Wiring) -> None:
        """Chooses the stages and checks that what is mixed has one shape.

        Raises:
            ConfigError: `after` names a stage that is not there, or names one twice.
            ShapeError: the tasks' outputs of a stage differ in shape.
        """
        super().setup(wiring)
        self.stages = self._chosen(wiring)
        for stage in self.stages:
            for edge in self.links:
                self._check(stage, edge, wiring)

    @abstractmethod
    def mixed(self, stage: int, task: str, outputs: Mapping[str, Tensor]) -> Tensor:
        """Returns the mixture that a task's next stage reads, in the shape of the task's output."""

    def mix(
        self, stage: int, outputs: Mapping[str, Tensor], tasks: Sequence[str]
    ) -> dict[str, Tensor]:
        """Returns the mixtures, after the stages that have a unit."""
        return {
            task: self.mixed(stage, task, outputs)
            if self.reads_beside(stage, task)
            else outputs[task]
            for task in tasks
        }

    def reads_beside(self, stage: int, task: str) -> tuple[str, ...]:
        """Returns the sources of a task, after the stages that have a unit."""
        return self.parents(task) if stage in self.stages else ()

    def sources(self, task: str) -> tuple[str, ...]:
        """Returns the task itself and those that it reads, in the order of the tasks."""
        read = {task, *self.parents(task)}
        return tuple(each for each in self.tasks if each in read)

    def mixing_tasks(self) -> list[str]:
        """Returns the tasks that read others."""
        return [task for task in self.tasks if self.parents(task)]

    def table(self, coefficients: Callable[[str], Tensor], *, shares: bool = False) -> Watched:
        """Returns a number for each pair of tasks, target by source; 0 where nothing passes.

        Args:
            coefficients: from a task that reads others to one number for each of its `sources`.
            shares: whether a row is shares of one whole.
        """
        rows: dict[str, Tensor] = {}
        for task in self.mixing_tasks():
            found = coefficients(task).detach()
            of = dict(zip(self.sources(task), found, strict=True))
            rows[task] = torch.stack([of.get(s, torch.zeros_like(found[0])) for s in self.tasks])
        return Watched(rows, self.tasks, shares)

    def _chosen(self, wiring: Wiring) -> tuple[int, ...]:
        joined = self.joined()
        if not joined:
            return ()
        last = len(wiring.shapes[joined[0]].levels) - 1
        if self.after is None:
            ends = set.intersection(*(set(wiring.ends[task]) for task in joined))
            return tuple(sorted(ends))
        wrong = [s for s in self.after if not isinstance(s, int) or not 0 <= s <= last]
        if wrong or len(set(self.after)) < len(self.after) or not self.after:
            raise ConfigError(
                f"`after` of {type(self).__name__} must name stages within 0..{last}, each once; "
                f"found {self.after}."
            )
        return tuple(sorted(self.after))

    def _check(self, stage: int, edge: Edge, wiring: Wiring) -> None:
        one, two = (wiring.shapes[task] for task in edge)
        shapes = [list(each.levels[stage]) for each in (one, two)]
        if shapes[0] != shapes[1] or one.channel_dim != two.channel_dim:
            raise ShapeError(
                f"{type(self).__name__} mixes the outputs of stage {stage}, which must have one "
                f"shape; found {shapes[0]} of task {edge[0]!r} (channels on axis "
                f"{one.channel_dim}) and {shapes[1]} of {edge[1]!r} (axis {two.channel_dim}). Use "
                "networks of one kind, or name stages that agree with `after`."
            )


def check_init(init: Init, method: str) -> None:
    """Raises `ConfigError` for an unknown start."""
    number = isinstance(init, int | float) and not isinstance(init, bool)
    if init in ("balanced", "identity") or (number and 0 <= float(init) <= 1):
        return
    raise ConfigError(
        f"`init` of {method} must be 'balanced', 'identity' or a number within 0..1; "
        f"found {init!r}."
    )


def start(init: Init, number: int) -> tuple[float, float]:
    """Returns the own coefficient and that of each of the others; together they are 1.

    Args:
        init: the own one; or "balanced", all the same; or "identity", 1 and 0.
        number: of all coefficients, at least 1.

    Example:
        >>> start("balanced", 4), start("identity", 3), start(0.75, 2)
        ((0.25, 0.25), (1.0, 0.0), (0.75, 0.25))
    """
    own = {"balanced": 1 / number, "identity": 1.0}.get(str(init))
    own = float(init) if own is None else own
    return own, (1 - own) / max(number - 1, 1)


def on_channels(weight: Tensor, like: Tensor, channel_dim: int) -> Tensor:
    """Returns a vector over channels, or a scalar, so that it multiplies a stage's output."""
    if weight.dim() == 0 or channel_dim == -1:
        return weight
    return weight.reshape(-1, *[1] * (like.dim() - 2))

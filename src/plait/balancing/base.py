"""The bases of all balancers: what a method reads decides what it has to give."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError, NonFiniteError, ShapeError


@dataclass(frozen=True)
class Info:
    """What a balancer is told about the step besides its main argument.

    Attributes:
        tasks: names of the tasks present, in the order of the rows.
        losses: their losses `[T]`, detached, if known.
        dtype: in which the inner products of their gradients were computed.
        epoch: the current epoch, from 0.
        progress: the share of the training that is done, in [0, 1].
        learning_rate: of the optimizer's first group.
    """

    tasks: tuple[str, ...]
    losses: Tensor | None = None
    dtype: torch.dtype = torch.float64
    epoch: int = 0
    progress: float = 0.0
    learning_rate: float = 0.0


class Balancer(nn.Module, ABC):
    """Decides how much each task moves the shared parameters.

    Class attributes declare what a method reads and needs; nothing else in plait asks for its name.

    Attributes:
        equal_weight: what equal weighting is on the paper's scale: "sum" (each task 1) or "mean"
            (each task 1/T). ``scale="sum"`` multiplies the weights of a "mean" method by T, so that
            all methods can be compared at one learning rate.
        learns: the method has parameters of its own, which the model's optimizer has to be given.
        constant: the weights do not depend on losses or gradients.
        positive_losses: the method is defined for positive losses only.
    """

    equal_weight: Literal["sum", "mean"] = "sum"
    learns: ClassVar[bool] = False
    constant: ClassVar[bool] = False
    positive_losses: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.tasks: tuple[str, ...] = ()

    @property
    @abstractmethod
    def reads(self) -> Literal["losses", "gramian", "jacobian"]:
        """What the method reads; each of the bases below sets it."""

    def setup(self, tasks: Sequence[str]) -> None:
        """Is called before the first step, with the names of all tasks.

        A second call for the same tasks, in any order, changes nothing.

        Raises:
            ConfigError: it was set up for other tasks before.
        """
        if self.tasks and set(self.tasks) != set(tasks):
            raise ConfigError(
                f"{type(self).__name__} was set up for tasks {list(self.tasks)}; found "
                f"{list(tasks)}. Make a new balancer for other tasks."
            )
        self.tasks = self.tasks or tuple(tasks)

    def after_step(self) -> None:
        """Is called after each optimizer step."""


class LossBalancer(Balancer):
    """Reads the losses: the weights are the gradient of a scalar objective of them."""

    reads = "losses"

    @abstractmethod
    def objective(self, losses: Tensor, info: Info) -> Tensor:
        """Returns the scalar that is minimised.

        Args:
            losses: `[T]`, of the tasks present. Its gradient with respect to them is the weights.
            info: the names of these tasks, and where the training is.
        """


class GramianBalancer(Balancer):
    """Reads ``G = J J^T``, the inner products of the tasks' gradients (the rows of J).

    Tasks with an exactly zero gradient constrain nothing: they are dropped from the problem and get
    weight 0.
    """

    reads = "gramian"

    def weights(self, gramian: Tensor, info: Info | None = None, **draws: Any) -> Tensor:
        """Returns the weights of the tasks' gradients, on the paper's scale.

        Args:
            gramian: `[..., T, T]`, symmetric positive semi-definite; leading axes are independent
                groups.
            info: what is known of the step; by hand it can be left out.
            draws: random choices to use in place of the method's own, where it has any.

        Returns:
            `[..., T]`, float64.

        Raises:
            ShapeError: `gramian` is not square.
            NonFiniteError: it holds NaN or infinity; it names the tasks if `info` does.
        """
        if gramian.dim() < 2 or gramian.shape[-1] != gramian.shape[-2]:
            raise ShapeError(
                f"`gramian` must be square [..., T, T]; found {list(gramian.shape)}. "
                "Did you pass the Jacobian?"
            )
        matrices = gramian.detach().cpu().double().numpy()
        names = tuple(str(position) for position in range(matrices.shape[-1]))
        known = info or Info(names, dtype=gramian.dtype)
        check_finite(matrices, known.tasks)
        groups = matrices.reshape(-1, *matrices.shape[-2:])
        solved = np.stack([self._without_zero_rows(group, known, draws) for group in groups])
        return torch.from_numpy(solved.reshape(matrices.shape[:-1]))

    def _without_zero_rows(
        self, gramian: np.ndarray, info: Info, draws: dict[str, Any]
    ) -> np.ndarray:
        weights = np.zeros(len(gramian))
        active = np.flatnonzero(np.diag(gramian) > 0)
        if len(active):
            weights[active] = self.solve(gramian[np.ix_(active, active)], active, info, **draws)
        return weights

    @abstractmethod
    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Returns weights `[n]` for a Gramian `[n, n]` with a positive diagonal.

        Args:
            gramian: float64, of the tasks with a non-zero gradient.
            active: their positions `[n]` among the tasks present.
            info: what is known of the step; its `tasks` are "0", "1", ... in a call by hand.
            draws: random choices to use in place of the method's own.
        """


class JacobianBalancer(Balancer):
    """Reads the rows themselves, because it works coordinate by coordinate."""

    reads = "jacobian"

    @abstractmethod
    def combine(self, jacobian: Tensor, info: Info | None = None) -> Tensor:
        """Returns one direction `[P]` from the tasks' gradients `[T, P]`, on the paper's scale."""


def check_finite(gramian: np.ndarray, tasks: Sequence[str]) -> None:
    """Raises `NonFiniteError`, naming the tasks, if a Gramian `[..., T, T]` is not finite."""
    if np.isfinite(gramian).all():
        return
    norms = np.diagonal(gramian, axis1=-2, axis2=-1).reshape(-1, gramian.shape[-1])
    broken = np.flatnonzero(~np.isfinite(norms).all(axis=0)).tolist()
    names = ", ".join(repr(tasks[position]) for position in broken)
    raise NonFiniteError(
        f"the gradient of task {names or '(unknown)'} is not finite; nothing was changed. Lower "
        "the learning rate, clip gradients, or check the task's loss for divisions and logarithms."
    )

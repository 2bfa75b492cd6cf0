"""The bases of all balancers: what a method reads decides what it has to give."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from plait.balancing.contract.checks import check_finite, check_square
from plait.balancing.contract.info import Info, Reread, informed
from plait.balancing.contract.problem import Problem
from plait.core.errors import ConfigError


class Balancer(nn.Module, ABC):
    """Decides how much each task moves the shared parameters.

    Class attributes declare what a method reads and needs; nothing else in plait asks for its name.

    Attributes:
        equal_weight: what equal weighting is on the paper's scale: "sum" (each task 1) or "mean"
            (each task 1/T). ``scale="sum"`` multiplies the weights of a "mean" method by T, so that
            all methods can be compared at one learning rate.
        at: where the gradients are taken that a Gramian method reads: "parameters" (all shared
            ones) or "last layer" (the shared weight nearest to the heads).
        learns: the method has parameters of its own, which the model's optimizer has to be given.
        constant: the weights do not depend on losses or gradients.
        positive_losses: the method is not defined for negative losses.
        reads_epochs: the method acts on the number of the epoch (`Info.epoch`).
        rereads: the method reads the losses of the same batch again after the optimizer step.
        scale_free: multiplying one task's loss by a constant does not change the direction, so a
            static weight would do nothing; such a method takes a `preference` instead.
        batches: independent batches in one step.
        row_buffers: `[T, P]` buffers that the method keeps across steps.
        gives_weights: a method that reads rows leaves its weights in `last_weights`.
        flag: what was out of the ordinary in the last call, in a few words; None if nothing.
    """

    equal_weight: Literal["sum", "mean"] = "sum"
    at: Literal["parameters", "last layer"] = "parameters"
    learns: bool = False
    constant: ClassVar[bool] = False
    positive_losses: bool = False
    reads_epochs: bool = False
    rereads: bool = False
    scale_free: bool = False
    gives_weights: ClassVar[bool] = False
    batches: int = 1
    row_buffers: int = 0
    flag: str | None = None

    def __init__(self) -> None:
        super().__init__()
        self.tasks: tuple[str, ...] = ()

    @property
    @abstractmethod
    def reads(self) -> Literal["losses", "gramian", "jacobian", "problem"]:
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

    def after_step(self, reread: Reread | None = None) -> None:
        """Is called after each optimizer step.

        Args:
            reread: gives `{task: loss}` of the same batch with the parameters after the step, for
                a method that `rereads`.
        """


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

    Attributes:
        groups: whether the method has one Gramian for all shared parameters ("whole"), one for each
            module ("layer") or one for each parameter ("matrix").
        applied: how much the gradients of each batch count in the direction,
            ``d = sum_b applied_b J_b^T w``; one number for each of `batches`.
    """

    reads = "gramian"
    groups: Literal["whole", "layer", "matrix"] = "whole"
    applied: tuple[float, ...] = (1.0,)

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
        check_square(gramian)
        matrices = gramian.detach().cpu().double().numpy()
        known = informed(gramian, info)
        check_finite(matrices, known.tasks)
        self.flag = None
        tasks = matrices.shape[-1]
        solved = np.zeros(matrices.shape[:-1])
        rows = solved.reshape(-1, tasks)
        for position, matrix in enumerate(matrices.reshape(-1, tasks, tasks)):
            group = known if position == 0 else replace(known, group=known.group + position)
            rows[position] = self._without_zero_rows(matrix, group, draws)
        return torch.from_numpy(solved)

    def _without_zero_rows(
        self, gramian: np.ndarray, info: Info, draws: dict[str, Any]
    ) -> np.ndarray:
        active = np.flatnonzero(self.active(gramian))
        if len(active) == len(gramian) > 0:  # the rule; indexing would copy
            return self.solve(gramian, active, info, **draws)
        weights = np.zeros(len(gramian))
        if len(active):
            weights[active] = self.solve(gramian[np.ix_(active, active)], active, info, **draws)
        return weights

    def active(self, gramian: np.ndarray) -> np.ndarray:
        """Returns which tasks have a gradient, `[T]` of bool; the others get weight 0."""
        found: np.ndarray = gramian.diagonal() > 0
        return found

    @abstractmethod
    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Returns weights `[n]` for a Gramian `[n, n]` with a positive diagonal.

        Sets `flag` where the answer is not the ordinary one, such as at a Pareto-stationary point.

        Args:
            gramian: float64, of the tasks with a non-zero gradient.
            active: their positions `[n]` among the tasks present.
            info: what is known of the step; its `tasks` are "0", "1", ... in a call by hand.
            draws: random choices to use in place of the method's own.
        """


class CrossGramianBalancer(GramianBalancer):
    """Reads ``A = J_1 J_2^T``, the inner products of the gradients of two independent batches.

    In expectation A is the Gramian of the true gradients, without the bias that the noise of one
    batch adds to its diagonal. A is neither symmetric nor semi-definite. Called by hand,
    `weights` takes A.
    """

    batches: int = 2
    applied: tuple[float, ...] = (0.5, 0.5)

    def active(self, gramian: np.ndarray) -> np.ndarray:
        """Returns the tasks with any inner product that is not zero."""
        found: np.ndarray = (gramian != 0).any(axis=0) | (gramian != 0).any(axis=1)
        return found


class JacobianBalancer(Balancer):
    """Reads the rows themselves, because it works coordinate by coordinate."""

    reads = "jacobian"

    @abstractmethod
    def combine(self, jacobian: Tensor, info: Info | None = None, **draws: Any) -> Tensor:
        """Returns one direction `[P]` on the paper's scale.

        A method that `gives_weights` leaves them in `last_weights`.

        Args:
            jacobian: the tasks' gradients `[T, P]`, finite. The columns are those of earlier steps,
                with new ones at the end if more parameters turned out to be shared.
            info: what is known of the step; without it the tasks are "0", "1", ....
            draws: random choices to use in place of the method's own, where it has any.
        """

    last_weights: Tensor | None = None


class BilevelBalancer(Balancer):
    """Learns the weights from the losses on validation data after a step with them."""

    reads = "problem"
    batches = 2  # the second one is looked ahead to

    @abstractmethod
    def weights(self, problem: Problem, info: Info | None = None) -> tuple[Tensor, Tensor | None]:
        """Returns the weights `[T]` of the training and of the validation losses (None: not used).

        The gradient that the optimizer gets, at all parameters, is that of
        ``sum_t w_t L_t^train + sum_t v_t L_t^val``.
        """

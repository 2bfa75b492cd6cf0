"""The bases of all balancers, one for each thing that a method may read."""

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
from plait.core.arguments import Checked
from plait.core.errors import ConfigError


class Balancer(Checked, nn.Module, ABC):
    """Decides how much each task moves the shared parameters.

    Class attributes declare what a method reads and needs; nothing else in plait asks for its name.

    Attributes:
        equal_weight: what equal weighting is on the paper's scale: "sum" (each task 1) or "mean"
            (each task 1/T). ``scale="sum"`` multiplies the weights of a "mean" method by T, so that
            all methods can be compared at one learning rate.
        at: the parameters by which a Gramian method differentiates: "parameters" (all shared
            ones) or "last layer" (the shared weight nearest to the heads).
        learns: whether the method has parameters of its own, which the model's optimizer has to be
            given (`plait.parameter_groups` does).
        constant: whether the weights depend on neither losses nor gradients.
        positive_losses: whether the method is undefined for negative losses.
        reads_epochs: whether the method acts on the number of the epoch (`Info.epoch`).
        rereads: whether the method reads the losses of the same batch again after the optimizer
            step.
        scale_free: whether multiplying one task's loss by a constant leaves the direction as it is.
            A static weight would do nothing then; such a method takes a `preference` instead.
        batches: the number of independent batches in one step.
        row_buffers: the number of `[T, P]` buffers that the method keeps across steps.
        gives_weights: whether a method that reads rows leaves its weights in `last_weights`.
        flag: a few words on what was unusual in the last call, such as "Pareto-stationary"; None
            after an ordinary one.
        tasks: the names given to `setup`; empty before it.
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
        """The input of the method; each of the bases below names its own."""

    def setup(self, tasks: Sequence[str]) -> None:
        """Prepares the state of all tasks; the engine calls it before the first step.

        A second call for the same tasks, in any order, changes nothing.

        Args:
            tasks: the names of all tasks, also of those that some batches do not have.

        Raises:
            ConfigError: the balancer was set up for other tasks before.
        """
        if self.tasks and set(self.tasks) != set(tasks):
            raise ConfigError(
                f"{type(self).__name__} was set up for tasks {list(self.tasks)}; found "
                f"{list(tasks)}. Make a new balancer for other tasks."
            )
        self.tasks = self.tasks or tuple(tasks)

    def after_step(self, reread: Reread | None = None) -> None:
        """Updates the state after an optimizer step; most methods have nothing to do.

        Args:
            reread: a function without arguments that evaluates the same batch with the parameters
                after the step and returns `{task: loss}`. Only a method that `rereads` gets one.
        """


class LossBalancer(Balancer):
    """Reads the losses `[T]`; the weights are the gradient of a scalar objective of them."""

    reads = "losses"

    @abstractmethod
    def objective(self, losses: Tensor, info: Info) -> Tensor:
        """Returns the scalar objective; its gradient with respect to `losses` is the weights.

        Args:
            losses: `[T]`, of the tasks present, with a graph.
            info: the names of these tasks, the epoch and the progress of the training.
        """

    def slopes(self, losses: Tensor, info: Info) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Returns the weights `[T]`, and `(parameter, gradient)` of each learned parameter.

        Args:
            losses: `[T]`, of the tasks present, without a graph.
            info: as for `objective`.
        """
        values, learned = losses.detach().requires_grad_(), self.learned()
        objective = self.objective(values, info)
        weights, *own = torch.autograd.grad(objective, [values, *learned], allow_unused=True)
        return weights, [(p, g) for p, g in zip(learned, own, strict=True) if g is not None]

    def learned(self) -> list[nn.Parameter]:
        """Returns the parameters that the method learns, as an optimizer has them."""
        return [parameter for parameter in self.parameters() if parameter.requires_grad]


class GramianBalancer(Balancer):
    """Reads ``G = J J^T``, the inner products of the tasks' gradients (the rows of J).

    A task whose gradient is exactly zero constrains nothing: it is left out of the problem and gets
    the weight 0.

    Attributes:
        groups: the parameters of one Gramian: "whole" (all shared ones), "layer" (one Gramian for
            each module) or "matrix" (one for each parameter).
        exact: whether the products of the gradients are formed in float64 where their rows are at
            hand, for a method that loses digits where they nearly depend on each other.
        applied: the factor of each batch's gradients in the direction
            ``d = sum_b applied_b J_b^T w``; one number for each of `batches`.
    """

    reads = "gramian"
    groups: Literal["whole", "layer", "matrix"] = "whole"
    exact: bool = False
    applied: tuple[float, ...] = (1.0,)

    def weights(self, gramian: Tensor, info: Info | None = None, **draws: Any) -> Tensor:
        """Returns the weights of the tasks' gradients, on the paper's scale.

        Args:
            gramian: `[..., T, T]`, symmetric positive semi-definite; leading axes are independent
                groups of parameters.
            info: names, losses and progress of the step; may be left out in a call by hand.
            draws: random choices to use in place of the method's own, where it has any.

        Returns:
            `[..., T]`, float64.

        Raises:
            ShapeError: `gramian` is not square.
            NonFiniteError: `gramian` holds NaN or infinity; the message names the tasks.
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
        """Returns `[T]` of bool: True for a task with a gradient; the others get the weight 0."""
        found: np.ndarray = gramian.diagonal() > 0
        return found

    @abstractmethod
    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Returns weights `[n]` for a Gramian `[n, n]` with a positive diagonal.

        Sets `flag` where the answer is unusual, such as at a Pareto-stationary point.

        Args:
            gramian: float64, of the n tasks with a non-zero gradient.
            active: the positions `[n]` of these tasks among the tasks present.
            info: names, losses and progress of the step; in a call by hand the tasks are named
                "0", "1" and so on.
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
        """Returns `[T]` of bool: True for a task with any non-zero inner product."""
        found: np.ndarray = (gramian != 0).any(axis=0) | (gramian != 0).any(axis=1)
        return found


class JacobianBalancer(Balancer):
    """Reads the rows of the Jacobian `[T, P]`, because it works coordinate by coordinate.

    Attributes:
        last_weights: weights `[T]` of the last call of a method that `gives_weights`, else None.
    """

    reads = "jacobian"

    @abstractmethod
    def combine(self, jacobian: Tensor, info: Info | None = None, **draws: Any) -> Tensor:
        """Combines the tasks' gradients into one direction `[P]`, on the paper's scale.

        Args:
            jacobian: the tasks' gradients `[T, P]`, finite. The columns are those of earlier steps,
                with new ones at the end if more parameters turned out to be shared.
            info: names, losses and progress of the step; without it the tasks are named "0", "1"
                and so on.
            draws: random choices to use in place of the method's own, where it has any.
        """

    last_weights: Tensor | None = None


class BilevelBalancer(Balancer):
    """Learns the weights by trying a step with them and reading the losses on validation data."""

    reads = "problem"
    batches = 2  # the second one is the validation data

    @abstractmethod
    def weights(self, problem: Problem, info: Info | None = None) -> tuple[Tensor, Tensor | None]:
        """Returns w `[T]` for the training losses, and v `[T]` for the validation losses.

        The optimizer gets, at all parameters, the gradient of
        ``sum_t w_t L_t^train + sum_t v_t L_t^val``; v is None if these losses are not used.
        """

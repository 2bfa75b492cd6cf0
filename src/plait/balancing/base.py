"""The bases of all balancers: what a method reads decides what it has to give."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from plait.core.errors import ConfigError, NonFiniteError, ShapeError


@dataclass(frozen=True)
class Info:
    """What a balancer is told about the step besides its main argument.

    Attributes:
        tasks: names of the tasks present, in the order of the rows; the engine fills them in.
        losses: their losses `[T]`, detached, if known.
        dtype: in which the inner products of their gradients were computed.
        epoch: the current epoch, from 0.
        progress: the share of the training that is done, in [0, 1].
        learning_rate: of the optimizer's first group.
        group: which of several parameter groups is being solved for; the first one of a call.
    """

    tasks: tuple[str, ...] = ()
    losses: Tensor | None = None
    dtype: torch.dtype = torch.float64
    epoch: int = 0
    progress: float = 0.0
    learning_rate: float = 0.0
    group: int = 0


Reread = Callable[[], Mapping[str, Tensor]]


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


class Problem(Protocol):
    """What a bilevel method may ask about one step; every call costs what it says.

    Parameters are tuples of tensors, in the order of `parameters`. Nothing that is asked changes
    the model: not its parameters, its running statistics, or the random state.
    """

    tasks: tuple[str, ...]
    parameters: tuple[Tensor, ...]

    def train(self, parameters: Sequence[Tensor]) -> Tensor:
        """Returns the training losses `[T]` at `parameters`, with graph: one forward pass."""

    def val(self, parameters: Sequence[Tensor]) -> Tensor:
        """Returns the validation losses `[T]` at `parameters`, with graph: one forward pass."""

    def virtual_step(
        self, parameters: Sequence[Tensor], gradient: Sequence[Tensor]
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Returns where the optimizer's next step on `gradient` would lead, and its slope.

        The step has the optimizer's momentum and weight decay; its state stays as it is. The slope
        is the derivative of each new parameter by its gradient (for SGD: -lr).
        """


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


def informed(gramian: Tensor, info: Info | None) -> Info:
    """Returns `info` with names for the tasks: "0", "1", ... in a call by hand."""
    known = info or Info(dtype=gramian.dtype)
    names = tuple(str(position) for position in range(gramian.shape[-1]))
    return known if known.tasks else replace(known, tasks=names)


def check_square(gramian: Tensor) -> None:
    """Raises `ShapeError` if `gramian` is not `[..., T, T]`."""
    if gramian.dim() < 2 or gramian.shape[-1] != gramian.shape[-2]:
        raise ShapeError(
            f"`gramian` must be square [..., T, T]; found {list(gramian.shape)}. "
            "Did you pass the Jacobian?"
        )


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

"""The base of row methods that differentiate some of the tasks in each step."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from plait.balancing.base import JacobianBalancer
from plait.balancing.contract.info import Info
from plait.balancing.contract.names import tasks_of_rows


class InTurnBalancer(JacobianBalancer):
    """Differentiates some of the tasks in each step, and remembers the gradients of the others.

    The engine asks whose turn it is, differentiates these tasks alone, and gets the direction for
    all tasks present. The parameters that one task alone reaches get their gradient in each step.

    Attributes:
        tasks_per_step: how many tasks are differentiated in a step; more in one that meets new
            tasks.
        gramian: inner products `[T, T]` of what the last call combined; None where the method needs
            none of them.
    """

    tasks_per_step: int = 1
    gramian: np.ndarray | None = None

    @abstractmethod
    def turns(self, tasks: Sequence[str], taken: int = 0) -> tuple[str, ...]:
        """Returns the tasks, of those present, that are to be differentiated in the next step.

        Nothing changes before `follow`. Every task without a memory is among them.

        Args:
            tasks: names of tasks present; with micro-batches those of one that no earlier one had.
            taken: tasks of earlier micro-batches that are differentiated.
        """

    @abstractmethod
    def follow(
        self,
        jacobian: Tensor,
        turns: Sequence[str],
        info: Info,
        *,
        scale: float = 1.0,
        idle: Sequence[slice] = (),
    ) -> Tensor:
        """Takes gradients in, and returns the direction `[P]` for all tasks present.

        Args:
            jacobian: `[n, P]`, finite, the gradients of the tasks whose turn it is; the columns as
                in `combine`.
            turns: names of these n tasks.
            info: names and losses of all tasks present.
            scale: multiplies the direction.
            idle: columns of the parameters that no task present reaches.
        """

    def combine(self, jacobian: Tensor, info: Info | None = None, **draws: Any) -> Tensor:
        """Returns the direction `[P]`; of the rows those of the tasks whose turn it is are read.

        Args:
            jacobian: see `JacobianBalancer`.
            info: see `JacobianBalancer`.
            draws: see `JacobianBalancer`.
        """
        tasks = tasks_of_rows(jacobian, info)
        turns = self.turns(tasks)
        known = replace(info or Info(dtype=jacobian.dtype), tasks=tasks)
        return self.follow(jacobian[[tasks.index(task) for task in turns]], turns, known)

"""The base of all routes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import Generic, TypeVar

import torch
from torch import Tensor

from plait.balancing.base import Balancer
from plait.engine.gathered import Gathered
from plait.engine.micro_batch import MicroBatch
from plait.engine.rows import Rows

Method = TypeVar("Method", bound=Balancer)


class Route(ABC, Generic[Method]):
    """One way from the losses of a step to its gradients.

    It is chosen at the first micro-batch (`choose`) and lives for one step:

        add, add, ...   differentiate each micro-batch
        settle          everything is there: losses, rows or Gramian, of all micro-batches
        solve           what each task counts
        apply           the gradients, into the step

    Args:
        step: has the losses, and gets weights and gradients.
        balancer: the method, of a kind that the route serves.

    Attributes:
        passes: the backward passes of a step of T tasks, in words.
        local: whether gradients come after `settle` that are of this process alone.
    """

    passes: str = ""
    local: bool = True

    def __init__(self, step: Gathered, balancer: Method) -> None:
        self.step = step
        self.balancer = balancer
        self.rows: Rows | None = None  # for a route that keeps a row for each task

    @abstractmethod
    def add(self, micro: MicroBatch) -> None:
        """Differentiates a micro-batch, or keeps it for `apply`."""

    def finish(self) -> None:
        """Ends the step: from what was added to the gradients."""
        self.settle()
        self.solve()
        self.apply()
        if self.local:
            self.step.join()

    def settle(self) -> None:
        """Completes what is decided on; the one place that all of it passes before `solve`.

        Several processes are joined here: losses, and rows before the Gramian is formed from them,
        for the mean of several Gramians is another matrix.

        Raises:
            ConfigError: no task has labels in all of several batches.
        """
        if self.rows is not None and self.step.matrix is None:
            step = self.step
            step.join_rows(self.rows)
            parts = step.several or step.batches > 2  # which bring the tasks in orders of their own
            self.rows.settle(step.balancer.tasks if parts else None)
            self.step.form(self.rows.tasks, partial(self.gramian, self.rows))

    def gramian(self, rows: Rows, dtype: torch.dtype) -> Tensor:
        """Returns the inner products `[..., T, T]` of the rows that the method reads.

        Args:
            rows: of all micro-batches.
            dtype: in which they are multiplied, at least.
        """
        return rows.gramian(dtype=dtype)

    @abstractmethod
    def solve(self) -> None:
        """Finds the weights."""

    @abstractmethod
    def apply(self) -> None:
        """Adds the gradients to those of the step."""

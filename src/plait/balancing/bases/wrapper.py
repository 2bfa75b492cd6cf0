"""A balancer around another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plait.balancing.base import Balancer, GramianBalancer
from plait.balancing.contract.info import Info, Reread


class Around(Balancer):
    """A balancer around another one: it needs what that one does, and passes every call on.

    The inner method is a submodule, so that it is saved, copied and restored along.

    Args:
        method: the inner method.
    """

    def __init__(self, method: Balancer) -> None:
        super().__init__()
        self.method = method
        # Each declaration of the base that an object may change; its test sees when one is missing
        self.equal_weight = method.equal_weight
        self.at = method.at
        self.batches = method.batches
        self.learns = method.learns
        self.positive_losses = method.positive_losses
        self.reads_epochs = method.reads_epochs
        self.rereads = method.rereads
        self.scale_free = method.scale_free
        self.row_buffers = method.row_buffers

    def setup(self, tasks: Sequence[str]) -> None:
        """Sets up the inner method as well."""
        self.method.setup(tasks)
        super().setup(tasks)

    def after_step(self, reread: Reread | None = None) -> None:
        """Passes the end of an optimizer step on to the inner method."""
        self.method.after_step(reread)


class Wrapper(Around, GramianBalancer):
    """The base of methods that change the Gramian of another method, or its weights.

    It reads what the inner method does. A subclass overrides `weights`.

    Args:
        method: the inner method.
    """

    method: GramianBalancer

    def __init__(self, method: GramianBalancer) -> None:
        super().__init__(method)
        self.groups = method.groups
        self.exact = method.exact
        self.applied = method.applied

    def active(self, gramian: np.ndarray) -> np.ndarray:
        """Returns `[T]` of bool: True for the tasks that the inner method gives a weight to."""
        return self.method.active(gramian)

    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Returns the inner method's weights `[n]` for a Gramian `[n, n]`."""
        return self.method.solve(gramian, active, info, **draws)

"""A balancer around another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plait.balancing.base import GramianBalancer, Info, Reread


class Wrapper(GramianBalancer):
    """The base of methods that change what goes into another method, or what comes out of it.

    It reads and needs what the inner method does, and passes every call on. The inner method is a
    submodule, so that it is saved, copied and restored along. A subclass overrides `weights`.

    Args:
        method: the inner method.
    """

    def __init__(self, method: GramianBalancer) -> None:
        super().__init__()
        self.method = method
        self.equal_weight = method.equal_weight
        self.at = method.at
        self.groups = method.groups
        self.batches = method.batches
        self.applied = method.applied
        self.learns = method.learns
        self.positive_losses = method.positive_losses
        self.reads_epochs = method.reads_epochs
        self.rereads = method.rereads
        self.scale_free = method.scale_free

    def setup(self, tasks: Sequence[str]) -> None:
        """Sets up the inner method as well."""
        self.method.setup(tasks)
        super().setup(tasks)

    def after_step(self, reread: Reread | None = None) -> None:
        """Passes on to the inner method."""
        self.method.after_step(reread)

    def active(self, gramian: np.ndarray) -> np.ndarray:
        """Returns which tasks have a gradient, as the inner method sees it."""
        return self.method.active(gramian)

    def solve(
        self, gramian: np.ndarray, active: np.ndarray, info: Info, **draws: Any
    ) -> np.ndarray:
        """Returns what the inner method does."""
        return self.method.solve(gramian, active, info, **draws)

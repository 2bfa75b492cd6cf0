"""The base of methods that draw at random."""

from __future__ import annotations

from typing import Any

import numpy as np

from plait.balancing.base import Balancer
from plait.core.errors import ConfigError


class RandomBalancer(Balancer):
    """A balancer with a generator of its own, so that a resumed run draws what it would have drawn.

    The generator is NumPy's: it copies, pickles, and its state is plain numbers, in `state_dict`.

    Args:
        seed: of the generator.
    """

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()
        if seed < 0:
            raise ConfigError(f"`seed` must be an integer of at least 0; found {seed}.")
        self.seed = seed
        self.generator = np.random.default_rng(seed)

    def get_extra_state(self) -> dict[str, Any]:
        """Returns the generator's state: plain numbers, safe to load."""
        return dict(self.generator.bit_generator.state)

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Restores the generator."""
        self.generator.bit_generator.state = state

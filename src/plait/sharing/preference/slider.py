"""The preference of the present pass: drawn for each step in training, else the chosen one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from plait.networks.scheduled import Scheduled
from plait.sharing.preference.shares import Preference, shares_of

SMALLEST = 1e-30  # of a share that is drawn, whose logarithm is finite


class Slider(nn.Module, Scheduled):
    """Holds a preference of several tasks as shares, equal ones at first.

    In training mode it is the one that was drawn for the step, in eval mode the one that was
    chosen. Neither is part of the state: a step draws anew, and a choice ends.

    Args:
        tasks: their names.
        concentration: of the Dirichlet distribution that is drawn from, above 0.
        annealing: exponent of what is drawn at the end of the training, at least 0; see
            `set_progress`. None takes what is drawn.
    """

    drawn: Tensor
    chosen: Tensor

    def __init__(
        self, tasks: Sequence[str], concentration: float = 1.0, annealing: float | None = None
    ) -> None:
        super().__init__()
        self.tasks = tuple(tasks)
        self.concentration = concentration
        self.annealing = annealing
        self._factors = dict.fromkeys(tasks, 1 / max(len(tasks), 1))
        equal = torch.tensor(list(self._factors.values()))
        self.register_buffer("drawn", equal, persistent=False)
        self.register_buffer("chosen", equal.clone(), persistent=False)

    def set_progress(self, progress: float) -> None:
        """Draws the preference of the next step from the global generator of the CPU.

            lambda = u,    or    lambda_t = u_t^k / sum_s u_s^k,  k = annealing progress

        with u of the Dirichlet distribution. With annealing it is equal for all tasks at the begin
        of the training, and ever nearer to a single task.
        """
        law = torch.full((len(self.tasks),), self.concentration, dtype=torch.float64)
        shares = torch.distributions.Dirichlet(law, validate_args=False).sample()
        if self.annealing is not None:
            shares = (self.annealing * progress * shares.clamp_min(SMALLEST).log()).softmax(0)
        self._factors = dict(zip(self.tasks, shares.tolist(), strict=True))
        self.drawn = shares.to(self.drawn)

    @contextmanager
    def at(self, preference: Preference) -> Iterator[None]:
        """Chooses a preference for a while.

        Raises:
            ConfigError: see `shares_of`.
        """
        shares = shares_of(preference, self.tasks)
        before = self.chosen
        self.chosen = torch.tensor(list(shares.values()), dtype=torch.float64).to(before)
        try:
            yield
        finally:
            self.chosen = before

    def forward(self) -> Tensor:
        """Returns the shares of the present pass, `[tasks]`."""
        return self.drawn if self.training else self.chosen

    def factors(self) -> dict[str, float]:
        """Returns `{task: share of its loss in the step}`; empty in eval mode."""
        return self._factors if self.training else {}

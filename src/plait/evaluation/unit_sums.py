"""One metric on resamples, from the sums that it keeps of each unit."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from plait.evaluation.meter import Meter


class UnitSums:
    """The sums that a metric keeps (its states in torchmetrics), for each unit.

    A resample's sums are those of its units, each as often as it was drawn: the metric reads every
    example once, and not once for each resample.

    Args:
        meter: of the metric, with `sums`.
    """

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self._units: list[int] = []
        self._states: list[dict[str, Tensor]] = []

    def add(self, unit: int, prediction: Any, target: Any) -> None:
        """Adds examples of a unit, as the task selects them; more may follow."""
        self.meter.reset()
        self.meter.update(prediction, target)
        state = self.meter.state()
        if state:
            self._units.append(unit)
            self._states.append({name: each.clone() for name, each in state.items()})

    def compute(self, counts: Tensor) -> list[float]:
        """Returns the metric on each resample.

        Args:
            counts: how often each resample has each unit, `[B, units]`.
        """
        drawn = counts[:, self._units]  # [B, pieces]
        names = self._states[0] if self._states else ()
        totals = {name: self._totals(name, drawn) for name in names}
        found = []
        for resample, some in enumerate((drawn > 0).any(dim=1).tolist()):
            own = {name: each[resample] for name, each in totals.items()} if some else {}
            self.meter.load(own)
            found.append(self.meter.compute())
        return found

    def _totals(self, name: str, drawn: Tensor) -> Tensor:
        """Returns `[B, ...]`, in the dtype of the state: a metric counts in whole numbers."""
        states = torch.stack([state[name] for state in self._states])
        totals = drawn @ states.reshape(len(states), -1).to(drawn.dtype)
        return totals.to(states.dtype).reshape(-1, *states.shape[1:])

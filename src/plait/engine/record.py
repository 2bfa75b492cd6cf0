"""What one call of `plait.backward` did, and what it remembers for the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from plait.engine.learned import LearnedWeights
from plait.gradients import Layout, RowBuffer, Scratch


@dataclass(frozen=True)
class Record:
    """What one call did.

    Attributes:
        tasks: the tasks present, in the order of everything below.
        losses: their losses, `[T]`.
        weights: what each task's gradient counted, `[T]`; None for a method without weights. That
            of a task that moves no shared parameter is the one of equal weighting. With parameter
            groups, their mean over the groups.
        norms: lengths of the tasks' gradients where the method reads them, `[T]`; None where they
            were not formed.
        cosines: cosines between them, `[T, T]`; None where they were not formed.
        flag: what was out of the ordinary, such as a Pareto-stationary point; None if nothing.
        skipped: why the step is to be skipped (``nonfinite="skip"``); None if it is not. `.grad`
            is then as it was before.
        reused: the weights are those of an earlier step (`every`).
    """

    tasks: tuple[str, ...]
    losses: np.ndarray
    weights: np.ndarray | None = None
    norms: np.ndarray | None = None
    cosines: np.ndarray | None = None
    flag: str | None = None
    skipped: str | None = None
    reused: bool = False


@dataclass
class Memory:
    """What lives across calls.

    Attributes:
        rows: the row buffer, with what was learned of the graph.
        scratch: the memory of the route by layers, and of rows at the features.
        learned: watches that the balancer's learned weights move.
        weights: `{task: weight}` that the method last gave, for `every`.
        age: steps that these weights have served.
        skipped: steps that were skipped because something was not finite.
    """

    rows: RowBuffer = field(default_factory=RowBuffer)
    scratch: Scratch = field(default_factory=Scratch)
    learned: LearnedWeights = field(default_factory=LearnedWeights)
    weights: dict[str, float] = field(default_factory=dict)
    age: int = 0
    skipped: int = 0

    def name_shared(self, shared: Sequence[Tensor]) -> None:
        """Takes the shared parameters that the caller names, unless they are known as such."""
        given = self.rows.layout.given
        if given is None or list(map(id, given)) != list(map(id, shared)):
            self.rows = RowBuffer(Layout(given=shared))

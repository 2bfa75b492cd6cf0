"""Rows of several independent batches."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from plait.engine.evidence import read
from plait.engine.gathered import ROWS
from plait.engine.micro_batch import MicroBatch
from plait.engine.passes import known_pass
from plait.engine.routes.rows import GramianOfRows
from plait.engine.weights import bound, gramian_weights


class SeveralBatches(GramianOfRows):
    """For a method that reads ``A = J_1 J_2^T``, the inner products of two independent batches.

    The direction is ``sum_b applied_b J_b^T w``. A third batch needs no rows: w is found when it
    comes, so that it takes one backward pass.
    """

    local = True  # the gradients of a third batch

    passes = "2 T, a row for each task in two batches; 1 for a third batch"

    def add(self, micro: MicroBatch) -> None:
        """Adds rows of the first two batches, and differentiates a third one by their weights."""
        if micro.batch < ROWS:
            super().add(micro)
            return
        if not self.step.weights:
            self.settle()
            self._find_weights()
        known_pass(self.step, micro, self.balancer.applied[micro.batch])

    def solve(self) -> None:
        """Solves on the host, unless a third batch has come."""
        if not self.step.weights:
            self._find_weights()
        if len(self.balancer.applied) == ROWS:
            self.step.bound = bound(self.step, self.weights) * max(1.0, *map(abs, self._factors()))

    def apply(self) -> None:
        """Adds up the rows of each batch by their weights and its factor."""
        for batch, factor in enumerate(self._factors()):
            if factor:
                self.step.collect(
                    self.rows.buffers[batch].combine(
                        factor * self.weights, extreme=self.step.extreme
                    )
                )
                self.step.collect_own(self.rows.own(batch), factor)

    def _find_weights(self) -> None:
        lengths = torch.stack([self.rows.lengths(batch) for batch in range(ROWS)])
        read(self.step, self._own(), rows=lengths)
        self.weights = gramian_weights(self.step, self.balancer, self.rows.jacobian().dtype)

    def _factors(self) -> tuple[float, ...]:
        return self.balancer.applied[:ROWS]

    def _own(self) -> Iterator[tuple[Tensor, str, Tensor]]:
        for batch in range(ROWS):
            yield from self.rows.own(batch)

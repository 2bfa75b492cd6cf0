"""Batches of one example, on which batch normalisation cannot train."""

from __future__ import annotations

from collections.abc import Sequence

from plait.core.batch import Batch, Part
from plait.core.errors import DataError
from plait.core.structure import PerTask, tensors

SAID = "Expected more than 1 value per channel when training"  # by torch's batch normalisation


def refuse_single(error: ValueError, batches: Sequence[Batch], *, epoch: int, before: int) -> None:
    """Raises `DataError` that names the batch, if `error` is that of batch normalisation.

    Args:
        error: came out of a forward pass in training mode.
        batches: of the step.
        epoch: of the step, from 0.
        before: batches of the epoch that earlier steps have used.
    """
    if SAID not in str(error):
        return
    for position, batch in enumerate(batches):
        for whose in (found for part in batch.parts if (found := _single(part)) is not None):
            raise DataError(
                f"batch {before + position + 1} of epoch {epoch + 1} has one example{whose}, and "
                "batch normalisation cannot train on one alone. Use `drop_last=True` in the "
                "loader, another batch size, or a normalisation of each example."
            ) from error


def _single(part: Part) -> str | None:
    """Returns whose example is alone, with inputs that differ by task; None if none is."""
    if not isinstance(part.inputs, PerTask):
        return "" if part.examples == 1 else None
    alone = [task for task, labels in part.targets.items() if len(next(tensors(labels))) == 1]
    return f" of task {alone[0]!r}" if alone else None

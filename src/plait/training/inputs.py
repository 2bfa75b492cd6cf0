"""Inputs of a step that are not finite, looked for once a loss has failed."""

from __future__ import annotations

from collections.abc import Sequence

from plait.core.batch import Batch
from plait.core.structure import tensors


def broken_inputs(batches: Sequence[Batch], *, epoch: int, before: int) -> str:
    """Returns a sentence that names the first batch whose inputs have NaN or infinity; "" if none.

    Args:
        batches: of the step.
        epoch: of the step, from 0.
        before: batches of the epoch that earlier steps have used.
    """
    for position, batch in enumerate(batches):
        for found in tensors([part.inputs for part in batch.parts]):
            rows = found.reshape(len(found), -1) if found.dim() else found.reshape(1, 1)
            broken = (~rows.isfinite()).any(dim=1)
            if bool(broken.any()):
                return (
                    f" The inputs of batch {before + position + 1} of epoch {epoch + 1} are not "
                    f"finite: {int(broken.sum())} of {len(rows)} examples have NaN or infinity."
                )
    return ""

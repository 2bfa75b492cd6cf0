"""Errors of a step that say which batch they are of; inputs that are not finite are named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from plait.core.batch import Batch
from plait.core.errors import NonFiniteError
from plait.core.structure import tensors
from plait.training.single import refuse_single
from plait.training.state import State


@contextmanager
def located(batches: Sequence[Batch], state: State) -> Iterator[None]:
    """Adds the step to an error that is not finite, and the batch whose inputs are the reason.

    Args:
        batches: of the step.
        state: before it.

    Raises:
        NonFiniteError: came out of the step.
        DataError: a batch of one example, on which batch normalisation cannot train.
    """
    at = {"epoch": state.epoch, "before": state.batch}
    try:
        yield
    except NonFiniteError as error:
        text = f"step {state.step + 1}: {error}{broken_inputs(batches, **at)}"
        raise NonFiniteError(text) from None
    except ValueError as error:
        refuse_single(error, batches, **at)
        raise


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

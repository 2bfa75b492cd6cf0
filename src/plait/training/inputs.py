"""Errors of a step that say which batch they are of; inputs that are not finite are named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor

from plait.core.batch import Batch
from plait.core.errors import DataError, NonFiniteError
from plait.core.structure import tensors
from plait.distributed import ranks
from plait.training.single import refuse_single
from plait.training.state import State


@contextmanager
def located(batches: Sequence[Batch], state: State) -> Iterator[None]:
    """Adds the step to an error that is not finite, and the batch whose inputs are the reason.

    To an error about the data it adds the source of a mixture that the step has read.

    Args:
        batches: of the step.
        state: before it.

    Raises:
        NonFiniteError: came out of the step.
        DataError: came out of the step, or a batch of one example, on which batch normalisation
            cannot train.
    """
    try:
        yield
    except NonFiniteError as error:
        here, of = ranks(), f"epoch {state.epoch + 1}"
        whose = "The" if here.alone else f"In the part of process {here.rank} (from 0), the"
        told = here.gather(broken_inputs(batches, before=state.batch, of=of, whose=whose))
        text = f"step {state.step + 1}: {error}{next(filter(None, told), '')}"
        raise NonFiniteError(text, error.tasks) from None
    except DataError as error:
        sources = dict.fromkeys(part.source for batch in batches for part in batch.parts)
        if not any(sources):
            raise
        raise DataError(f"source {', '.join(map(repr, sources))}: {error}") from error
    except ValueError as error:
        refuse_single(error, batches, epoch=state.epoch, before=state.batch)
        raise


def broken_inputs(batches: Sequence[Batch], *, before: int, of: str, whose: str = "The") -> str:
    """Returns a sentence that names the first batch whose inputs have NaN or infinity; "" if none.

    The entry that it names is the first infinite one, if there is any: NaN may be a missing value,
    which some encoders read.

    Args:
        batches: that were read.
        before: how many were read before them.
        of: what they are batches of, such as "epoch 1".
        whose: what the sentence begins with.
    """
    for position, batch in enumerate(batches):
        for found in tensors([part.inputs for part in batch.parts]):
            rows = found.reshape(len(found), -1) if found.dim() else found.reshape(1, 1)
            broken = (~rows.isfinite()).any(dim=1)
            if bool(broken.any()):
                return (
                    f" {whose} inputs of batch {before + position + 1} of {of} are not finite: "
                    f"{int(broken.sum())} of {len(rows)} examples have NaN or infinity, the first "
                    f"{_place(found)}."
                )
    return ""


def _place(inputs: Tensor) -> str:
    """Returns the place and the value of the first entry that is not finite."""
    infinite = inputs.isinf()
    wrong = infinite if bool(infinite.any()) else ~inputs.isfinite()
    index = wrong.nonzero()[0].tolist()
    value = inputs[tuple(index)].item()
    where = f"in row {index[0]}, column {index[1]}" if len(index) == 2 else f"at {index}"
    return f"{where} (counted from 0): {value}"

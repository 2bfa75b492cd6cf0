"""Several processes before their first step: they read parts of the same data."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.utils.data import DistributedSampler

from plait.core.errors import DataError
from plait.data.epoch_batches import EpochBatches
from plait.data.passes import Passes, batches_in
from plait.distributed import ranks
from plait.distributed.shards import is_sharded
from plait.training.feed import check_loader


def check_loaders(train: Any, val: Any, epochs: int, model: nn.Module) -> None:
    """Checks that loaders give batches in each epoch anew, and that processes can share them.

    Args:
        train: in several processes a loader of plait, which divides each batch among them, or one
            of your own, which gives each its part, as with torch's `DistributedSampler`.
        val: is read by rank 0 alone, whole; may be None.
        epochs: how often they will be gone through.
        model: is trained; where it is sharded, each process needs an example of each batch.

    Raises:
        DataError: see `check_loader`; a loader of your own has other numbers of batches in the
            processes, or no sampler that gives parts; `val` has one that does; a last batch has
            fewer examples than there are processes that hold parts of the model.
    """
    check_loader(train, epochs, "training")
    if val is not None:
        check_loader(val, epochs, "validation")
    here = ranks()
    if here.alone:
        return
    if isinstance(getattr(val, "sampler", None), DistributedSampler):
        raise DataError(
            "the validation data are read whole, by rank 0. Give a loader without "
            "`DistributedSampler`."
        )
    if Passes(train, 0).divides:
        last = _last_batch(train)
        if is_sharded(model) and 0 < last < here.size:
            raise DataError(
                f"the last batch of an epoch has {last} of the examples, and {here.size} processes "
                "that hold parts of the model need one each. Use another batch size, `drop_last`, "
                "or parallel='replicate'."
            )
        return
    if not isinstance(getattr(train, "sampler", None), DistributedSampler):
        raise DataError(
            f"a {type(train).__name__} would give each of {here.size} processes all of its "
            "batches. Use `plait.data.loader`, which divides each batch among them, or a loader "
            "with torch's `DistributedSampler`, whose batches are parts."
        )
    found = here.gather(batches_in(train))
    if len(set(found)) > 1:
        raise DataError(
            f"all processes take the same steps, but their loaders have {found} batches. Use a "
            "`DistributedSampler` with the same data and batch size in each."
        )


def _last_batch(loader: Any) -> int:
    """Returns the examples in the last batch of an epoch; 0 if it is full, or nobody can tell."""
    batches = getattr(loader, "batch_sampler", None)
    return batches.size % batches.batch_size if isinstance(batches, EpochBatches) else 0

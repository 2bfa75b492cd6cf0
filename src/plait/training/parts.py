"""Several processes before their first step: they read parts of the same data."""

from __future__ import annotations

from typing import Any

from torch.utils.data import DistributedSampler

from plait.core.errors import DataError
from plait.data.passes import Passes, batches_in
from plait.distributed import ranks
from plait.training.feed import check_loader


def check_loaders(train: Any, val: Any, epochs: int) -> None:
    """Checks that loaders give batches in each epoch anew, and that processes can share them.

    Args:
        train: in several processes a loader of plait, which divides each batch among them, or one
            of your own, which gives each its part, as with torch's `DistributedSampler`.
        val: is read by rank 0 alone, whole; may be None.
        epochs: how often they will be gone through.

    Raises:
        DataError: see `check_loader`; a loader of your own has other numbers of batches in the
            processes, or no sampler that gives parts; `val` has one that does.
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

"""Loaders that know the epoch, and begin it at any of its batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Resumable(Protocol):
    """A loader whose next pass can begin at any batch of any epoch.

    `Trainer.fit` calls `start_at` before each pass, so that the order may be a function of the
    epoch, and a run that is resumed inside an epoch goes on where it stopped.

    Attributes:
        seeks: whether the batches that are left out have no effect on those that follow. Where they
            have, as with random transforms that draw one after the other, `start_at` is called with
            0, and they are read and dropped.

    One that seeks, and draws from generators of its own alone, may say so by an attribute
    ``seeds_itself = True``: nobody then seeds the global ones for each of its batches.
    """

    seeks: bool

    def start_at(self, epoch: int, skip: int) -> None:
        """Says where the next pass begins.

        Args:
            epoch: its number, from 0.
            skip: how many batches of it are left out.
        """

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Any]: ...

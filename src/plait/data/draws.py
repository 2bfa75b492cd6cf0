"""An example of an epoch: the index of data sets whose examples change from epoch to epoch."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch.utils.data import ConcatDataset, Dataset, Subset

from plait.core.errors import ConfigError


class Draw(NamedTuple):
    """One example of one epoch.

    A data set whose examples change from epoch to epoch says so with an attribute
    ``takes_draws = True``; the loaders of plait then ask it for ``dataset[Draw(index, epoch)]``.
    All other data sets are asked for ``dataset[index]``, with whole numbers.

    Attributes:
        index: position in the data set.
        epoch: how often the data have been gone through before, from 0.
    """

    index: int  # type: ignore[assignment] # hides tuple.index, which nobody asks of a draw
    epoch: int


def takes_draws(dataset: Dataset[Any]) -> bool:
    """Tells whether a data set is asked for draws, or for whole numbers.

    Raises:
        ConfigError: a subset or a chain of torch's hides a data set that takes draws: it would
            see epoch 0 in every epoch.
    """
    for inner in _inside(dataset):
        if takes_draws(inner):
            outer, own = type(dataset).__name__, type(inner).__name__
            raise ConfigError(
                f"{outer} hands whole numbers on, so {own} in it would give the same view of an "
                f"example in every epoch. Put {own} around {outer}."
            )
    return bool(getattr(dataset, "takes_draws", False))


def _inside(dataset: Dataset[Any]) -> list[Dataset[Any]]:
    if isinstance(dataset, Subset):
        return [dataset.dataset]
    return list(dataset.datasets) if isinstance(dataset, ConcatDataset) else []

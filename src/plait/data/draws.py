"""An example of an epoch: the index that the loaders of plait give to a data set."""

from __future__ import annotations

from typing import NamedTuple


class Draw(NamedTuple):
    """One example of one epoch.

    Attributes:
        index: position in the data set.
        epoch: how often the data have been gone through before, from 0.
    """

    index: int  # type: ignore[assignment] # hides tuple.index, which nobody asks of a draw
    epoch: int


def index_of(draw: Draw | int) -> int:
    """Returns the position that a draw, or a plain index, stands for."""
    return draw.index if isinstance(draw, Draw) else draw

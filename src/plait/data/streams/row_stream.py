"""Rows of which nobody knows the number, encoded while they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from plait.core.errors import DataError
from plait.core.extras import need
from plait.data.hugging_face import named
from plait.data.streams.pieces import Piece, Stream

if TYPE_CHECKING:
    import pandas as pd


class RowStream(Stream):
    """Rows ``{column: cell}`` of any iterable, such as a streaming data set of Hugging Face.

    They are encoded as those of a table that is described before: by rows that fit into memory.
    Their order is that of the iterable, shuffled in the loader's buffer. If it has `set_epoch`, it
    is told the epoch; a run that is resumed inside an epoch reads the epoch from its beginning.

    Args:
        rows: yields rows, anew each time that it is iterated; class numbers of Hugging Face become
            names.
        encode: makes a map-style data set of some rows, called with a frame and a name for
            messages, such as `plait.recipes.Table(...).encoded`.
        name: of the rows, for messages.
    """

    seeks = False
    together: ClassVar[int] = 1_024  # rows of a piece

    def __init__(
        self,
        rows: Iterable[Mapping[str, Any]],
        encode: Callable[[pd.DataFrame, str], Any],
        *,
        name: str = "the stream",
    ) -> None:
        self.rows = rows
        self.encode = encode
        self.name = name

    def pieces(self, epoch: int, order: torch.Generator | None) -> Iterator[Piece]:
        """Yields pieces of 1,024 rows, each read before it is yielded."""
        pd = need("pandas", extra="app", purpose="Reading tables")
        tell: Any = getattr(self.rows, "set_epoch", None)
        if tell is not None:
            tell(epoch)
        features: Any = getattr(self.rows, "features", None) or {}
        rows, before = iter(self.rows), 0
        while block := list(islice(rows, self.together)):
            if not isinstance(block[0], Mapping):
                raise DataError(
                    f"{self.name} must yield rows {{column: cell}}; found "
                    f"{type(block[0]).__name__}."
                )
            index = pd.RangeIndex(before, before + len(block))
            before += len(block)
            frame = named(pd.DataFrame(block, index=index), features)
            yield Piece(len(block), partial(self.encode, frame, self.name))

"""Several data sets as one, for what goes through examples one by one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sized
from itertools import accumulate
from typing import Any, cast

from torch.utils.data import Dataset, IterableDataset

from plait.core.errors import DataError


class DataSets(Dataset[Any]):
    """Several data sets, by the name of their source: what `Mixture` is made of.

    As a data set it is their examples, those of the first source first. Without a length if one of
    them is a stream.

    Args:
        by_source: `{source: data set}`.
        keyed: whether inputs are handed on as ``{source: inputs}``; no by default.

    Attributes:
        by_source: `{source: data set}`.
        keyed: whether inputs are handed on as ``{source: inputs}``.

    Example:
        >>> data = DataSets({"a": [(1, {"y": 0})], "b": [(2, {"y": 1}), (3, {"y": 1})]}, keyed=True)
        >>> len(data), data[1]
        (3, ({'b': 2}, {'y': 1}))
    """

    def __init__(self, by_source: Mapping[str, Any], *, keyed: bool = False) -> None:
        self.by_source = dict(by_source)
        self.keyed = keyed

    @property
    def streamed(self) -> list[str]:
        """The sources of which no example can be taken alone."""
        return [name for name, d in self.by_source.items() if isinstance(d, IterableDataset)]

    def source_of(self, index: int) -> tuple[str, int]:
        """Returns the source of an example, and its place there."""
        ends = list(accumulate(len(cast(Sized, each)) for each in self.by_source.values()))
        index = range(ends[-1])[index]  # -1 is the last one
        place = bisect_right(ends, index)
        return list(self.by_source)[place], index - ([0, *ends][place])

    def __len__(self) -> int:
        if self.streamed:
            raise DataError(f"source {self.streamed[0]!r} is a stream, which has no length.")
        return sum(len(cast(Sized, each)) for each in self.by_source.values())

    def __getitem__(self, index: int) -> Any:
        source, place = self.source_of(index)
        inputs, targets = self.by_source[source][place]
        return ({source: inputs} if self.keyed else inputs), targets

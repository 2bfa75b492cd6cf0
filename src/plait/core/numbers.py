"""Numbers by name, as one array."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from plait.core.names import Names


class Numbers(Mapping[str, float]):
    """`{name: number}`, of an array `[n]`; nothing is done name by name but for who asks so.

    Args:
        names: n of them, in the order of the array.
        array: float64; it is not copied.

    Example:
        >>> numbers = Numbers(Names("ab"), np.array([1.0, 2.0]))
        >>> numbers, numbers["b"], numbers.of(("b", "c", "a")).tolist()
        ({'a': 1.0, 'b': 2.0}, 2.0, [2.0, 1.0])
    """

    def __init__(self, names: Names, array: np.ndarray) -> None:
        self.names = names
        self.array = array

    def __getitem__(self, name: str) -> float:
        return float(self.array[self.names.place[name]])

    def __contains__(self, name: object) -> bool:
        return name in self.names.place

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return repr(self.plain())

    def plain(self) -> dict[str, float]:
        """Returns them as a dict."""
        return dict(zip(self.names, self.array.tolist(), strict=True))

    def of(self, names: Sequence[str]) -> np.ndarray:
        """Returns the numbers of those names that have one, in the order of the names."""
        if names is self.names or names == self.names:
            return self.array
        place = self.names.place
        return self.array[[place[name] for name in names if name in place]]

    def plus(self, other: Numbers) -> Numbers:
        """Returns the sums by name; a number that the other one does not have stays as it is.

        Example:
            >>> one, other = Numbers(Names("ab"), np.ones(2)), Numbers(Names("cb"), np.ones(2))
            >>> one.plus(other)
            {'a': 1.0, 'b': 2.0, 'c': 1.0}
        """
        if other.names == self.names:
            return Numbers(self.names, self.array + other.array)
        total = added([self.plain(), other.plain()])
        return Numbers(Names(total), np.array(list(total.values()), dtype=np.float64))


NO_NUMBERS = Numbers(Names(), np.zeros(0))


def added(many: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Returns the sums by name, in the order in which the names come first.

    Example:
        >>> added([{"a": 1.0}, {"b": 2.0, "a": 3.0}])
        {'a': 4.0, 'b': 2.0}
    """
    total: dict[str, float] = {}
    for numbers in many:
        for name, number in numbers.items():
            total[name] = total.get(name, 0.0) + number
    return total

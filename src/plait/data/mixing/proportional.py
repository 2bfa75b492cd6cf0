"""Shares as the sources are large."""

from __future__ import annotations

from plait.data.mixing.base import Sizes, known_examples
from plait.data.mixing.bases.drawn import Drawn


class Proportional(Drawn):
    """Draws sources by their sizes, as if all examples lay in one data set.

        p_i = n_i / N

    n_i are the examples of source i, N those of all. An epoch has, in the mean, each source once.

    Example:
        >>> from plait.data.mixing.base import Size
        >>> Proportional().shares_of({"a": Size(300, 10, 30), "b": Size(100, 10, 10)})
        {'a': 0.75, 'b': 0.25}
    """

    def shares_of(self, sizes: Sizes) -> dict[str, float]:
        """Returns n_i / N."""
        examples = known_examples(self, sizes)
        total = sum(examples.values())
        return {name: count / total for name, count in examples.items()}

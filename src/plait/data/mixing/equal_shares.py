"""The same share for each source."""

from __future__ import annotations

from plait.data.mixing.base import Sizes
from plait.data.mixing.bases.drawn import Drawn


class EqualShares(Drawn):
    """Draws sources so that each gives as many examples as the others.

        p_i = 1 / S

    S is the number of sources. Small ones are gone through many times in an epoch.

    Example:
        >>> from plait.data.mixing.base import Size
        >>> EqualShares().shares_of({"a": Size(300, 10, 30), "b": Size(None, None, 10)})
        {'a': 0.5, 'b': 0.5}
    """

    def shares_of(self, sizes: Sizes) -> dict[str, float]:
        """Returns 1 / S."""
        return dict.fromkeys(sizes, 1 / len(sizes))

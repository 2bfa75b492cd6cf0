"""Places that are evenly spaced over a whole."""

from __future__ import annotations


def spaced(total: int, count: int) -> list[int]:
    """Returns at most `count` evenly spaced numbers below `total`, the first of which is 0.

    Example:
        >>> spaced(10, 4), spaced(2, 4)
        ([0, 2, 5, 7], [0, 1])
    """
    count = min(count, total)
    return [place * total // count for place in range(count)]

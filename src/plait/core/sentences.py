"""Names as words of a sentence."""

from __future__ import annotations

from collections.abc import Sequence

MOST_NAMES = 6
"""The most names that a sentence has."""


def listed(names: Sequence[str], most: int | None = None) -> str:
    """Returns names as words of a sentence; with `most`, of more names the first and a number.

    Example:
        >>> listed(["digit", "mask", "centre"])
        'digit, mask and centre'
        >>> listed(["digit", "mask", "centre"], most=2), listed(["digit"]), listed([])
        ('digit, mask and 1 more', 'digit', '')
    """
    if most is not None and len(names) > most:
        names = [*names[:most], f"{len(names) - most} more"]
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))

"""Patterns that stand for many columns of like names, such as `fp_*`."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

FEWEST = 10  # columns of like names, from which a pattern is easier to read
_NUMBERED = re.compile(r"(.*?)(\d+)")


def pattern_of(names: Sequence[str], others: Collection[str]) -> str | None:
    """Returns a pattern that fits exactly the given names; None where there is none.

    Args:
        names: of columns, such as fp_0, fp_1, ...
        others: names that the pattern must not fit.
    """
    prefix = stem(names[0])
    if prefix is None or any(sign in prefix for sign in "*?[]"):
        return None
    for pattern in (f"{prefix}*", f"{prefix}[0-9]*"):
        alone = pattern not in {*names, *others}
        if alone and not any(fnmatchcase(other, pattern) for other in others):
            return pattern
    return None


def stem(name: str) -> str | None:
    """Returns a name without the number at its end; None if it ends with none."""
    found = _NUMBERED.fullmatch(name)
    return found[1] if found else None


def fitting_columns(name: str, known: Sequence[str]) -> list[str]:
    """Returns the column of a name, or where there is none the columns that fit it as a pattern.

    Example:
        >>> fitting_columns("a*", ["a1", "a2", "b"]), fitting_columns("a*", ["a1", "a*"])
        (['a1', 'a2'], ['a*'])
    """
    return [name] if name in known else [each for each in known if fnmatchcase(each, name)]

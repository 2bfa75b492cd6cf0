"""The names of a table's columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from plait.core.errors import DataError


def check_names(names: Sequence[str], source: str) -> None:
    """Raises `DataError` for two columns of one name, and for a column without a name."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"{source} has several columns of the name {twice[0]!r}. Rename all but one."
        )
    if "" in names:
        raise DataError(f"column {names.index('') + 1} of {source} has no name. Give it one.")

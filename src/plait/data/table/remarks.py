"""A few words on what a column holds, for the one who looks at a table for the first time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.columns import MEDIA
from plait.data.table.dates import parse_dates
from plait.data.table.described import PLACED
from plait.data.table.kinds import Guess
from plait.data.table.twins import hashable

if TYPE_CHECKING:
    import pandas as pd

MOST_FREQUENT = 3  # values that are named
LONGEST = 24  # characters of a value that are shown
FEW_VALUES = 20  # up to so many different numbers could be classes
POSITIVE = ("1", "1.0", "yes", "true", "y", "t")


def remark(series: pd.Series[Any], found: Guess) -> str:
    """Returns the range or the most frequent values of a column, and how much of it is missing.

    Args:
        series: the column, as it was read.
        found: its guess.

    Example:
        >>> import pandas as pd
        >>> remark(pd.Series([3, 9, 3, None]), Guess("number"))
        '3 to 9, 25 % missing'
    """
    cells = series.mask(series.isin(found.missing)) if found.missing else series
    present = cells.dropna()
    words = [found.reason] if found.reason else []
    if len(present):
        words.append(_on_values(present, found))
    missing = 1 - len(present) / max(1, len(series))
    if missing:
        words.append(f"{percent(missing)} missing")
    if found.missing:
        words.append(f"missing where it says {' or '.join(map(shown, found.missing))}")
    return ", ".join(word for word in words if word)


def number_of_values(series: pd.Series[Any], found: Guess) -> int:
    """Counts the different values of a column, missing ones left out."""
    values = hashable(series).drop_duplicates().dropna()
    values = values.map(lambda cell: cell.strip() if isinstance(cell, str) else cell)
    return int((~values.drop_duplicates().isin(["", *found.missing])).sum())


def percent(share: float) -> str:
    """Returns a share in percent, such as "24 %", "0.9 %" or "under 0.1 %"."""
    if 0 < share < 0.001:
        return "under 0.1 %"
    rounded = f"{100 * share:.0f}" if 0.1 <= share <= 0.99 or share == 1 else f"{100 * share:.2g}"
    return f"{'over 99.9' if share < 1 and float(rounded) >= 100 else rounded} %"


def shown(value: object) -> str:
    """Returns a value as one short line without control characters."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _on_values(present: pd.Series[Any], found: Guess) -> str:
    if found.kind == "number":
        return _range(present, found)
    if found.kind == "date":
        moments = parse_dates(present, found.format)
        days = [f"{moment:%Y-%m-%d}" for moment in (moments.min(), moments.max())]
        return f"{days[0]} to {days[1]}"
    if found.kind == "yes/no":
        yes = present.astype(str).str.strip().str.lower().isin(POSITIVE).mean()
        return f"{percent(float(yes))} yes"
    if found.kind == "numbers":
        return "numbers in each cell"
    if found.kind in (*MEDIA, *PLACED):
        return ""
    if found.kind == "tags":
        return _frequent(_tags(present, found.separator), len(present), "tags")
    return _frequent(present.astype(str).str.strip(), len(present), "values")


def _range(present: pd.Series[Any], found: Guess) -> str:
    import pandas as pd

    numbers = pd.to_numeric(present, errors="coerce").dropna()
    words = f"{_number(numbers.min())} to {_number(numbers.max())}" if len(numbers) else ""
    return f"{words}, with bounds such as >10" if found.bounded else words


def _number(value: float) -> str:
    whole = float(value).is_integer() and abs(value) < 1e15
    return (
        f"{int(value):,}"
        if whole
        else np.format_float_positional(np.float64(f"{value:.4g}"), trim="-")
        if 1e-4 < abs(value) < 1e9
        else f"{value:.3g}"
    )


def _tags(present: pd.Series[Any], separator: str) -> pd.Series[Any]:
    lists = present.str.split(separator) if separator else present
    tags = lists.explode().dropna().astype(str).str.strip()
    return tags[tags != ""]


def _frequent(words: pd.Series[Any], rows: int, noun: str) -> str:
    """Returns the most frequent of the words, with the share of rows that have them."""
    counts = words.value_counts()
    named: Sequence[str] = [
        f"{shown(word)} {percent(count / rows)}"
        for word, count in counts.iloc[:MOST_FREQUENT].items()
    ]
    few = len(counts) <= MOST_FREQUENT
    return ", ".join(named) if few else f"{len(counts):,} {noun}: {', '.join(named)}, ..."

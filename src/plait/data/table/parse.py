"""Cells of a column to numbers and words; what cannot be read is named with its row."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]

LONGEST = 16 * 2**20  # characters of a cell
LARGEST = float(np.finfo(np.float32).max)
SHOWN = 40  # characters of a cell in a message
BOUNDED = re.compile(r"\s*(<=?|>=?)\s*(.+)")
DATE_NUMBERS = 7  # that a date becomes
DAYS_OF_YEAR = 365.2425


def numbers(
    column: pd.Series[Any],
    absent: Collection[str] = (),
    *,
    least: float = -np.inf,
    source: str = "",
) -> Array:
    """Reads numbers: `[N]`, float64, NaN where a cell is missing.

    Args:
        column: numbers, booleans, or words that are numbers.
        absent: words that say that a value is missing.
        least: the smallest that may be.
        source: the table, for messages.

    Raises:
        DataError: a cell is no number, infinite, larger than float32 can hold, or less than
            `least`.
    """
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        found = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        plain = _without(column, absent)
        read = pd.to_numeric(plain, errors="coerce")
        _refuse((read.isna() & plain.notna()).to_numpy(), column, "a number", source)
        found = read.to_numpy(dtype=np.float64, na_value=np.nan)
    _refuse(np.isinf(found), column, "finite", source)
    _refuse(np.abs(found) > LARGEST, column, f"at most {LARGEST:.1e} in size", source)
    _refuse(found < least, column, f"at least {least:g}", source)
    return found


def bounded_numbers(
    column: pd.Series[Any], absent: Collection[str] = (), *, source: str = ""
) -> Array:
    """Reads numbers and bounds, such as 3, >10 and <0.5: `[N, 2]`, the least and the greatest.

    An exact number is both, ">10" is 10 and infinity, a missing cell NaN and NaN.

    Args:
        column: numbers or words.
        absent: words that say that a value is missing.
        source: the table, for messages.

    Raises:
        DataError: a cell is neither a number nor a bound.
    """
    codes, values = words(column, absent, source=source)
    pairs = np.full((len(values) + 1, 2), np.nan)  # the last row is that of missing cells
    for place, word in enumerate(values):
        bound = BOUNDED.fullmatch(word)
        try:
            number = float(bound[2] if bound else word)
        except ValueError:
            _refuse(codes == place, column, "a number or a bound", source)
        low = -np.inf if bound and bound[1].startswith("<") else number
        pairs[place] = low, np.inf if bound and bound[1].startswith(">") else number
    return pairs[codes]


def words(
    column: pd.Series[Any], absent: Collection[str] = (), *, source: str = ""
) -> tuple[Array, list[str]]:
    """Reads words: the number of each cell's word `[N]`, -1 where it is missing, and the words.

    Whole numbers have the same word whether they are written 3 or 3.0.

    Args:
        column: of any kind.
        absent: words that say that a value is missing.
        source: the table, for messages.

    Raises:
        DataError: a cell is longer than 16 MB, or a structure.
    """
    try:
        codes, values = column.factorize()
    except TypeError:  # a cell that has no hash
        nested = column.map(lambda cell: isinstance(cell, dict | list | np.ndarray))
        _refuse(nested.to_numpy(dtype=bool), column, "a word or a number", source)
        raise
    texts = [_text(value) for value in values]
    for place, text in enumerate(texts):
        if len(text) > LONGEST:
            _refuse(codes == place, column, f"at most {LONGEST // 2**20} MB long", source)
    known: dict[str, int] = {}
    missing = {*map(str, absent), ""}
    again = [-1 if text in missing else known.setdefault(text, len(known)) for text in texts]
    return np.array([*again, -1])[codes], list(known)


def yes_or_no(found: tuple[Array, list[str]], positive: Collection[str]) -> Array:
    """Makes yes and no of `words`: `[N]`, 1 for a `positive` one, NaN where missing, else 0."""
    codes, values = found
    return np.array([*(float(word in positive) for word in values), np.nan])[codes]


def dates(
    column: pd.Series[Any], form: str = "", absent: Collection[str] = (), *, source: str = ""
) -> Array:
    """Reads dates: `[N, 7]`, NaN where missing.

    The numbers are the years since 2000, and sine and cosine of the place in the year, in the week
    (from Monday) and in the day.

    Args:
        column: dates of pandas, or words.
        form: of the words, as for `strptime`; ISO 8601 if empty.
        absent: words that say that a value is missing.
        source: the table, for messages.

    Raises:
        DataError: a cell is no date of this form.
    """
    import pandas as pd

    plain = column if pd.api.types.is_datetime64_any_dtype(column) else _without(column, absent)
    read = pd.to_datetime(plain, format=form or "ISO8601", errors="coerce", utc=True)
    wrong = (read.isna() & plain.notna()).to_numpy()
    _refuse(wrong, column, f"a date of the form {form or 'ISO 8601'}", source)
    days = ((read - pd.Timestamp("2000-01-03", tz="UTC")) / pd.Timedelta(days=1)).to_numpy()
    parts = [(days + 2) / DAYS_OF_YEAR]  # 3 January 2000 was a Monday
    for length in (DAYS_OF_YEAR, 7.0, 1.0):
        angle = 2 * np.pi * (days + (2 if length > 7 else 0)) / length
        parts += [np.sin(angle), np.cos(angle)]
    return np.stack(parts, axis=1)


def tags(
    column: pd.Series[Any],
    values: Sequence[str],
    separator: str = ";",
    absent: Collection[str] = (),
    *,
    source: str = "",
) -> Array:
    """Reads lists of words: `[N, K]`, 1 for each of the K known words that a cell has; NaN missing.

    Words that are not known count as not there.
    """
    codes, cells = _lists(column, separator, absent, source)
    place = {word: number for number, word in enumerate(values)}
    rows = np.zeros((len(cells) + 1, len(values)), dtype=np.float32)
    rows[-1] = np.nan
    for number, cell in enumerate(cells):
        for word in split_words(cell, separator):
            if word in place:
                rows[number, place[word]] = 1
    return rows[codes]


def known_tags(
    column: pd.Series[Any], separator: str = ";", absent: Collection[str] = (), *, source: str = ""
) -> dict[str, int]:
    """Counts the cells that each word of a column of lists is in."""
    codes, cells = _lists(column, separator, absent, source)
    often = np.bincount(codes[codes >= 0], minlength=len(cells))
    counts: dict[str, int] = {}
    for cell, times in zip(cells, often.tolist(), strict=True):
        for word in set(split_words(cell, separator)):
            counts[word] = counts.get(word, 0) + times
    return counts


def split_words(cell: str, separator: str) -> list[str]:
    """Returns the words of a cell, without spaces around them."""
    return [word for each in cell.split(separator) if (word := each.strip())]


def vectors(
    column: pd.Series[Any],
    separator: str = " ",
    absent: Collection[str] = (),
    *,
    length: int | None = None,
    source: str = "",
) -> Array:
    """Reads lists of numbers, all of one length: `[N, K]`, float64, NaN where a cell is missing.

    Args:
        column: lists, arrays, or words such as "[1, 2]" or "1 2".
        separator: between the numbers of a word.
        absent: words that say that a value is missing.
        length: K; that of the first cell by default.
        source: the table, for messages.

    Raises:
        DataError: a cell is no list of K numbers.
    """
    import pandas as pd

    missing = {*map(str, absent), ""}
    there = [
        not (pd.api.types.is_scalar(cell) and (cell in missing or pd.isna(cell))) for cell in column
    ]
    rows = [
        _vector(cell, separator) if here else None for cell, here in zip(column, there, strict=True)
    ]
    wanted = length or next((len(row) for row in rows if row is not None), 1)
    fits = [row is not None and len(row) == wanted for row in rows]
    _refuse(np.array(there) & ~np.array(fits), column, f"a list of {wanted} numbers", source)
    empty = np.full(wanted, np.nan)
    return np.stack([empty if row is None else row for row in rows])


def _vector(cell: Any, separator: str) -> Array | None:
    """Returns the numbers of a cell; None if it holds something else."""
    if isinstance(cell, str):
        cell = cell.strip().strip("[]()").replace(separator, " ").replace(",", " ").split()
    elif not isinstance(cell, list | tuple | np.ndarray):
        return None
    try:
        found = np.asarray(cell, dtype=np.float64)
    except (ValueError, TypeError):
        return None
    return found if found.ndim == 1 and np.isfinite(found).all() else None


def _lists(
    column: pd.Series[Any], separator: str, absent: Collection[str], source: str
) -> tuple[Array, list[str]]:
    """Reads cells as words, with lists written out."""
    if column.map(lambda cell: isinstance(cell, list | tuple | set | np.ndarray)).any():
        column = column.map(_joiner(separator))
        codes, values = column.factorize()  # an empty list is no missing one
        return codes, list(values)
    return words(column, absent, source=source)


def _joiner(separator: str) -> Callable[[Any], Any]:
    return lambda cell: (
        separator.join(map(str, cell))
        if isinstance(cell, list | tuple | set | np.ndarray)
        else cell
    )


def _without(column: pd.Series[Any], absent: Collection[str]) -> pd.Series[Any]:
    """Returns words without spaces around them, NaN where one says that its value is missing."""
    plain = column.astype(object)
    there = plain.map(lambda cell: cell.strip() if isinstance(cell, str) else cell)
    return there.where(~there.isin([*absent, ""]))


def _text(value: Any) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def row_of(column: pd.Series[Any], place: int) -> int | str:
    """Names the row of a cell for a message.

    That is its number in the table, from 1; the labels of a part or a piece of a table's rows are
    one less. A label that is no whole number is named as it is.
    """
    label: Any = column.index[place]
    return int(label) + 1 if isinstance(label, int | np.integer) else repr(label)


def _refuse(wrong: Array, column: pd.Series[Any], rule: str, source: str) -> None:
    """Raises `DataError` for the first cell that breaks a rule."""
    if not wrong.any():
        return
    place = int(wrong.argmax())
    cell = str(column.iloc[place])
    shown = cell if len(cell) <= SHOWN else f"{cell[:SHOWN]}... ({len(cell)} characters)"
    more = f", and in {int(wrong.sum()) - 1} more" if int(wrong.sum()) > 1 else ""
    raise DataError(
        f"column {column.name!r}{f' of {source}' if source else ''} must be {rule}; found "
        f"{shown!r} in row {row_of(column, place)}{more}. Correct it, give the column another "
        "kind, or list words that say that a value is missing under its `missing`."
    )

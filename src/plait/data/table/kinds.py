"""The kind of a column of a table, guessed from its values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from plait.data.table.dates import date_formats
from plait.data.table.described_inputs import InputKind
from plait.data.table.lists import (
    has_commas_in_numbers,
    listed_kind,
    numbers_separator,
    tags_separator,
)

if TYPE_CHECKING:
    import pandas as pd

GuessedKind = InputKind | Literal["mask", "map", "token tags", "exclude"]

# Words, in lower case, that stand for a missing value.
MISSING_WORDS = frozenset(
    {"", "?", "-", "--", ".", "na", "n/a", "#n/a", "<na>", "nan", "nat", "null", "none", "nil"}
    | {"missing", "unknown", "not available", "#null!", "#div/0!", "0000-00-00"}
)
# Pairs of words, in lower case, that say no and yes.
YES_NO = (("no", "yes"), ("n", "y"), ("false", "true"), ("f", "t"), ("0", "1"))
# A number of which only a bound is known, such as ">10" or "<= 0.5".
BOUND = r"[<>]=?\s*"

_FIRST_LOOK, _SAMPLE = 100, 10_000  # distinct texts that are looked at before, or in place of, all
_MANY = 20  # distinct values beyond which a column counts as measured rather than coded
_FEWEST_FOR_ID = 10  # rows below which 1, 2, 3, ... may be anything
_ID_NAME = re.compile(r"(?:(?:^|[\W_])(?i:id|ids|key|uuid|guid|index)|[a-z](?:Id|ID)|^Unnamed: 0)$")
_WITH_UNIT = re.compile(r"[^\w\s]?\s?[-+]?\d[\d.,]*\s?[^\W\d_]{0,8}[%°]?")
_WORDS_OF_A_SENTENCE = 4
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff]")
_RARE = 0.5  # share of rows whose value must occur again, for a category


@dataclass(frozen=True)
class Guess:
    """The kind of a column, guessed from its values.

    Attributes:
        kind: "number", "category", "yes/no", "date", "tags" (several words in a cell), "numbers"
            (several numbers in a cell), "text", or "exclude" for a column that nothing can be
            learnt from; see `plait.data.table.media_kinds` for those of files and lists of words.
        reason: why it is excluded, or what else was noticed; empty if nothing was.
        missing: the words that stand for a missing value, as they are written. In a category they
            are only likely to: there they are words like others, unless the user says otherwise.
        format: of a date that is text, as for `strptime`, or "ISO8601"; else empty.
        separator: between the tags or numbers of a cell that is text; else empty.
        bounded: whether some numbers are bounds such as ">10".
        more: other options with which a configuration describes it.
    """

    kind: GuessedKind
    reason: str = ""
    missing: tuple[str, ...] = ()
    format: str = ""
    separator: str = ""
    bounded: bool = False
    more: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def options(self) -> dict[str, Any]:
        """The options with which a configuration describes such a column of inputs."""
        marked = list(self.missing) if self.kind != "category" else []
        found = {"missing": marked, "format": self.format, "separator": self.separator}
        return {name: value for name, value in found.items() if value} | dict(self.more)


def guess(series: pd.Series) -> Guess:
    """Guesses what a column holds.

    Args:
        series: the values: numbers, text, true and false, moments, or lists, as
            ``pandas.read_csv(keep_default_na=False, na_values=["", "NaN", "nan"])`` gives them or
            as a user's own DataFrame has them.

    Example:
        >>> import pandas as pd
        >>> guess(pd.Series(["3.5", "?", "4", ">5"]))
        Guess(kind='number', reason='', missing=('?',), format='', separator='', bounded=True)
        >>> guess(pd.Series(["31/12/2020", "01/02/2021"])).format
        '%d/%m/%Y'
    """
    import pandas as pd

    present = series.dropna()
    if present.empty:
        return Guess("exclude", "no row has a value")
    held = pd.api.types.infer_dtype(present, skipna=True)
    if held in {"integer", "floating", "decimal", "mixed-integer-float"}:
        return _of_numbers(pd.to_numeric(present), len(series), str(series.name))
    if held == "boolean":
        return _unless_constant(Guess("yes/no"), present.astype(bool), len(series))
    if held in {"datetime64", "datetime", "date"}:
        return _unless_constant(Guess("date"), present, len(series))
    if held == "categorical":
        return _of_chosen_categories(present, len(series))
    if held == "string":
        return _of_text(present, len(series), str(series.name))
    types = set(map(type, present))
    if types <= {list, tuple, set, np.ndarray}:
        return _of_lists(present)
    if all(issubclass(each, str | int | float | np.generic) for each in types):
        return _of_text(present.map(str), len(series), str(series.name))
    return Guess("exclude", f"values of a type that is not read ({held})")


def _of_numbers(values: pd.Series, rows: int, name: str) -> Guess:
    """Returns the guess for numbers; text that stands for numbers is one already."""
    if values.isin([0, 1]).all():
        return _unless_constant(Guess("yes/no"), values, rows)
    if np.isinf(values.to_numpy(dtype=np.float64)).any():
        return Guess("exclude", "infinite numbers")
    if len(values) == rows and values.dtype.kind in "iu":
        ordered = np.sort(values.to_numpy())
        unique = bool((ordered[1:] > ordered[:-1]).all())
        counted = ordered[0] in {0, 1} and ordered[-1] - ordered[0] == rows - 1
        # rows that were taken out leave gaps
        counted |= values.is_monotonic_increasing and ordered[-1] - ordered[0] < 2 * rows
        if unique and rows >= _FEWEST_FOR_ID and (counted or _ID_NAME.search(name)):
            return Guess("exclude", "a number of its own for each row")
    return _unless_constant(Guess("number"), values, rows)


def _of_chosen_categories(values: pd.Series, rows: int) -> Guess:
    """Returns the guess for a column that its owner has made a category."""
    counts = values.astype(str).value_counts()
    words = set(counts.index.str.strip().str.lower())
    kind: GuessedKind = "yes/no" if words in map(set, YES_NO) else "category"
    return _unless_constant(Guess(kind, missing=_missing_among(counts)), values, rows)


def _of_lists(cells: pd.Series) -> Guess:
    kind, reason = listed_kind(cells)
    return Guess(kind, reason)


def _unless_constant(guess: Guess, values: pd.Series, rows: int) -> Guess:
    """Returns the guess, or "exclude" where all rows have one value.

    Where the other rows have none, whether there is a value may say something.
    """
    first = values.iloc[0]
    if not (values == first).all():
        return guess
    if len(values) == rows:
        return Guess("exclude", f"every row has the value {first}")
    return replace(guess, kind="category", reason=f"{first} or nothing")


def _missing_among(counts: pd.Series) -> tuple[str, ...]:
    """Returns the texts that likely stand for a missing value."""
    return tuple(sorted(counts.index[counts.index.str.lower().isin(MISSING_WORDS)]))


def _of_text(texts: pd.Series, rows: int, name: str) -> Guess:
    """Returns the guess for text; every step looks at each distinct text once."""
    counts = texts.value_counts()
    plain = counts.index.astype(str).str.strip()
    if not plain.equals(counts.index):
        counts = counts.groupby(plain, sort=False).sum()
    counts = counts[counts.index != ""]
    missing = _missing_among(counts)
    known = counts[~counts.index.isin(missing)]
    if known.empty:
        marked = f" but {', '.join(missing)}" if missing else ""
        return Guess("exclude", f"no row has a value{marked}")
    if len(known) == 1 and known.iloc[0] == rows:
        return Guess("exclude", f"every row has the value {known.index[0]!r}")
    if len(known) == 1:
        return Guess("category", f"{known.index[0]} or nothing", missing=missing)
    found = _of_numbers_in_text(known, rows, name) or _of_forms(known)
    if found is not None:
        return replace(found, missing=tuple(sorted({*missing, *found.missing})))
    return replace(_of_words(known), missing=missing)


def _of_numbers_in_text(counts: pd.Series, rows: int, name: str) -> Guess | None:
    """Returns the guess where most of the texts are numbers; None where they are not."""
    import pandas as pd

    words = counts.index.to_series()
    first = words.iloc[:_FIRST_LOOK]
    if first.str.fullmatch(r"0\d+").any():  # 007 is no 7
        return None
    values = pd.to_numeric(words, errors="coerce")
    numbers, odd = values.dropna(), words[values.isna()]
    if numbers.empty:
        return None
    bounds = odd.str.fullmatch(rf"{BOUND}[-+]?[\d.]+(?:[eE][-+]?\d+)?")
    odd = odd[~bounds]
    measured = len(numbers) > _MANY
    # A word of its own beside measured numbers is a marker that nobody has thought of.
    if odd.empty or (len(odd) == 1 and measured):
        found = _of_numbers(numbers, rows, name)
        return replace(found, missing=tuple(odd), bounded=bool(bounds.any()))
    share = counts[odd.index].sum() / counts.sum()
    if measured and share < 0.5:
        return Guess(
            "exclude",
            f"numbers, but {counts[odd.index].sum():,} rows have text such as {odd.iloc[0]!r}",
        )
    return None


def _of_forms(counts: pd.Series) -> Guess | None:
    """Returns the guess where every text has the form of a date or of a list of values."""
    words = counts.index.to_series()
    formats = date_formats(words)
    if len(formats) > 1:
        choices = " or ".join(formats)
        return Guess("exclude", f"dates that can be read in several ways: {choices}")
    if formats:
        return Guess("date", format=formats[0])
    if has_commas_in_numbers(words):
        return Guess("exclude", f"numbers with a comma, such as {words.iloc[0]}: write a point")
    separator = numbers_separator(words)
    if separator is not None:
        return Guess("numbers", separator=separator)
    separator = tags_separator(counts)
    return None if separator is None else Guess("tags", separator=separator)


def _of_words(counts: pd.Series) -> Guess:
    """Returns the guess for words: a yes or no, a category, a name of each row, or sentences."""
    words = counts.index.to_series().iloc[:: max(1, len(counts) // _SAMPLE)]
    if set(words.str.lower()) in map(set, YES_NO):
        return Guess("yes/no")
    filled = int(counts.sum())
    sentence = float(words.iloc[:_FIRST_LOOK].map(_spoken_words).mean()) >= _WORDS_OF_A_SENTENCE
    unlike = len(counts) == filled and filled > 1
    if sentence and (unlike or len(counts) > max(_MANY, filled / 5)):
        return Guess("text", "sentences")
    if unlike:
        return Guess("exclude", "a word of its own for each row")
    if counts[counts > 1].sum() < _RARE * filled:
        reason = f"{len(counts):,} different words in {filled:,} rows, most of them once"
        unit = len(counts) > _MANY and words.str.fullmatch(_WITH_UNIT).mean() > 0.9
        if unit:
            reason += f"; if they are numbers such as {words.iloc[0]!r}, write them without unit"
        return Guess("exclude", reason)
    return Guess("category")


def _spoken_words(text: str) -> int:
    """Counts the words between spaces, and in scripts without spaces the characters."""
    return sum(max(1, len(_UNSPACED.findall(word))) for word in text.split())

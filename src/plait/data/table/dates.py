"""The format of dates that are written as text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# Day first and month first for each separator that both are written with; a point is day first.
_DAYS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m"),
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y"),
    *("%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%b %Y"),
)
_TIMES = ("%H:%M:%S", "%H:%M", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p")
_JOINED = tuple(f"{day}{gap}{time}" for gap in (" ", "T") for time in _TIMES for day in _DAYS)
_ZONED = tuple(f"%Y-%m-%d{gap}%H:%M:%S{zone}" for gap in " T" for zone in ("%z", ".%f%z"))
FORMATS = (*_DAYS, *_JOINED, *_ZONED, *_TIMES, "%Y%m%dT%H%M%S", "ISO8601")
_PART = re.compile(r"%[bBp]|%.|[^\W\d_]+|\d+")
_FIRST_LOOK = 100  # how many words a format is tried on before it is tried on all


def parse_dates(words: pd.Series, form: str) -> pd.Series:
    """Returns the moment of each word, NaT for a word that does not have the format.

    Args:
        words: text, or moments already.
        form: a format of `strptime`, or "ISO8601" for the ways of ISO 8601 mixed; empty for moments
            already. A time without a zone is read as UTC.
    """
    import pandas as pd

    if not form:
        return pd.to_datetime(words, errors="coerce", utc=True)
    return pd.to_datetime(words, format=form, errors="coerce", utc=True)


def date_formats(words: pd.Series) -> list[str]:
    """Returns the formats in which every word is a date and which tell different dates.

    Args:
        words: distinct texts, without those that stand for a missing value.

    Returns:
        Nothing where the words are no dates of one format; two where the day may stand before the
        month or after it, as in 01/02/2020.
    """
    first = words.iloc[:: max(1, len(words) // _FIRST_LOOK)].iloc[:_FIRST_LOOK]
    found: list[tuple[str, pd.Series]] = []
    for form in _like(words.iloc[0]):
        if found and form == "ISO8601":
            break
        if parse_dates(first, form).isna().any():
            continue
        moments = parse_dates(words, form)
        if moments.notna().all() and not any(moments.equals(other) for _, other in found):
            found.append((form, moments))
    return [form for form, _ in found]


def _like(word: str) -> list[str]:
    """Returns the formats whose signs between the numbers and names are those of a word."""
    signs = _signs(word)
    if not signs:
        return []
    alike = [form for form in FORMATS if _signs(form) == signs]
    if re.match(r"\d{4}-\d\d", word):
        alike += [*_ZONED, "ISO8601"]
    return alike


@lru_cache(maxsize=512)
def _signs(text: str) -> str:
    """Returns a text or a format without its numbers, and with "a" for each run of letters."""
    names = ("%b", "%B", "%p")
    return _PART.sub(lambda part: "a" if part[0] in names or part[0].isalpha() else "", text)

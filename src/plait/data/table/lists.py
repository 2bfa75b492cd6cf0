"""Cells that hold several values: a list of numbers of one length, or a list of tags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

ListedKind = Literal["numbers", "tags", "exclude"]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
# A space separates where nothing else does.
_SEPARATED = {
    separator: re.compile(rf"(?:{_NUMBER})(?:\s*{between}\s*(?:{_NUMBER}))+")
    for separator, between in ((",", ","), (";", ";"), ("|", r"\|"), (" ", r"\s"))
}
_BRACKETS = re.compile(r"[\[(].*[\])]")
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
TAG_SEPARATORS = ("|", ";", ",")
_FIRST_LOOK = 100
_SAMPLE = 20_000
_LONGEST_TAG = 40  # characters
_LEAST_RECURRENCE = 3.0  # how often a tag occurs on average


def has_commas_in_numbers(words: pd.Series) -> bool:
    """Whether every word is a number with a comma in it (3,5 or 12,000), or is a plain number."""
    first = words.iloc[:_FIRST_LOOK]
    for pattern in (_DECIMAL_COMMA, _THOUSANDS):
        commas = first.str.fullmatch(pattern)
        if commas.any() and (commas | first.str.fullmatch(_NUMBER)).all():
            commas = words.str.fullmatch(pattern)
            return bool((commas | words.str.fullmatch(_NUMBER)).all())
    return False


def numbers_separator(words: pd.Series) -> str | None:
    """Returns the sign between the numbers of a cell, such as "," in ``[1, 2]``.

    Args:
        words: distinct texts, without those that stand for a missing value.

    Returns:
        None unless every word is a list of numbers, in brackets or not, all of one length.
    """
    first = _without_brackets(words.iloc[:_FIRST_LOOK])
    for separator, pattern in _SEPARATED.items():
        if first.str.fullmatch(pattern).all():
            inner = _without_brackets(words)
            if not inner.str.fullmatch(pattern).all():
                return None
            gap = r"\s+" if separator == " " else re.escape(separator)
            return separator if inner.str.count(gap).nunique() == 1 else None
    return None


def _without_brackets(words: pd.Series) -> pd.Series:
    bracketed = words.str.fullmatch(_BRACKETS)
    return words.where(~bracketed, words.str.slice(1, -1)).str.strip()


def tags_separator(counts: pd.Series) -> str | None:
    """Returns the sign between the tags of a cell; None where cells are words or sentences.

    Tags recur: each occurs about three times or more, and some in different cells. With a comma,
    which names and sentences have too, their number has to vary, and there must be no more tags
    than different cells.

    Args:
        counts: how often each text occurs, by the text.
    """
    counts = counts.iloc[:: max(1, len(counts) // _SAMPLE)]
    words = counts.index.to_series()
    for separator in TAG_SEPARATORS:
        pieces = words.str.count(re.escape(separator)) + 1
        if pieces.max() == 1 or (separator == "," and pieces.nunique() == 1):
            continue
        tags = words.str.split(separator).explode().str.strip()
        cells = tags[tags != ""].value_counts()
        most = len(words) if separator == "," else cells.sum() - 1
        if (
            len(cells) <= most
            and (pieces * counts).sum() >= _LEAST_RECURRENCE * len(cells)
            and cells.index.str.len().max() <= _LONGEST_TAG
        ):
            return separator
    return None


def listed_kind(cells: pd.Series) -> tuple[ListedKind, str]:
    """Returns the kind of a column whose cells are lists of Python or arrays.

    Returns:
        ("numbers" or "tags", empty), or ("exclude", the reason).
    """
    values = [np.asarray(list(cell)) for cell in cells]
    full = [each for each in values if each.size]
    if all(each.ndim == 1 and each.dtype.kind in "US" for each in full):
        return "tags", ""
    if all(each.ndim == 1 and each.dtype.kind in "biuf" for each in values):
        lengths = {len(each) for each in values}
        if not all(np.isfinite(each).all() for each in values):
            return "exclude", "lists with numbers that are NaN or infinite"
        if len(lengths) == 1:
            return "numbers", ""
        return "exclude", f"lists of numbers of {len(lengths)} different lengths"
    return "exclude", "lists that are neither numbers alone nor words alone"

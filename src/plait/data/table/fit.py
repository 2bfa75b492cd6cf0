"""Vocabularies and statistics of the columns of inputs, from the training rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.columns import Column
from plait.core.errors import DataError, suggest
from plait.data.table import parse
from plait.data.table.described_inputs import Input
from plait.data.table.media import TextOptions
from plait.data.table.sentences import sentences
from plait.data.words import vocabulary

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]

SAMPLE = 100_000  # rows from which quantiles are taken
BINS = 48  # between the quantiles of a number
NORMAL = 1.349  # distance between the quartiles of a normal distribution, in standard deviations
MOST_WORDS = 10_000  # that a category knows; rarer ones count as unseen
MOST_TAGS = 1_000


def fit_columns(
    frame: pd.DataFrame,
    inputs: Mapping[str, Input],
    rows: Array | None = None,
    *,
    source: str = "",
) -> list[Column]:
    """Returns the columns of inputs, with vocabularies and statistics of the training rows.

    Args:
        frame: the table.
        inputs: `{column: how it is read}`.
        rows: numbers of the training rows, at least one; all rows by default.
        source: the table, for messages.

    Raises:
        DataError: a column is missing, or a cell is not of its kind.
    """
    require(frame, inputs, source)
    return [_fit(frame[name], rows, options, source) for name, options in inputs.items()]


def require(frame: pd.DataFrame, names: Any, source: str = "") -> None:
    """Raises `DataError` for columns that a table lacks; all of them are named."""
    absent = [name for name in names if name not in frame.columns]
    if absent:
        some = ", ".join(map(repr, absent[:10])) + (" ..." if len(absent) > 10 else "")
        there = ", ".join(map(str, frame.columns[:20])) + (" ..." if frame.shape[1] > 20 else "")
        near = suggest(str(absent[0]), map(str, frame.columns))
        raise DataError(
            f"{source or 'the table'} lacks {len(absent)} column{'s'[: len(absent) - 1]} that "
            f"{'are' if len(absent) > 1 else 'is'} needed: {some}; it has {there}."
            f"{near or ' Is it the right table?'}"
        )


def _fit(whole: pd.Series[Any], train: Array | None, options: Input, source: str) -> Column:
    column = whole if train is None else whole.iloc[train]
    name, kind, absent = str(column.name), options.column_kind, options.missing
    if options.media is not None:
        return fit_media(column, options, source=source)
    if kind == "category":
        codes, words = parse.words(column, absent, source=source)
        times = np.bincount(codes[codes >= 0], minlength=len(words))
        often = np.argsort(-times, kind="stable")[:MOST_WORDS].tolist()
        # a word that is there once says nothing; it teaches the model what an unseen one is like
        kept = [words[code] for code in often if times[code] > 1]
        return Column(name, kind, values=sorted(kept), absent=list(absent))
    values: list[str] = []
    if kind == "tags":
        counts = parse.known_tags(column, options.form, absent, source=source)
        kept = sorted(counts, key=lambda word: (-counts[word], word))[:MOST_TAGS]
        values = sorted(word for word in kept if counts[word] > 1)
    elif kind == "numbers":
        options = options.with_separator(whole)
    described = Column(name, kind, values=values, form=options.form, absent=list(absent))
    rows = numbers_of(column, described, source=source)
    if kind == "numbers" and np.isnan(rows).all():  # how many they are, the other rows say
        rows = np.full((len(column), _length(whole, described, source)), np.nan)
    step = -(-len(rows) // SAMPLE)
    center, scale, edges = _statistics(rows[::step])
    missing = np.isnan(rows).mean(axis=0)
    return Column(
        name,
        kind,
        values=values,
        center=center.tolist(),
        scale=scale.tolist(),
        missing=missing.tolist(),
        edges=edges,
        form=options.form,
        absent=list(absent),
    )


def fit_media(column: pd.Series[Any], options: Input, *, source: str = "") -> Column:
    """Returns a column of pictures, sounds or sentences, with the vocabulary of some rows."""
    media = options.media
    assert media is not None
    values: list[str] = []
    if isinstance(media, TextOptions) and not media.tokenizer:
        words = sentences(column, options.kind, options.form, options.missing, source=source)
        values = vocabulary(words, most=media.words)
    return Column(
        str(column.name),
        options.column_kind,
        values=values,
        form=options.form,
        absent=list(options.missing),
        **media.column(),
    )


def _length(column: pd.Series[Any], known: Column, source: str) -> int:
    """Counts the numbers in the lists of a column."""
    rows = numbers_of(column, known, source=source)
    if np.isnan(rows).all():
        raise DataError(
            f"column {column.name!r}{f' of {source}' if source else ''} has no list of numbers in "
            "any row. Leave it out."
        )
    return int(rows.shape[1])


def numbers_of(column: pd.Series[Any], known: Column, *, source: str = "") -> Array:
    """Reads the numbers of a column: `[N, K]`, NaN where one is missing."""
    absent = known.absent
    if known.kind == "number":
        return parse.numbers(column, absent, source=source)[:, np.newaxis]
    if known.kind == "date":
        return parse.dates(column, known.form, absent, source=source)
    if known.kind == "tags":
        return parse.tags(column, known.values, known.form, absent, source=source)
    length = known.numbers or None
    return parse.vectors(column, known.form, absent, length=length, source=source)


def _statistics(rows: Array) -> tuple[Array, Array, list[list[float]]]:
    """Returns center, scale and edges of each number; 0, 1 and none where no row has a value."""
    wide = rows.astype(np.float64)
    empty = np.asarray(np.isnan(wide).all(axis=0))
    wide[:, empty] = 0.0
    shares = np.linspace(0, 1, BINS + 1)
    in_order = np.sort(wide, axis=0)  # from which quantiles are found in a quarter of the time
    found = np.nanquantile(in_order, [*shares, 0.25, 0.5, 0.75], axis=0)
    quantiles, (low, median, high) = found[:-3], found[-3:]
    spread, deviation = (high - low) / NORMAL, np.nanstd(wide, axis=0)
    flat = spread <= 1e-12 * np.abs(median)
    center = np.where(flat, np.nanmean(wide, axis=0), median)
    scale = np.where(flat, deviation, spread)
    scale[scale <= 1e-12 * np.abs(center)] = 1.0
    edges = [
        [] if none else np.unique(column).tolist()
        for none, column in zip(empty.tolist(), quantiles.T, strict=True)
    ]
    return center, scale, edges

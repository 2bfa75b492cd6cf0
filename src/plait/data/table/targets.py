"""The labels of tasks from a table's columns; what is missing there is not labelled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from plait.core.errors import DataError, suggest
from plait.data.table import parse
from plait.data.table.described import NO, YES, Target
from plait.data.table.fit import require

FINEST = 1e-3  # of the spread of a number, that float32 has to resolve
NO_CLASS = -100  # the label of a class that is missing; that of `Classification`


def classes_of(frame: pd.DataFrame, target: Target, *, source: str = "") -> list[str]:
    """Returns the names of the classes or labels of a target, in the order of their numbers.

    Those of a category are sorted, as numbers if all are; of a yes or no, the word for no comes
    first; tags that are columns have the names of these. Empty for numbers. Classes that the
    description names are those, of which the cells may lack some.
    """
    if target.kind == "tags" and len(target.columns) > 1:
        return list(target.columns)
    if target.kind not in ("category", "yes/no", "tags"):
        return []
    column = frame[target.columns[0]]
    if target.kind == "tags":
        tags = sorted(parse.known_tags(column, target.separator or ";", target.missing))
        return stated(target, tags, source) or tags
    _, found = parse.words(column, target.missing, source=source)
    if target.kind == "category":
        return stated(target, found, source) or sorted(found, key=_order(found))
    yes = _positive(target, found)
    others = [word for word in found if word not in yes]
    there = [word for word in found if word in yes]
    no = others[0] if len(others) == 1 else f"not {there[0]}" if there else "no"
    return [no, there[0] if len(there) == 1 else target.positive[0] if target.positive else "yes"]


def stated(target: Target, found: Iterable[str], source: str) -> list[str]:
    """Returns the classes that the description of a target names; empty if it names none.

    Raises:
        DataError: a class in the cells is not among them.
    """
    other = next((word for word in found if word not in target.classes), None)
    if target.classes and other is not None:
        raise DataError(
            f"column {target.columns[0]!r}{f' of {source}' if source else ''} has the class "
            f"{other!r}, which the `classes` of task {target.name!r} lack; they are "
            f"{', '.join(target.classes[:20])}.{suggest(other, target.classes)} Add it there."
        )
    return list(target.classes)


def labels_of(
    frame: pd.DataFrame, target: Target, classes: Sequence[str] = (), *, source: str = ""
) -> Tensor:
    """Returns the labels of a target: one entry for each row, as the task of its kind takes them.

    Args:
        frame: a table with the target's columns.
        target: which, and how they are read.
        classes: names of the classes or labels, as `classes_of` gave them for the training.
        source: the table, for messages.

    Returns:
        "number" `[N, 1]`, "numbers" `[N, K]`, "yes/no" `[N, 1]` and "tags" `[N, K]` floats with NaN
        where a label is missing; bounded numbers `[N, 1, 2]`; "category" `[N]` whole numbers, -100
        where missing; "survival" `[N, 2]`.

    Raises:
        DataError: a column is missing, a cell is not of its kind, or a class is not among
            `classes`.
    """
    require(frame, target.reads, source)
    labels = _read(frame, target, classes, source)
    if target.where is not None:
        counts = _counts(frame[target.where], target, source)
        labels[~counts] = NO_CLASS if target.kind == "category" else np.nan
    return torch.from_numpy(labels)


def _read(frame: pd.DataFrame, target: Target, classes: Sequence[str], source: str) -> parse.Array:
    cells, absent = [frame[column] for column in target.columns], target.missing
    first = cells[0]
    if target.kind == "category":
        return _class_numbers(first, target, classes, source)
    if target.bounded:
        found = parse.bounded_numbers(first, absent, source=source)[:, np.newaxis]
    elif target.kind == "tags" and len(cells) == 1:
        found = parse.tags(first, classes, target.separator or ";", absent, source=source)
    elif target.kind in ("yes/no", "tags"):
        found = np.stack([_yes_or_no(each, target, source) for each in cells], axis=1)
    elif target.kind == "numbers" and len(cells) == 1:
        found = parse.vectors(first, target.separator or " ", absent, source=source)
    elif target.kind == "survival":
        time = parse.numbers(first, absent, least=0, source=source)
        found = np.stack([time, _yes_or_no(cells[1], target, source)], axis=1)
    else:
        columns = [parse.numbers(each, absent, source=source) for each in cells]
        found = np.stack(columns, axis=1)
    return found.astype(np.float32)


def _class_numbers(
    column: pd.Series[Any], target: Target, classes: Sequence[str], source: str
) -> parse.Array:
    codes, found = parse.words(column, target.missing, source=source)
    known = {word: number for number, word in enumerate(classes)}
    foreign = [word for word in found if word not in known]
    if foreign:
        where = int((codes == found.index(foreign[0])).argmax())
        raise DataError(
            f"column {column.name!r}{f' of {source}' if source else ''} has the class "
            f"{foreign[0]!r} in row {parse.row_of(column, where)}, which the training of task "
            f"{target.name!r} did not have; known: {', '.join(classes[:20])}."
            f"{suggest(foreign[0], classes)} Correct it, or empty the cell (not labelled)."
        )
    return np.array([*(known[word] for word in found), NO_CLASS])[codes]


def _counts(column: pd.Series[Any], target: Target, source: str) -> parse.Array:
    """Returns the rows in which a task counts, `[N]`; not where the cell is missing."""
    codes, found = parse.words(column, target.missing, source=source)
    other = next((word for word in found if word not in (*YES, *NO)), None)
    if other is not None:
        row = parse.row_of(column, int((codes == found.index(other)).argmax()))
        raise DataError(
            f"column {column.name!r}{f' of {source}' if source else ''} says where task "
            f"{target.name!r} counts, and must be yes or no; found {other!r} in row {row}. Make a "
            "column of yes and no, or of 1 and 0."
        )
    return np.asarray(parse.yes_or_no((codes, found), YES) == 1)


def check_resolved(frame: pd.DataFrame, target: Target, source: str) -> None:
    """Raises `DataError` for a number that labels in float32 would round to nearly one value."""
    if target.kind != "number" or target.bounded:
        return
    found = parse.numbers(frame[target.columns[0]], target.missing, source=source)
    found = found[~np.isnan(found)]
    if not len(found):
        return
    finest = float(np.abs(found.mean()) * np.finfo(np.float32).eps)
    if finest > FINEST * found.std() > 0:
        raise DataError(
            f"column {target.columns[0]!r} of {source} has numbers around {found.mean():.6g} that "
            f"differ by about {found.std():.3g}, which labels of task {target.name!r} in float32 "
            "cannot tell apart. Subtract a constant from the column."
        )


def _yes_or_no(column: pd.Series[Any], target: Target, source: str) -> parse.Array:
    """Reads yes and no, and refuses a third word where nobody said which one means yes."""
    found = parse.words(column, target.missing, source=source)
    return parse.yes_or_no(found, _positive(target, found[1]))


def _positive(target: Target, found: Sequence[str]) -> Sequence[str]:
    """Returns the words that mean yes."""
    if target.positive:
        return target.positive
    others = {word for word in found if word not in YES}
    if len(others) > 1:
        raise DataError(
            f"task {target.name!r} is a yes or no, and its column has the words "
            f"{', '.join(sorted(map(repr, found))[:6])}. Say which means yes: `positive: WORD`; or "
            "make it a category."
        )
    return YES


def _order(words: Sequence[str]) -> Any:
    """Returns the key to sort words by: as numbers, if all are."""
    try:
        numbers = {word: float(word) for word in words}
    except ValueError:
        return None
    return numbers.__getitem__

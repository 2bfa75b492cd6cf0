"""The labels of tasks from a table's columns; what is missing there is not labelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from plait.core.errors import ConfigError, DataError, suggest, unknown
from plait.data.table import parse
from plait.data.table.fit import require

TargetKind = Literal["number", "category", "yes/no", "tags", "numbers", "survival"]

YES = ("1", "yes", "true", "True", "Yes", "YES", "TRUE", "y", "Y", "t", "T")
NO = ("0", "no", "false", "False", "No", "NO", "FALSE", "n", "N", "f", "F")
NO_CLASS = -100  # the label of a class that is missing; that of `Classification`


@dataclass(frozen=True)
class Target:
    """The cells of a table that are the labels of a task, with the way in which they are read.

    Attributes:
        name: of the task.
        kind: "number", "category", "yes/no", "tags" (several words in a cell, or several columns of
            yes and no), "numbers" (a list of numbers in a cell, or several columns of numbers) or
            "survival".
        columns: the column, or several; the time and the event of a survival.
        where: a column of yes and no that says in which rows the task counts; all if None.
        positive: words that mean yes; all other words mean no. Those of `YES` if empty.
        missing: words that say that a label is missing.
        separator: between the words of tags or the numbers of a list.
        bounded: whether cells of a number may be bounds, such as ">10".
        options: those of the task's class.
    """

    name: str
    kind: TargetKind
    columns: tuple[str, ...]
    where: str | None = None
    positive: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    separator: str = ""
    bounded: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reads(self) -> list[str]:
        """All columns that the labels depend on."""
        return [*self.columns, *([self.where] if self.where else [])]


def read_targets(described: Mapping[str, Any], columns: Sequence[str]) -> list[Target]:
    """Returns the targets that a configuration describes.

    Args:
        described: `{task: kind, or a mapping with kind and options}`. The column has the task's
            name, unless `column` names one or `columns` several, or a pattern that they fit.
        columns: the names of the table's columns.

    Raises:
        ConfigError: no task, an unknown kind, or an option of another kind.
        DataError: a column that is not there.
    """
    if not described:
        raise ConfigError("the table has no task. Name columns to predict under `tasks`.")
    targets = [read_target(name, value, columns) for name, value in described.items()]
    for target in targets:
        absent = [column for column in target.reads if column not in columns]
        if absent:
            raise DataError(
                f"task {target.name!r} reads the column {absent[0]!r}, which the table does not "
                f"have.{suggest(absent[0], columns) or ' Name one with `column`.'}"
            )
    return targets


def read_target(name: str, value: Any, known: Sequence[str]) -> Target:
    """Returns the target that one entry of a configuration describes.

    Args:
        name: of the task.
        value: its kind, or a mapping with `kind` and options.
        known: the names of the table's columns, for patterns.

    Raises:
        ConfigError: an unknown kind, or an option of another kind.
    """
    given = dict(value) if isinstance(value, Mapping) else {"kind": value}
    kind = given.pop("kind", None)
    if kind is None and name not in known:
        raise ConfigError(f"unknown task {name!r}.{suggest(name, known)} A new one needs a `kind`.")
    if kind not in get_args(TargetKind):
        raise ConfigError(f"task {name!r}: {unknown('kind', kind, get_args(TargetKind))}")
    columns = _columns(name, kind, given, known)
    own = {"where": given.pop("where", None), "separator": given.pop("separator", "")}
    for option, of in (("positive", ("yes/no", "tags")), ("missing", get_args(TargetKind))):
        found = given.pop(option, None)
        if found is not None and kind not in of:
            raise ConfigError(f"task {name!r}: `{option}` has no effect on a {kind}; leave it out.")
        words = [] if found is None else found if isinstance(found, list | tuple) else [found]
        own[option] = tuple(each for word in words for each in _as_words(word))
    bounded = bool(given.get("bounded")) if kind == "number" else False
    return Target(name, kind, columns, bounded=bounded, options=given, **own)


def _as_words(value: Any) -> tuple[str, ...]:
    """Returns the words that a value of YAML stands for, where yes and no are true and false."""
    if isinstance(value, bool):
        return YES if value else NO
    return (str(value),)


def _columns(name: str, kind: str, given: dict[str, Any], known: Sequence[str]) -> tuple[str, ...]:
    """Takes the options that name columns."""
    if kind == "survival":
        for option in ("time", "event"):
            if option not in given:
                raise ConfigError(f"task {name!r}: a survival needs the column of its {option}.")
        return str(given.pop("time")), str(given.pop("event"))
    several = given.pop("columns", None)
    if several is None:
        return (str(given.pop("column", name)),)
    if kind not in ("tags", "numbers") or "column" in given:
        raise ConfigError(
            f"task {name!r}: `columns` is for tags and numbers, and in place of `column`; found "
            f"kind {kind!r}. Give each column a task of its own."
        )
    patterns = several if isinstance(several, list | tuple) else [several]
    return tuple(c for each in patterns for c in known if c == each or fnmatchcase(c, str(each)))


def classes_of(frame: pd.DataFrame, target: Target, *, source: str = "") -> list[str]:
    """Returns the names of the classes or labels of a target, in the order of their numbers.

    Those of a category are sorted, as numbers if all are; of a yes or no, the word for no comes
    first; tags that are columns have the names of these. Empty for numbers.
    """
    if target.kind == "tags" and len(target.columns) > 1:
        return list(target.columns)
    if target.kind not in ("category", "yes/no", "tags"):
        return []
    column = frame[target.columns[0]]
    if target.kind == "tags":
        return sorted(parse.known_tags(column, target.separator or ";", target.missing))
    _, found = parse.words(column, target.missing, source=source)
    if target.kind == "category":
        return sorted(found, key=_order(found))
    yes = _positive(target, found)
    others = [word for word in found if word not in yes]
    there = [word for word in found if word in yes]
    no = others[0] if len(others) == 1 else f"not {there[0]}" if there else "no"
    return [no, there[0] if len(there) == 1 else target.positive[0] if target.positive else "yes"]


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
        counts = parse.yes_or_no(parse.words(frame[target.where]), YES) == 1
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
        time = parse.numbers(first, absent, source=source)
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
            f"{foreign[0]!r} in row {where + 1}, which the training of task {target.name!r} did "
            f"not have; known: {', '.join(classes[:20])}.{suggest(foreign[0], classes)} Correct "
            "it, or empty the cell (not labelled)."
        )
    return np.array([*(known[word] for word in found), NO_CLASS])[codes]


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

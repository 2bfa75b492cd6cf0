"""Inputs and targets of a table, as a configuration describes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from plait.core.columns import ColumnKind
from plait.core.errors import ConfigError, DataError, suggest, unknown

InputKind = Literal["number", "category", "yes/no", "date", "tags", "numbers"]
TargetKind = Literal["number", "category", "yes/no", "tags", "numbers", "survival"]

YES = ("1", "yes", "true", "True", "Yes", "YES", "TRUE", "y", "Y", "t", "T")
NO = ("0", "no", "false", "False", "No", "NO", "FALSE", "n", "N", "f", "F")


@dataclass(frozen=True)
class Input:
    """A column of inputs, with the way in which it is read.

    Attributes:
        kind: "number", "category", "yes/no" (a category too), "date", "tags" or "numbers".
        missing: words in its cells that say that a value is missing, such as "?".
        separator: between the words of tags, ";" by default, or between the numbers of a list.
        format: of a date, as for `strptime`; ISO 8601 by default.
    """

    kind: InputKind
    missing: tuple[str, ...] = ()
    separator: str = ""
    format: str = ""

    @property
    def column_kind(self) -> ColumnKind:
        """The kind of the column, for which a yes or no is a category of two words."""
        return "category" if self.kind == "yes/no" else self.kind

    @property
    def form(self) -> str:
        """The form of the text of a cell: a date's format, or a list's separator."""
        if self.kind == "date":
            return self.format
        return self.separator or {"tags": ";", "numbers": " "}.get(self.kind, "")

    def with_separator(self, column: Any) -> Input:
        """Returns the way to read a list of numbers, with the separator that its cells have."""
        if self.separator:
            return self
        cell = next((each for each in column if isinstance(each, str) and each.strip()), "")
        found = next((sign for sign in ";,|" if sign in cell), " ")
        return replace(self, separator=found)


def read_inputs(
    described: Mapping[str, Any], columns: Iterable[str], *, leave_out: Iterable[str] = ()
) -> dict[str, Input]:
    """Returns `{column: how it is read}` of the columns that a configuration describes.

    Args:
        described: `{column or pattern: kind, or a mapping with kind and options}`; a pattern such
            as `fp_*` stands for all columns that fit it and have no entry of their own. Null in
            place of the kind leaves out a column, or all that fit a pattern.
        columns: the names of the table's columns.
        leave_out: columns that no pattern stands for: those of targets.

    Raises:
        ConfigError: an unknown kind or option, or a pattern that no column fits.
    """
    known, out = list(columns), set(leave_out)
    found: dict[str, Input] = {}
    for name in (name for name, value in described.items() if value is None):
        fitting = fitting_columns(name, known)
        if not fitting:
            raise ConfigError(f"inputs.{name}: no such column to leave out.{suggest(name, known)}")
        out.update(fitting)
    for name, value in described.items():
        if value is None:
            continue
        options = _input(name, value)
        if name in known or not any(sign in name for sign in "*?["):
            found[name] = options
            continue
        fitting = [column for column in fitting_columns(name, known) if column not in out]
        if not fitting:
            raise ConfigError(f"no column fits the pattern {name!r} of the inputs. Check its name.")
        for column in fitting:
            if column not in described:
                found[column] = options
    if not found:
        raise ConfigError("the table has no column of inputs. Name them under `inputs`.")
    return found


def _input(name: str, value: Any) -> Input:
    given = dict(value) if isinstance(value, Mapping) else {"kind": value}
    for option in given:
        if option not in Input.__dataclass_fields__:
            raise ConfigError(
                f"inputs.{name}: {unknown('option', option, Input.__dataclass_fields__)}"
            )
    kind = given.get("kind")
    if kind not in get_args(InputKind):
        raise ConfigError(f"inputs.{name}: {unknown('kind', kind, get_args(InputKind))}")
    missing = given.get("missing", ())
    given["missing"] = tuple(map(str, [missing] if isinstance(missing, str) else missing))
    return Input(**given)


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
    if kind is None:
        near = suggest(name, [each for each in known if each != name])
        raise ConfigError(f"tasks.{name}: a new task needs a `kind`.{near}")
    if kind not in get_args(TargetKind):
        raise ConfigError(f"tasks.{name}: {unknown('kind', kind, get_args(TargetKind))}")
    columns = _columns(name, kind, given, known)
    own = {"where": given.pop("where", None), "separator": given.pop("separator", "")}
    for option, of in (("positive", ("yes/no", "tags")), ("missing", get_args(TargetKind))):
        found = given.pop(option, None)
        if found is not None and kind not in of:
            raise ConfigError(f"tasks.{name}: `{option}` has no effect on a {kind}; leave it out.")
        words = [] if found is None else found if isinstance(found, list | tuple) else [found]
        own[option] = tuple(each for word in words for each in _as_words(word))
    bounded = bool(given.get("bounded")) if kind == "number" else False
    return Target(name, kind, columns, bounded=bounded, options=given, **own)


def with_options(kind: str, options: Mapping[str, Any]) -> Any:
    """Returns a kind as a configuration describes it: alone, or with the options that it has."""
    return {"kind": kind, **options} if options else kind


def complaints(inputs: Mapping[str, Any], tasks: Mapping[str, Any]) -> list[str]:
    """Returns a sentence for each input and task that is described wrongly, before a table is read.

    Args:
        inputs: as for `read_inputs`.
        tasks: as for `read_targets`.
    """
    found: list[str] = []
    for name, value in inputs.items():
        with _collecting(found):
            _input(name, value)
    for name, value in tasks.items():
        with _collecting(found):
            read_target(name, value, list(tasks))
    return found


@contextmanager
def _collecting(found: list[str]) -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        found.append(str(error))


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
                raise ConfigError(f"tasks.{name}: a survival needs `{option}`, a column.")
        return str(given.pop("time")), str(given.pop("event"))
    several = given.pop("columns", None)
    if several is None:
        return (str(given.pop("column", name)),)
    if kind not in ("tags", "numbers") or "column" in given:
        raise ConfigError(
            f"tasks.{name}: `columns` is for tags and numbers, and in place of `column`; found "
            f"kind {kind!r}. Give each column a task of its own."
        )
    patterns = several if isinstance(several, list | tuple) else [several]
    return tuple(c for each in patterns for c in fitting_columns(str(each), known))


def fitting_columns(name: str, known: Sequence[str]) -> list[str]:
    """Returns the column of a name, or where there is none the columns that fit it as a pattern.

    Example:
        >>> fitting_columns("a*", ["a1", "a2", "b"]), fitting_columns("a*", ["a1", "a*"])
        (['a1', 'a2'], ['a*'])
    """
    return [name] if name in known else [each for each in known if fnmatchcase(each, name)]

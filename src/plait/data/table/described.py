"""Targets of a table, as a configuration describes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from plait.core.errors import ConfigError, DataError, suggest, unknown
from plait.data.table.described_inputs import read_input
from plait.data.table.patterns import fitting_columns

TargetKind = Literal[
    "number",
    "category",
    "yes/no",
    "tags",
    "numbers",
    "survival",
    "mask",
    "map",
    "token tags",
]

NAMED = ("category", "tags", "token tags")  # kinds whose classes are words in the cells
PLACED = ("mask", "map", "token tags")  # kinds of labels that lie on a picture or a sentence

YES = ("1", "yes", "true", "True", "Yes", "YES", "TRUE", "y", "Y", "t", "T")
NO = ("0", "no", "false", "False", "No", "NO", "FALSE", "n", "N", "f", "F")


@dataclass(frozen=True)
class Target:
    """The cells of a table that are the labels of a task, with the way in which they are read.

    Attributes:
        name: of the task.
        kind: "number", "category", "yes/no", "tags" (several words in a cell, or several columns of
            yes and no), "numbers" (a list of numbers in a cell, or several columns of numbers),
            "survival", "mask" (the path of a PNG file: a class for each pixel of a picture), "map"
            (the path of a file of numbers for each pixel) or "token tags" (a word for each token of
            a sentence).
        columns: the column, or several; the time and the event of a survival.
        where: a column of yes and no that says in which rows the task counts; all if None.
        positive: words that mean yes; all other words mean no. Those of `YES` if empty.
        missing: words that say that a label is missing.
        separator: between the words of tags, the numbers of a list, or the tags of tokens.
        bounded: whether cells of a number may be bounds, such as ">10".
        of: the column of inputs that a mask, a map or tags lie on; the only one that fits if empty.
        values: of a mask, `{value in the file: name of its class}`, in the order of the classes;
            found in the files if empty.
        ignore: of a mask, values of pixels that have no label.
        classes: names of the classes or labels, in their order; those in the cells if empty.
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
    of: str = ""
    values: Mapping[int, str] = field(default_factory=dict)
    ignore: tuple[int, ...] = ()
    classes: tuple[str, ...] = ()
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
    own |= _of_places(name, kind, given)
    if kind in NAMED and "classes" in given:
        own["classes"] = _class_names(name, given.pop("classes"))
    for option, of in (("positive", ("yes/no", "tags")), ("missing", get_args(TargetKind))):
        found = given.pop(option, None)
        if found is not None and kind not in of:
            raise ConfigError(f"tasks.{name}: `{option}` has no effect on a {kind}; leave it out.")
        words = [] if found is None else found if isinstance(found, list | tuple) else [found]
        own[option] = tuple(each for word in words for each in _as_words(word))
    bounded = bool(given.get("bounded")) if kind == "number" else False
    return Target(name, kind, columns, bounded=bounded, options=given, **own)


def _of_places(name: str, kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """Takes the options of labels that lie on a picture or a sentence."""
    found: dict[str, Any] = {}
    if "of" in given and kind in PLACED:
        found["of"] = str(given.pop("of"))
    if kind != "mask":
        return found
    values, ignore = given.pop("values", None) or {}, given.pop("ignore", ())
    if not isinstance(values, Mapping):
        values = dict(enumerate(values))
    values = {_whole(value): word for value, word in values.items()}
    ignore = [_whole(each) for each in (ignore if isinstance(ignore, list | tuple) else [ignore])]
    if not all(isinstance(each, int) and each >= 0 for each in [*values, *ignore]):
        raise ConfigError(
            f"tasks.{name}: `values` must be {{value in the mask: name}} and `ignore` a list of "
            f"values, whole numbers; found {dict(values)} and {list(ignore)}."
        )
    found["values"] = {value: str(word) for value, word in values.items()}
    return found | {"ignore": tuple(ignore)}


def _class_names(name: str, given: Any) -> tuple[str, ...]:
    """Returns the names of classes that a configuration states."""
    words = [str(each) for each in given] if isinstance(given, list | tuple) else []
    if len({*words}) < max(len(words), 1):
        raise ConfigError(
            f"tasks.{name}: `classes` must be a list of different words; found {given!r}."
        )
    return tuple(words)


def _whole(value: Any) -> Any:
    """Returns the number that digits stand for, since keys of settings are words; else the same."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


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
            read_input(name, value)
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

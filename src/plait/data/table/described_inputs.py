"""Inputs of a table, as a configuration describes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from plait.core.columns import ColumnKind
from plait.core.errors import ConfigError, suggest, unknown
from plait.data.table.media import OPTIONS, MediaOptions
from plait.data.table.patterns import fitting_columns

InputKind = Literal[
    "number", "category", "yes/no", "date", "tags", "numbers", "image", "sound", "text", "tokens"
]


@dataclass(frozen=True)
class Input:
    """A column of inputs, with the way in which it is read.

    Attributes:
        kind: "number", "category", "yes/no" (a category too), "date", "tags", "numbers"; "image"
            or "sound" (a path relative to the table), "text", or "tokens" (a list of words).
        missing: words in its cells that say that a value is missing, such as "?".
        separator: between the words of tags, ";" by default, between the numbers of a list, or
            between tokens, a space by default.
        format: of a date, as for `strptime`; ISO 8601 by default.
        media: the options of a picture, a sound or a sentence; None for other kinds.
    """

    kind: InputKind
    missing: tuple[str, ...] = ()
    separator: str = ""
    format: str = ""
    media: MediaOptions | None = None

    @property
    def column_kind(self) -> ColumnKind:
        """The kind of the column, for which a yes or no is a category of two words."""
        return "category" if self.kind == "yes/no" else self.kind

    @property
    def form(self) -> str:
        """The form of the text of a cell: a date's format, or a list's separator."""
        if self.kind == "date":
            return self.format
        if self.kind == "text":
            return str(getattr(self.media, "form", "words"))
        return self.separator or {"tags": ";", "numbers": " ", "tokens": " "}.get(self.kind, "")

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
        options = read_input(name, value)
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


def read_input(name: str, value: Any) -> Input:
    """Returns the way to read a column that one entry of a configuration describes.

    Args:
        name: of the column.
        value: its kind, or a mapping with `kind` and options.

    Raises:
        ConfigError: an unknown kind or option, or a value that an option cannot take.
    """
    given = dict(value) if isinstance(value, Mapping) else {"kind": value}
    kind = given.get("kind")
    if kind not in get_args(InputKind):
        raise ConfigError(f"inputs.{name}: {unknown('kind', kind, get_args(InputKind))}")
    media = OPTIONS.get(str(kind))
    of_media = [] if media is None else list(media.__dataclass_fields__)
    known = [each for each in Input.__dataclass_fields__ if each != "media"] + of_media
    for option in given:
        if option not in known:
            raise ConfigError(f"inputs.{name}: {unknown('option', option, known)}")
    missing = given.get("missing", ())
    given["missing"] = tuple(map(str, [missing] if isinstance(missing, str) else missing))
    if media is not None:
        try:
            given["media"] = media(**{each: given.pop(each) for each in of_media if each in given})
        except ConfigError as error:
            raise ConfigError(f"inputs.{name}: {error}") from None
    found = Input(**given)
    if kind == "tokens" and getattr(found.media, "tokenizer", ""):
        raise ConfigError(
            f"inputs.{name}: a tokenizer reads whole texts, and the cells of tokens are divided "
            "already. Take kind: text."
        )
    return found

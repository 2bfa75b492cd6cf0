"""Inputs of a table, as a configuration describes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from plait.core.columns import ColumnKind
from plait.core.errors import ConfigError, unknown

InputKind = Literal["number", "category", "yes/no", "date", "tags", "numbers"]


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
            as `fp_*` stands for all columns that fit it and have no entry of their own.
        columns: the names of the table's columns.
        leave_out: columns that no pattern stands for: those of targets.

    Raises:
        ConfigError: an unknown kind or option, or a pattern that no column fits.
    """
    known, out = list(columns), set(leave_out)
    found: dict[str, Input] = {}
    for name, value in described.items():
        options = _options(name, value)
        if name in known or not any(sign in name for sign in "*?["):
            found[name] = options
            continue
        fitting = [c for c in known if fnmatchcase(c, name) and c not in out]
        if not fitting:
            raise ConfigError(f"no column fits the pattern {name!r} of the inputs. Check its name.")
        for column in fitting:
            if column not in described:
                found[column] = options
    if not found:
        raise ConfigError("the table has no column of inputs. Name them under `inputs`.")
    return found


def _options(name: str, value: Any) -> Input:
    given = dict(value) if isinstance(value, Mapping) else {"kind": value}
    for option in given:
        if option not in Input.__dataclass_fields__:
            raise ConfigError(
                unknown(f"option of input {name!r}", option, Input.__dataclass_fields__)
            )
    kind = given.get("kind")
    if kind not in get_args(InputKind):
        raise ConfigError(f"input {name!r}: {unknown('kind', kind, get_args(InputKind))}")
    missing = given.get("missing", ())
    given["missing"] = tuple(map(str, [missing] if isinstance(missing, str) else missing))
    return Input(**given)

"""Columns of a table, as the data code them and encoders read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

from plait.core.errors import ConfigError, unknown

ColumnKind = Literal[
    "number", "category", "date", "tags", "numbers", "image", "sound", "text", "tokens"
]

MEDIA = ("image", "sound", "text", "tokens")  # kinds whose values are no entries of a row
ROW = "row"  # the key of the row where inputs are several

MISSING, UNSEEN, FIRST = 0, 1, 2  # codes of a word: no value, an unknown one, the first known


@dataclass(frozen=True)
class Column:
    """One column of inputs, with what its training rows say of it.

    A row of inputs is a vector. A category takes one entry in it, its code: 0 for a missing value,
    1 for one that was not seen in training or only once, 2 + k for the k-th of `values`. The other
    kinds of a row take an entry for each of their numbers, NaN where it is missing. Images, sounds
    and sentences are no entries of a row, but inputs of their own (see `inputs_of`).

    Attributes:
        name: of the column in the table.
        kind: "number"; "category", one of a few words (a yes or no too); "date", which becomes
            several numbers; "tags", a list of words, one number 0 or 1 for each known word;
            "numbers", a list of numbers of one length; "image" and "sound", the path of a file;
            "text", which is divided into words or characters; "tokens", a list of words in order.
        values: the known words of a category or of tags, sorted; of text and tokens the known words
            or characters, the most frequent first.
        center: for each number, the median of the training rows, or their mean where more than
            half of them are equal; empty for a category, as all below.
        scale: for each number, the distance between the quartiles / 1.349 (which is the standard
            deviation of normally distributed numbers), or the standard deviation where that is 0,
            or 1 where all are equal.
        missing: for each number, the share of training rows that lack it.
        edges: for each number, ascending quantiles of the training rows without repeats, at least
            two unless all are equal.
        form: how the text of a cell is read: a date's format, a list's separator, and whether text
            is divided into "words" or "characters" or, for a tokenizer, stays "whole"; empty for
            other kinds.
        absent: words in its cells that say that a value is missing, such as "?".
        size: height and width in pixels to which an image is resized.
        channels: of an image: 3 for colour, 1 for grey.
        rate: samples a second of a sound; files of another rate are resampled.
        seconds: the longest sound; what is longer is cut off.
        pieces: of text and tokens, how many codes there are for the beginnings and ends of words,
            which say something of an unseen word; 0 for none.
        length: the most words, or characters, of a text; what is longer is cut off.
        tokenizer: of text, the content of a ``tokenizer.json`` of the library tokenizers: a text
            then has the codes of this tokenizer as they are, and no vocabulary of its own.
    """

    name: str
    kind: ColumnKind
    values: Sequence[str] = ()
    center: Sequence[float] = ()
    scale: Sequence[float] = ()
    missing: Sequence[float] = ()
    edges: Sequence[Sequence[float]] = ()
    form: str = ""
    absent: Sequence[str] = ()
    size: Sequence[int] = ()
    channels: int = 0
    rate: int = 0
    seconds: float = 0.0
    pieces: int = 0
    length: int = 0
    tokenizer: str = ""

    def __post_init__(self) -> None:
        if self.kind not in get_args(ColumnKind):
            raise ConfigError(unknown("kind of column", self.kind, get_args(ColumnKind)))
        lengths = {len(each) for each in (self.center, self.scale, self.missing, self.edges)}
        if len(lengths) > 1:
            raise ConfigError(
                f"column {self.name!r} must have `center`, `scale`, `missing` and `edges` for each "
                f"of its numbers; found {sorted(lengths)} of them."
            )

    @property
    def in_row(self) -> bool:
        """Whether its values are entries of a row, and not an input of their own."""
        return self.kind not in MEDIA

    @property
    def known(self) -> dict[str, int]:
        """The options that an encoder of this column alone has to have, by their names."""
        if self.kind == "image":
            return {"in_channels": self.channels}
        if self.kind == "sound":
            return {"rate": self.rate}
        return {"codes": self.codes, "pieces": self.pieces} if not self.in_row else {}

    @property
    def numbers(self) -> int:
        """The number of numbers that the column has in a row; 0 for a category."""
        return len(self.center)

    @property
    def codes(self) -> int:
        """The number of codes of words, with those of missing and unseen ones; 0 without words."""
        if self.tokenizer:
            return codes_of_tokenizer(self.tokenizer)
        return FIRST + len(self.values) if self.kind in ("category", "text", "tokens") else 0

    @property
    def entries(self) -> int:
        """The number of entries of a row that the column takes; 0 for one that is not in it."""
        return 1 if self.kind == "category" else self.numbers

    def plain(self) -> dict[str, Any]:
        """Returns the column as plain values, without what is empty; `of` reads them."""
        return {name: _listed(value) for name, value in asdict(self).items() if value}

    @classmethod
    def of(cls, described: Column | Mapping[str, Any]) -> Column:
        """Returns the column that `plain` has described, or the given one itself.

        Raises:
            ConfigError: a name or a value is not one that a column has.
        """
        if isinstance(described, Column):
            return described
        for name in described:
            if name not in cls.__dataclass_fields__:
                raise ConfigError(unknown("property of a column", name, cls.__dataclass_fields__))
        if not {"name", "kind"} <= described.keys():
            raise ConfigError(f"a column must have a name and a kind; found {dict(described)}.")
        return cls(**described)


def inputs_of(columns: Iterable[Column]) -> dict[str, list[Column]]:
    """Groups the columns of a table by the input that they belong to.

    Returns:
        `{input: its columns}`: all columns of a row under "row", where there are some, and each
        other column under its own name. One input is given to an encoder as it is, several as a
        dict by these names.

    Raises:
        ConfigError: a column beside a row has the name "row".
    """
    known = list(columns)
    row = [column for column in known if column.in_row]
    found = {ROW: row} if row else {}
    for column in known:
        if not column.in_row:
            if row and column.name == ROW:
                raise ConfigError(
                    f"a column of kind {column.kind!r} cannot be named {ROW!r} beside columns of "
                    "numbers and categories, which go by that name. Rename it."
                )
            found[column.name] = [column]
    return found


@lru_cache(maxsize=4)
def codes_of_tokenizer(text: str) -> int:
    """Counts the codes of a tokenizer, by the text of its ``tokenizer.json``.

    Raises:
        ConfigError: it is no such text.

    Example:
        >>> codes_of_tokenizer('{"model": {"vocab": {"a": 0, "b": 1}}, "added_tokens": []}')
        2
    """
    try:
        told = json.loads(text)
        known = told["model"]["vocab"]
        codes = list(known.values()) if isinstance(known, Mapping) else list(range(len(known)))
        codes += [each["id"] for each in told.get("added_tokens") or ()]
        return int(max(codes)) + 1
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(
            f"a column's tokenizer is no text of tokenizer.json: {error!r}."
        ) from None


def _listed(value: Any) -> Any:
    """Returns sequences as lists, at every depth, as JSON gives them back."""
    if isinstance(value, list | tuple):
        return [_listed(each) for each in value]
    return value

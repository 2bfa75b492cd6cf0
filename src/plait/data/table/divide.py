"""The splits of a table as a configuration describes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plait.core.errors import ConfigError, unknown
from plait.data.table.fit import require
from plait.data.table.splits import FRACTIONS, Division, split_by_column, split_by_fractions
from plait.data.table.twins import equal_rows, groups

if TYPE_CHECKING:
    import pandas as pd

OPTIONS = ("column", "words", "train", "val", "test", "group", "seed")


def divide(
    frame: pd.DataFrame,
    split: str | Mapping[str, Any] | None,
    labels: Mapping[str, Any],
    inputs: Collection[str],
    *,
    source: str = "",
) -> Division:
    """Divides the rows of a table into training, validation and test.

    Rows of equal inputs stay in one split, unless a column says where each row belongs, or fewer
    than half of the rows differ.

    Args:
        frame: the table.
        split: the name of a column of words such as train, val and test. Or a mapping: `column`
            with `words` ``{word: split}`` for words of another kind; or the shares `val` and `test`
            (`train` has the rest; 0.15 each by default); `group`, a column of which no value is in
            two splits, such as the patient; `seed`, 0 by default. None for the shares by default.
        labels: of each task, as `labels_of` gives them.
        inputs: the columns of inputs.
        source: the table, for messages.

    Raises:
        ConfigError: an unknown option, or one that has no effect beside another.
        DataError: a column is missing, or has a word that is no split.
    """
    options: dict[str, Any] = {"column": split} if isinstance(split, str) else dict(split or {})
    for option in options:
        if option not in OPTIONS:
            raise ConfigError(unknown("option of `split`", option, OPTIONS))
    seed, group, column = options.get("seed", 0), options.get("group"), options.get("column")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ConfigError(f"`split.seed` must be a whole number, not negative; found {seed!r}.")
    require(frame, [name for name in (column, group) if name is not None], source)
    together = None if group is None else groups(frame[group])
    if column is not None:
        useless = [name for name in ("train", "val", "test") if name in options]
        if useless:
            raise ConfigError(
                f"`split.{useless[0]}` has no effect beside a column that names the splits; leave "
                "out one of the two (`split.column=null`)."
            )
        words = options.get("words")
        named = split_by_column(frame[column], labels, seed=seed, words=words, together=together)
        return replace(named, groups=together)
    if "words" in options:
        raise ConfigError("`split.words` is about a `column`; name it too.")
    twins = equal_rows(frame[list(inputs)]) if together is None else None
    shares = fractions_of(options)
    division = split_by_fractions(labels, shares, seed=seed, together=together, twins=twins)
    return replace(division, groups=together)


def fractions_of(options: Mapping[str, Any]) -> dict[str, float]:
    """Returns the share of each split; training has what is left over."""
    given = {name: options[name] for name in FRACTIONS if name in options}
    for name, share in given.items():
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share < 1:
            raise ConfigError(f"`split.{name}` must be a share between 0 and 1; found {share!r}.")
    found = {**FRACTIONS, **given}
    if "train" not in given:
        found["train"] = 1 - found["val"] - found["test"]
    return found

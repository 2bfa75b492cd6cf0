"""The places of Landmine: read with checks, and divided with and without a mine alike."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plait.data import Disjoint
from plait.data.tables import check_values, table_of_each
from plait.recipes._npz import names_of, read_rows, split_rows

FILE = "landmine.npz"
COLUMNS, FIELDS = 9, 29


@dataclass(frozen=True)
class Fields:
    """The places of all fields.

    Attributes:
        names: of the fields.
        splits: `{split: a table for each field}`, inputs `[N, 9]` and labels `[N, 1]`, 0 or 1.
    """

    names: list[str]
    splits: dict[str, Disjoint]


def read_fields(folder: Path, *, split: int) -> Fields:
    """Reads the archive and divides each field's places, those with a mine and those without.

    Args:
        folder: holds `landmine.npz`.
        split: which division of the places; any whole number that is not negative.

    Raises:
        DataError: the archive is missing or damaged, or breaks its rules; a field has fewer than
            three places with a mine, or without.
        ConfigError: `split` is no whole number, or negative.
    """
    arrays = read_rows(folder, FILE, columns=COLUMNS, most=FIELDS)
    task, mine = arrays["task"], arrays["y"]
    check_values(folder / FILE, "y", mine, (mine == 0) | (mine == 1), "0 or 1")
    names = names_of("field", task)
    strata = [f"{name} {kind} a mine" for name in names for kind in ("without", "with")]
    rows = split_rows(2 * task + mine, strata, split=split)
    labels = mine[:, np.newaxis]
    tables = {
        part: table_of_each(names, task, arrays["x"], labels, each) for part, each in rows.items()
    }
    return Fields(names, tables)

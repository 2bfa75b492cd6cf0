"""TableDemo: a small table that is made on the spot, so that it needs no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from plait.core.arguments import checked
from plait.core.options import AtLeast
from plait.recipes._flats import flats
from plait.recipes.table import Table

if TYPE_CHECKING:
    import pandas as pd


class TableDemo(Table):
    """Flats to let, 600 rows made by a formula with chance in it: three tasks of three kinds.

    Read are seven columns of all kinds: area, rooms and year (numbers), district (a category),
    whether it is furnished (yes or no), the day on which it was offered, and extras (tags). Tasks:
    `rent` (a number; 10 % of the labels are missing), `heating` (three classes; 25 % are missing)
    and `quick`, whether the flat is let within a week (yes or no; 30 % are missing), which depends
    on how dear it is. The rent cannot be told more closely than to 8 %.

    Rows are divided at random into 70 % for training, 15 % for validation and 15 % for the test.

    Args:
        rows: flats in all.
        seed: another one makes other flats.
        inputs: as for `Table`, like the arguments after it.
        tasks: what is predicted.
        split: how the rows are divided.
        exclude: columns that no pattern of inputs stands for.

    Raises:
        ConfigError: an option outside its range.

    Licence: that of plait.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **Table.defaults,
        "inputs": {
            **dict.fromkeys(("area", "rooms", "built"), "number"),
            "district": "category",
            "furnished": "yes/no",
            "offered": "date",
            "extras": "tags",
        },
        "tasks": {
            "rent": {"kind": "number"},
            "heating": {"kind": "category"},
            "quick": {"kind": "yes/no"},
        },
    }

    @checked
    def __init__(
        self,
        *,
        rows: Annotated[int, AtLeast(30)] = 600,
        seed: Annotated[int, AtLeast(0)] = 0,
        inputs: Mapping[str, Any] | None = None,
        tasks: Mapping[str, Any] | None = None,
        split: str | Mapping[str, Any] | None = None,
        exclude: Sequence[str] | None = None,
    ) -> None:
        super().__init__(data="", inputs=inputs, tasks=tasks, split=split, exclude=exclude)
        self.size = rows
        self.seed = seed

    def read(self) -> pd.DataFrame:
        """Makes the table."""
        return flats(self.size, self.seed)

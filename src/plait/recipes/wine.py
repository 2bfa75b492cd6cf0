"""Wine: quality and colour from eleven measurements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from plait.recipes.table import Table


class Wine(Table):
    """Portuguese wines, 6,497 rows: how good one is (hard to tell), and its colour (easy).

    Read are eleven measurements, such as acidity, sugar and alcohol. Tasks: `quality`, a number
    from 3 to 9, the median of at least three tasters; `colour`, red or white. Nothing is left out.

    The file's column `split` divides the 5,320 different rows into 70 % for training, 10 % for
    validation and 20 % for the test; rows that are there several times stay together.

    Args:
        data: the folder with `wine.csv.gz`. The other arguments are those of `Table`.

    Raises:
        DataError: the file is missing, lacks a column, or a cell is not of its kind.

    Licence: Creative Commons Attribution 4.0 (the general terms of the UCI repository).

    Reference: Cortez, Cerdeira, Almeida, Matos, Reis, "Modeling Wine Preferences by Data Mining
        from Physicochemical Properties", Decision Support Systems 2009.
    """

    needs_data = True
    file = "wine.csv.gz"
    defaults: ClassVar[Mapping[str, Any]] = {
        **Table.defaults,
        "inputs": dict.fromkeys(
            (
                *("fixed_acidity", "volatile_acidity", "citric_acid", "residual_sugar"),
                *("chlorides", "free_sulfur_dioxide", "total_sulfur_dioxide", "density"),
                *("pH", "sulphates", "alcohol"),
            ),
            "number",
        ),
        "tasks": {"quality": {"kind": "number"}, "colour": {"kind": "category"}},
        "split": "split",
    }

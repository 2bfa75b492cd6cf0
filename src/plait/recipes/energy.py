"""Energy: heating and cooling loads of simulated buildings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from plait.recipes.table import Table


class Energy(Table):
    """Simulated buildings, 768 rows: two numbers that rise and fall together.

    Read are eight properties of a building, under the file's own names: compactness
    (`Relative_compactness`), areas of surface, walls and roof (`X1`, `X3`, `X4`), height (`X5`),
    share of glass (`X7`), and two categories, the orientation (`X6`) and where the glass is (`X8`).
    Tasks: `heating` (`Y1`) and `cooling` (`Y2`), the loads in kWh per square metre. Nothing is left
    out.

    The file's column `split` divides the rows at random into 70 % for training, 10 % for validation
    and 20 % for the test.

    Args:
        data: the folder with `enb.csv.gz`. The other arguments are those of `Table`.

    Raises:
        DataError: the file is missing, lacks a column, or a cell is not of its kind.

    Licence: Creative Commons Attribution 4.0 (the general terms of the UCI repository).

    Reference: Tsanas, Xifara, "Accurate Quantitative Estimation of Energy Performance of
        Residential Buildings Using Statistical Machine Learning Tools", Energy and Buildings 2012.
    """

    needs_data = True
    file = "enb.csv.gz"
    defaults: ClassVar[Mapping[str, Any]] = {
        **Table.defaults,
        "inputs": {
            **dict.fromkeys(("Relative_compactness", "X1", "X3", "X4", "X5", "X7"), "number"),
            **dict.fromkeys(("X6", "X8"), "category"),
        },
        "tasks": {
            "heating": {"kind": "number", "column": "Y1"},
            "cooling": {"kind": "number", "column": "Y2"},
        },
        "split": "split",
    }

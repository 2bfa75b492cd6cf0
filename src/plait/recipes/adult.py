"""Adult: income, and who was never married, from a census of 1994."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from plait.recipes.table import Table


class Adult(Table):
    """People in a census of the United States of 1994, 48,842 rows: two questions of yes or no.

    Read are twelve columns: age, work, education, origin and so on; "?" is a value that is missing.
    Tasks: `income`, whether somebody earns over 50,000 dollars a year (24 % do), and
    `never_married` (33 % never were). Marital status and relationship (such as "Husband") give the
    second away, and are left out.

    The file's column `split` is the official one, 32,561 rows for training and 16,281 for the test;
    the validation rows are taken from those for training.

    Args:
        data: the folder with `adult.csv.gz`. The other arguments are those of `Table`.

    Raises:
        DataError: the file is missing, lacks a column, or a cell is not of its kind.

    Licence: Creative Commons Attribution 4.0 (the general terms of the UCI repository).

    Reference: Kohavi, "Scaling Up the Accuracy of Naive-Bayes Classifiers: A Decision-Tree Hybrid",
        KDD 1996; Becker, Kohavi, "Adult", UCI Machine Learning Repository, 1996.
    """

    needs_data = True
    file = "adult.csv.gz"
    defaults: ClassVar[Mapping[str, Any]] = {
        **Table.defaults,
        "inputs": {
            **dict.fromkeys(
                (
                    *("age", "fnlwgt", "education_num"),
                    *("capital_gain", "capital_loss", "hours_per_week"),
                ),
                "number",
            ),
            **{
                column: {"kind": "category", "missing": "?"}
                for column in (
                    *("workclass", "education", "occupation"),
                    *("race", "sex", "native_country"),
                )
            },
        },
        "tasks": {
            "income": {"kind": "yes/no", "positive": ">50K"},
            "never_married": {
                "kind": "yes/no",
                "column": "marital_status",
                "positive": "Never-married",
            },
        },
        "split": "split",
        "exclude": {"relationship": "gives the marital status away"},
    }

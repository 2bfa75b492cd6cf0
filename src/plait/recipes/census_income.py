"""CensusIncome: income and marriage, the tasks on which MMoE was tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from plait.recipes.table import Table

NUMBERS = (
    *("age", "wage_per_hour", "capital_gains", "capital_losses", "stock_dividends"),
    *("num_emp", "weeks_worked"),
)
CATEGORIES = (
    *("class_worker", "det_ind_code", "det_occ_code", "education", "hs_college"),
    *("major_ind_code", "major_occ_code", "race", "hisp_origin", "sex", "union_member"),
    *("unemp_reason", "full_or_part_emp", "tax_filer_stat", "region_prev_res", "state_prev_res"),
    *("det_hh_fam_stat", "det_hh_summ", "mig_chg_msa", "mig_chg_reg", "mig_move_reg", "mig_same"),
    *("mig_prev_sunbelt", "fam_under_18", "country_father", "country_mother", "country_self"),
    *("citizenship", "own_or_self", "vet_question", "vet_benefits", "year"),
)


class CensusIncome(Table):
    """People in surveys of the United States of 1994 and 1995: two questions of yes or no.

    Read are 39 columns, seven numbers and 32 categories; "?" is a value that is missing. Tasks, the
    first group of MMoE's paper: `income`, whether somebody earns over 50,000 dollars a year (6.2 %
    do), and `never_married` (43.2 % never were). Left out are the marital status, which is the
    second, and the survey's `instance_weight`. As in the paper, what a household is made of stays
    in, though it nearly gives the second task away (a child under 18 was never married).

    These are the 99,762 rows of the official test part, with a random column `split`: 69,833 rows
    for training, 9,976 for validation and 19,953 for the test. Published figures are of a model
    that was trained on the 199,523 rows of the official training part.

    Args:
        data: the folder with `census_income_test_part.csv.xz`. The other arguments are those of
            `Table`.

    Raises:
        DataError: the file is missing, lacks a column, or a cell is not of its kind.

    Licence: Creative Commons Attribution 4.0 (the general terms of the UCI repository).

    Reference: Lane, Kohavi, "Census-Income (KDD)", UCI Machine Learning Repository, 2000. As a
        multi-task problem: Ma, Zhao, Yi, Chen, Hong, Chi, "Modeling Task Relationships in
        Multi-task Learning with Multi-gate Mixture-of-Experts", KDD 2018.
    """

    needs_data = True
    file = "census_income_test_part.csv.xz"
    defaults: ClassVar[Mapping[str, Any]] = {
        **Table.defaults,
        "inputs": {
            **dict.fromkeys(NUMBERS, "number"),
            **{column: {"kind": "category", "missing": "?"} for column in CATEGORIES},
        },
        "tasks": {
            "income": {"kind": "yes/no", "column": "income_50k"},
            "never_married": {
                "kind": "yes/no",
                "column": "marital_stat",
                "positive": "Never married",
            },
        },
        "split": "split",
        "exclude": {"instance_weight": "how many people a row stands for, and no property of it"},
    }

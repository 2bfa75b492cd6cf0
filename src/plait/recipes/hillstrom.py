"""Hillstrom: who visits a shop after an e-mail, who buys, and for how much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from plait.recipes.table import Table


class Hillstrom(Table):
    """Customers and an e-mail campaign, 64,000 rows: three tasks, each a step on from the last.

    Read are eight columns of a customer's past, and the campaign's arm. Tasks: `visit` of the shop
    (14.7 % do), `conversion`, whether something was bought (0.9 %, each of them a visit), and
    `spend` in dollars, which has labels only where something was bought (578 rows): what a customer
    spends, given that he or she buys. Nothing is left out. The signal is weak; the table is for
    the machinery of dependent tasks and for calibration:

        plait train hillstrom --data DIR sharing=Separate connections=AITM
        plait train hillstrom --data DIR sharing=Separate \\
            'connections={class: ProductChain, edges: [[visit, conversion]]}'

    The file's column `split` divides the rows at random into 70 % for training, 10 % for validation
    and 20 % for the test.

    Args:
        data: the folder with `hillstrom.csv.gz`. The other arguments are those of `Table`.

    Raises:
        DataError: the file is missing, lacks a column, or a cell is not of its kind.

    Licence: none is stated; published in 2008 for everybody who took part in a challenge.

    Reference: Hillstrom, "The MineThatData E-Mail Analytics and Data Mining Challenge", 2008.
    """

    needs_data = True
    file = "hillstrom.csv.gz"
    defaults: ClassVar[Mapping[str, Any]] = {
        **Table.defaults,
        "inputs": {
            **dict.fromkeys(("recency", "history"), "number"),
            **dict.fromkeys(("mens", "womens", "newbie"), "yes/no"),
            **dict.fromkeys(("history_segment", "zip_code", "channel", "segment"), "category"),
        },
        "tasks": {
            "visit": {"kind": "yes/no"},
            "conversion": {"kind": "yes/no"},
            "spend": {"kind": "number", "where": "conversion"},
        },
        "split": "split",
    }

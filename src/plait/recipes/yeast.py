"""Yeast: the functions of genes, several for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from plait.recipes.table import Table


class Yeast(Table):
    """Genes of yeast, 2,417 rows: which of 14 groups of functions a gene has, 4.24 on average.

    Read are 103 numbers of a gene, from micro-arrays and its phylogenetic profile. There is one
    task, `functions`, of 14 labels that are yes or no (`Class1` to `Class14`). Nothing is left out.

    The best epoch is the one with the least loss, since there are few validation rows.

    The file's column `split` is the official one, 1,500 rows for training and 917 for the test; the
    validation rows are taken from those for training.

    Args:
        data: the folder with `yeast.csv.gz`. The other arguments are those of `Table`.

    Raises:
        DataError: the file is missing, lacks a column, or a cell is not of its kind.

    Licence: none is stated; distributed for research with Mulan.

    Reference: Elisseeff, Weston, "A Kernel Method for Multi-Labelled Classification", NIPS 2001.
    """

    needs_data = True
    file = "yeast.csv.gz"
    defaults: ClassVar[Mapping[str, Any]] = {
        **Table.defaults,
        "inputs": {"Att*": "number"},
        "tasks": {"functions": {"kind": "tags", "columns": "Class*"}},
        "split": "split",
        "rule": "loss",  # the share of right labels is too noisy on 265 rows to choose an epoch by
    }
